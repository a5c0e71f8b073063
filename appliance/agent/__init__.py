"""The daemon of asha.

The agent reads sensors, asks `core` what to do, has it done, and keeps the journal.
"""
