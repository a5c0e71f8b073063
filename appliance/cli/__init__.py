"""The `asha` command. The module of a subcommand is imported only when the subcommand is called."""
