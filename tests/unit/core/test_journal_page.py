"""Pages of the journal: bounded, none lost and none twice whatever the clocks did, and both nodes in one list."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import UserError
from appliance.core.journal_entry import JournalEntry
from appliance.core.journal_page import MOST, JournalPage, JournalQuery, merged, page_of

LIMIT = 64 * 1024  # what host/process.py keeps of an answer


def entry(number: int, wall: float = 0.0, kind: str = "order", **fields: object) -> JournalEntry:
    linked = {"hash": hashlib.sha256(f"{fields.get('node')} {number}".encode()).hexdigest(), "prev": "0" * 64}
    return JournalEntry(
        {"wall": wall or float(number), "kind": kind, "says": f"says {number}", **fields, **linked}
    )


def backwards(count: int, **fields: object) -> list[JournalEntry]:
    return [entry(number, **fields) for number in range(count, 0, -1)]


def test_a_page_has_the_newest_and_says_that_there_are_more() -> None:
    page = page_of(backwards(MOST + 5), JournalQuery())
    assert [one["wall"] for one in page.entries] == [float(number) for number in range(MOST + 5, 5, -1)]
    assert page.more and "prev" not in page.entries[0]


def test_the_next_page_begins_behind_the_last_one() -> None:
    journal = backwards(MOST + 5)
    first = page_of(journal, JournalQuery())
    second = page_of([*backwards(1, node="new"), *journal], JournalQuery(before=first.last))
    assert [one["wall"] for one in second.entries] == [5.0, 4.0, 3.0, 2.0, 1.0]
    assert not second.more


def test_a_place_that_is_gone_has_nothing_behind_it() -> None:
    assert page_of(backwards(9), JournalQuery(before="f" * 64)) == JournalPage((), "f" * 64)


def test_a_kind_and_words_choose() -> None:
    journal = [entry(3, kind="peer", alive=False), entry(2, kind="order"), entry(1, kind="peer", alive=True)]
    assert len(page_of(journal, JournalQuery(kind="peer")).entries) == 2
    (gone,) = page_of(journal, JournalQuery(search="Is GONE")).entries
    assert gone["wall"] == 3.0


def test_what_is_rare_is_looked_for_in_pages_too() -> None:
    """A search stops after a while, says where, and goes on there."""
    journal, found, before, pages = [*backwards(12_000)], [], "", 0
    more = True
    while more:
        page = page_of(journal, JournalQuery(before=before, search="says 12"))
        found += page.entries
        before, more, pages = page.last, page.more, pages + 1
    expected = [number for number in range(12_000, 0, -1) if str(number).startswith("12")]
    assert [one["wall"] for one in found] == expected and pages >= 3


def test_a_page_fits_into_an_answer_and_a_giant_is_named() -> None:
    giant = entry(7, text="x" * 60_000)
    assert "an entry of 6" in str(page_of([giant], JournalQuery()).entries[0]["says"])
    page = page_of(backwards(200, text="ü" * 700), JournalQuery())
    assert 1 < len(page.entries) < MOST and page.more
    assert len(json.dumps({"ok": True, "page": {"entries": page.entries}})) < LIMIT


@pytest.mark.parametrize(
    "wrong",
    [{"before": "../x"}, {"before": "F" * 64}, {"kind": "Peer<"}, {"kind": "a" * 41}, {"search": "x" * 101}],
)
def test_a_question_that_is_none_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(UserError):
        JournalQuery(**wrong)


def test_both_nodes_are_in_one_list_by_their_clocks() -> None:
    pages = {
        "primary": JournalPage(tuple(entry(number, node="p").fields for number in (9, 6, 1)), "x"),
        "secondary": JournalPage(tuple(entry(number, node="s").fields for number in (8, 7, 2)), "y"),
    }
    found = merged(pages, {})
    assert [(node[0], one.wall) for node, one in found.entries] == [
        ("p", 9.0), ("s", 8.0), ("s", 7.0), ("p", 6.0), ("s", 2.0), ("p", 1.0),
    ]  # fmt: skip
    assert not found.more


def test_what_the_other_node_has_not_told_yet_is_waited_for() -> None:
    """The secondary has more behind 8, so nothing of the primary that is older may be shown before it."""
    last = entry(8, node="s")
    pages = {
        "primary": JournalPage(tuple(entry(number, node="p").fields for number in (9, 6)), "x"),
        "secondary": JournalPage((last.fields,), last.hash, more=True),
    }
    found = merged(pages, {})
    assert [one.wall for _, one in found.entries] == [9.0, 8.0]
    assert found.more
    assert found.before == {"primary": entry(9, node="p").hash, "secondary": last.hash}


@given(st.lists(st.floats(1, 50), max_size=150), st.lists(st.floats(1, 50), max_size=350))
def test_page_by_page_every_entry_is_shown_once(one: list[float], other: list[float]) -> None:
    """Whatever the clocks did: the times are in no order here."""
    journals = {
        node: [entry(number, wall, node=node) for number, wall in enumerate(walls)]
        for node, walls in (("primary", one), ("secondary", other))
    }
    shown, before, more, pages = [], {"primary": "", "secondary": ""}, True, 0
    while more:
        found = merged(
            {node: page_of(journal, JournalQuery(before[node])) for node, journal in journals.items()}, before
        )
        shown += [entry.hash for _, entry in found.entries]
        before, more, pages = dict(found.before), found.more, pages + 1
        assert pages < 20
    assert sorted(shown) == sorted(entry.hash for journal in journals.values() for entry in journal)
