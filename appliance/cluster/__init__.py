"""Heartbeat, R1 style: its files, its state, its commands, its messages, and our resource script."""
