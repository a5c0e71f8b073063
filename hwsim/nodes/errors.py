"""The errors of a rack's machines."""

from __future__ import annotations


class RackError(Exception):
    """The rack's network or a tool it needs has failed; the message says which and why."""


class NodeError(RackError):
    """One machine did not do what was asked, or is not in a state to do it."""
