"""What is held back: how it is named, how long it stands, and what is believed of a list from outside."""

from __future__ import annotations

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.held_back import MOST, HeldBack, carried_on, read_held


def test_a_pass_over_a_part_keeps_what_is_held_back_elsewhere() -> None:
    before = [HeldBack("/a/1", "damaged", since=5.0), HeldBack("/b/1", "damaged", since=6.0)]
    found = [HeldBack("/a/1", "still damaged"), HeldBack("/a/2", "damaged")]
    held = carried_on(before, found, lambda path: path.startswith("/a"), 9.0)
    assert [(one.path, one.why, one.since) for one in held] == [
        ("/a/1", "still damaged", 5.0),
        ("/a/2", "damaged", 9.0),
        ("/b/1", "damaged", 6.0),
    ]
    assert carried_on(held, [], lambda path: True, 10.0) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["path", "why", "todo", "since", "waits"]), inner)
        ),
    )
)
def test_whatever_comes_as_a_list_is_read_and_nothing_in_it_breaks_a_line(given_: object) -> None:
    for one in read_held(given_):
        assert all(text.isprintable() and len(text) <= 4 * 4096 for text in (one.path, one.why, one.todo))


def test_a_list_is_read_as_it_was_written_and_is_bounded() -> None:
    items = [HeldBack(f"/a/{number}", "why", "todo", 1.5, waits=False) for number in range(MOST + 1)]
    assert read_held(json.loads(json.dumps([asdict(one) for one in items]))) == items[:MOST]
