"""Frozen dataclasses that are changed by making a new one: alike by either way, and nothing is written at first."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from appliance.core import values
from appliance.core.values import changed


@dataclass(frozen=True)
class Reading:
    """A value like those of the controller, with a field that it makes itself."""

    at: float
    line: str = "clear"
    words: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", f"{self.line} at {self.at:g}")


def test_a_change_is_the_same_however_often_it_was_made() -> None:
    before = Reading(1.0)
    for at in range(200):
        after = changed(before, at=float(at), line="red")
        assert (after.at, after.line, after.words) == (at, "red", f"red at {at}")
    assert before == Reading(1.0)


def test_what_does_not_change_stays_the_same_object() -> None:
    before = Reading(1.0)
    assert all(changed(before, line="clear") is before for _ in range(200))


def test_a_first_change_writes_no_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failover makes many changes for the first time, and must not wait for that."""
    written: list[tuple[object, ...]] = []

    def write(*way: object) -> None:
        written.append(way)

    monkeypatch.setattr(values, "_change_of", write)
    assert changed(Reading(1.0), at=2.0, line="red").line == "red"
    assert changed(Reading(1.0), line="blue").line == "blue"
    assert written == []
