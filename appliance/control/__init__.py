"""The agent's local socket: what is said on it, who asks, who answers."""
