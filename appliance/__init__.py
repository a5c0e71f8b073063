"""asha: two Asterisk servers that behave as one which does not stop."""

__version__ = "2.0.0"
