"""Pages and API that a browser or a program can ask for; each view declares who may use it."""
