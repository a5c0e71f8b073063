"""What goes wrong with a rack's machines."""

from __future__ import annotations


class RackError(Exception):
    """The rack's network or a tool it needs refused; the sentence says which and why."""


class NodeError(RackError):
    """One machine did not do what was asked, or is in no state to."""
