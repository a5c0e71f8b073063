"""The web page: what is true, and the buttons that are safe now. Knows the agent by its socket only."""
