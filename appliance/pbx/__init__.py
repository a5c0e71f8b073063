"""Asterisk: its process, its probes, starting and stopping it, its D-channels."""
