"""The `asha` command. Each command lives in a module that is imported only when it is called."""
