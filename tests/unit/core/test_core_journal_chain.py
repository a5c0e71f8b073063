"""The journal's chain: what is changed, dropped or cut short is found, and where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.journal_rules import START, Broken, digest, link, verify

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
entries = st.dictionaries(st.text(max_size=6), scalars | st.lists(scalars, max_size=3), max_size=4)


def write(notes: list[dict[str, object]]) -> list[str]:
    previous, lines = START, []
    for note in notes:
        entry = link(previous, note)
        previous = str(entry["hash"])
        lines.append(json.dumps(entry))
    return lines


LINES = write([{"at": float(number), "kind": "note", "says": f"entry {number}"} for number in range(5)])


def test_a_whole_chain_holds() -> None:
    assert verify(LINES, START) is None
    assert verify(LINES) is None
    assert verify([], START) is None


@pytest.mark.parametrize("number", range(5))
def test_a_changed_entry_is_found_where_it_is(number: int) -> None:
    changed = json.loads(LINES[number]) | {"says": "nothing happened"}
    lines = [*LINES[:number], json.dumps(changed), *LINES[number + 1 :]]
    assert verify(lines, START) == Broken(number + 1, "it was changed after it was written")


@pytest.mark.parametrize("number", range(4))
def test_a_dropped_entry_is_found(number: int) -> None:
    lines = LINES[:number] + LINES[number + 1 :]
    assert verify(lines, START) == Broken(number + 1, "an entry before it is missing or was changed")


def test_the_first_entries_may_be_rotated_away_when_their_hash_is_kept() -> None:
    assert verify(LINES[2:]) is None
    assert verify(LINES[2:], str(json.loads(LINES[1])["hash"])) is None
    assert verify(LINES[2:], START) == Broken(1, "an entry before it is missing or was changed")


def test_an_entry_written_anew_with_a_right_hash_breaks_the_next() -> None:
    forged = link(str(json.loads(LINES[0])["hash"]), {"at": 1.0, "kind": "note", "says": "forged"})
    lines = [LINES[0], json.dumps(forged), *LINES[2:]]
    assert verify(lines, START) == Broken(3, "an entry before it is missing or was changed")


def test_two_entries_exchanged() -> None:
    assert verify([LINES[0], LINES[2], LINES[1], *LINES[3:]], START) is not None


@pytest.mark.parametrize("cut", [1, 10, len(LINES[4]) - 1])
def test_a_half_written_last_line_is_found(cut: int) -> None:
    assert verify([*LINES[:4], LINES[4][:cut]], START) == Broken(5, "not a whole entry")


@pytest.mark.parametrize("text", ["[]", "7", "null", '"x"'])
def test_what_is_no_entry(text: str) -> None:
    assert verify([text]) == Broken(1, "not an entry")


def test_a_hash_taken_away() -> None:
    bare = {key: value for key, value in json.loads(LINES[0]).items() if key != "hash"}
    assert verify([json.dumps(bare)], START) == Broken(1, "it was changed after it was written")


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert digest(START, {"a": 1, "b": 2}) == digest(START, {"b": 2, "a": 1})
    assert digest(START, {"a": 1}) != digest("1" * 64, {"a": 1})


@given(st.lists(entries, max_size=5))
def test_any_entries_hold(notes: list[dict[str, object]]) -> None:
    assert verify(write(notes), START) is None


@given(st.lists(entries, min_size=2, max_size=5), st.data())
def test_any_drop_but_of_the_last_is_found(notes: list[dict[str, object]], data: st.DataObject) -> None:
    lines = write(notes)
    victim = data.draw(st.integers(0, len(lines) - 2))
    assert verify(lines[:victim] + lines[victim + 1 :], START) is not None
