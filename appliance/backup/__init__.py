"""Backups of a node's own state: which files are in one, the file that holds them, and how they are put back."""
