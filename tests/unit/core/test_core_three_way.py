"""Whose version of a file stays, for everything two sides can have done to it."""

from __future__ import annotations

import pytest

from appliance.core.data_merge import NOTHING, Content, MergeVerdict, judge

A: Content = ("f", "a")
B: Content = ("f", "b")
C: Content = ("l", "b")


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "verdict"),
    [
        (A, A, A, MergeVerdict.TAKE),  # its owner, mode or time differ
        (A, A, B, MergeVerdict.TAKE),
        (A, B, A, MergeVerdict.KEEP),
        (A, B, B, MergeVerdict.TAKE),
        (A, B, C, MergeVerdict.CONFLICT),
        (A, A, NOTHING, MergeVerdict.REMOVE),
        (A, NOTHING, A, MergeVerdict.KEEP),
        (A, NOTHING, NOTHING, MergeVerdict.KEEP),
        (A, NOTHING, B, MergeVerdict.TAKE),
        (A, B, NOTHING, MergeVerdict.KEEP),
        (NOTHING, NOTHING, A, MergeVerdict.TAKE),
        (NOTHING, A, NOTHING, MergeVerdict.KEEP),
        (NOTHING, A, A, MergeVerdict.TAKE),
        (NOTHING, A, B, MergeVerdict.CONFLICT),
    ],
)
def test_what_only_one_side_has_changed_is_right(
    base: Content, ours: Content, theirs: Content, verdict: MergeVerdict
) -> None:
    assert judge(base, ours, theirs) is verdict
