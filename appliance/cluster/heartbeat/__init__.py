"""Heartbeat 2.1 to 3.0 behind `cluster.engine`: its files, commands, API socket and words stay in this folder."""
