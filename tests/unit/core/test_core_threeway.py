"""Whose version of a file stays, for everything two sides can have done to it."""

from __future__ import annotations

import pytest

from appliance.core.threeway import NOTHING, Content, Verdict, judge

A: Content = ("f", "a")
B: Content = ("f", "b")
C: Content = ("l", "b")


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "verdict"),
    [
        (A, A, A, Verdict.TAKE),  # its owner, mode or time differ
        (A, A, B, Verdict.TAKE),
        (A, B, A, Verdict.KEEP),
        (A, B, B, Verdict.TAKE),
        (A, B, C, Verdict.CONFLICT),
        (A, A, NOTHING, Verdict.REMOVE),
        (A, NOTHING, A, Verdict.KEEP),
        (A, NOTHING, NOTHING, Verdict.KEEP),
        (A, NOTHING, B, Verdict.TAKE),
        (A, B, NOTHING, Verdict.KEEP),
        (NOTHING, NOTHING, A, Verdict.TAKE),
        (NOTHING, A, NOTHING, Verdict.KEEP),
        (NOTHING, A, A, Verdict.TAKE),
        (NOTHING, A, B, Verdict.CONFLICT),
    ],
)
def test_what_only_one_side_has_changed_is_right(
    base: Content, ours: Content, theirs: Content, verdict: Verdict
) -> None:
    assert judge(base, ours, theirs) is verdict
