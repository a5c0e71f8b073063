"""The three-way judgement on one file that changed on two nodes since both had the same version."""

from __future__ import annotations

import enum

Content = tuple[str, str]
"""What a path holds: the kind and the digest of an `Entry`. ("", ""): nothing there."""

NOTHING: Content = ("", "")


class MergeVerdict(enum.Enum):
    """The decision about the version of this node."""

    KEEP = "keep"
    TAKE = "take"
    REMOVE = "remove"
    CONFLICT = "conflict"


def judge(base: Content, ours: Content, theirs: Content) -> MergeVerdict:
    """Return what becomes of our version, by a three-way comparison.

    A change that only one side has made is taken as right; different changes on both sides are a conflict. A
    removal never wins over a change: what somebody has written since is kept. Where both hold the same, the
    peer's is taken, for its owner, mode and time may be newer.
    """
    if theirs == ours:
        return MergeVerdict.TAKE if ours != NOTHING else MergeVerdict.KEEP
    if theirs == base:
        return MergeVerdict.KEEP
    if ours == base:
        return MergeVerdict.REMOVE if theirs == NOTHING else MergeVerdict.TAKE
    if ours == NOTHING:
        return MergeVerdict.TAKE
    return MergeVerdict.KEEP if theirs == NOTHING else MergeVerdict.CONFLICT
