"""SARK: its globals in the SQLite database, and the address its telephones are provisioned with."""
