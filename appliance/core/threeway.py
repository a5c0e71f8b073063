"""One file, changed on two nodes since they last had the same: whose version stays."""

from __future__ import annotations

import enum

Content = tuple[str, str]
"""What a path holds: the kind and the digest of an `Entry`. ("", ""): nothing there."""

NOTHING: Content = ("", "")


class Verdict(enum.Enum):
    """What becomes of our version."""

    KEEP = "keep"
    TAKE = "take"
    REMOVE = "remove"
    CONFLICT = "conflict"


def judge(base: Content, ours: Content, theirs: Content) -> Verdict:
    """Three-way: what only one side has changed is right; what both have changed otherwise is a conflict.

    A removal never wins over a change: what somebody has written since is kept. Where both hold the same, theirs is
    taken, for its owner, mode and time may be newer.
    """
    if theirs == ours:
        return Verdict.TAKE if ours != NOTHING else Verdict.KEEP
    if theirs == base:
        return Verdict.KEEP
    if ours == base:
        return Verdict.REMOVE if theirs == NOTHING else Verdict.TAKE
    if ours == NOTHING:
        return Verdict.TAKE
    return Verdict.KEEP if theirs == NOTHING else Verdict.CONFLICT
