"""Both engines beside each other and beside keepalived and plain Heartbeat, at equal detection time."""
