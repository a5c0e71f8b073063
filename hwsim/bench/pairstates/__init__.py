"""Events of the pair beside plain Heartbeat: for how long both serve, or nobody, and how often the relay moves."""
