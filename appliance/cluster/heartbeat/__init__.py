"""Heartbeat 2.1 to 3.0 behind `cluster.engine`.

Heartbeat's files, commands, API socket and terms stay inside this folder.
"""
