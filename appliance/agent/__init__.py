"""asha's daemon: it reads sensors, asks core what to do, has it done, and keeps the journal."""
