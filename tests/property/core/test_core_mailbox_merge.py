"""Merging a mailbox loses no message and doubles none, whatever both sides have done."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import data_merge as core_mailbox
from appliance.core.data_merge import (
    MOST,
    Mailbox,
    MailPlan,
    Message,
    Spot,
    merge,
    only_added,
    without_removed,
)

FOLDERS = ("INBOX", "Old", "Work")


def message(number: int) -> Message:
    return frozenset({("txt", f"t{number}"), ("wav", f"w{number}")})


def mailbox(places: dict[int, str]) -> Mailbox:
    """Each message in its folder, numbered without a gap in the order of the messages."""
    counts: Counter[str] = Counter()
    found = {}
    for number, folder in places.items():
        found[Spot(folder, counts[folder])] = message(number)
        counts[folder] += 1
    return found


def carried_out(plan: MailPlan, ours: Mailbox, theirs: Mailbox) -> dict[Spot, Message]:
    after = dict(ours)
    for spot in plan.vacant:
        del after[spot]
    for placing in plan.placings:
        after[placing.to] = (ours if placing.ours else theirs)[placing.source]
    return after


def boxes(numbers: range) -> st.SearchStrategy[dict[int, str]]:
    return st.dictionaries(st.sampled_from(list(numbers)), st.sampled_from(FOLDERS))


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    """A common past; what each side has since removed, moved and got."""
    base = draw(boxes(range(8)))

    def later(fresh: range) -> dict[int, str]:
        kept = {
            number: draw(st.sampled_from([folder, folder, *FOLDERS, ""])) for number, folder in base.items()
        }
        return {number: folder for number, folder in kept.items() if folder} | draw(boxes(fresh))

    return base, later(range(10, 14)), later(range(20, 24))


@given(histories())
def test_nothing_is_lost_and_nothing_comes_twice(
    history: tuple[dict[int, str], dict[int, str], dict[int, str]],
) -> None:
    base, ours, theirs = history
    plan = merge(mailbox(base), mailbox(ours), mailbox(theirs))
    after = carried_out(plan, mailbox(ours), mailbox(theirs))
    counts = Counter(after.values())
    assert all(count == 1 for count in counts.values())
    expected = set()
    for number in base.keys() | ours.keys() | theirs.keys():
        side = ours if theirs.get(number) == base.get(number) else theirs
        if number in side:
            expected.add((message(number), side[number]))
    assert {(one, spot.folder) for spot, one in after.items()} == expected


@given(histories())
def test_numbers_have_no_gap(history: tuple[dict[int, str], dict[int, str], dict[int, str]]) -> None:
    base, ours, theirs = (mailbox(side) for side in history)
    after = carried_out(merge(base, ours, theirs), ours, theirs)
    for folder in FOLDERS:
        numbers = sorted(spot.number for spot in after if spot.folder == folder)
        assert numbers == list(range(len(numbers)))


@given(histories())
def test_merging_again_changes_nothing(
    history: tuple[dict[int, str], dict[int, str], dict[int, str]],
) -> None:
    """Whether the first merge was remembered (their side is the new base) or forgotten in a crash."""
    base, ours, theirs = (mailbox(side) for side in history)
    after = carried_out(merge(base, ours, theirs), ours, theirs)
    for known in (theirs, base):
        again = carried_out(merge(known, after, theirs), after, theirs)
        assert again == after


def test_copies_of_one_message_are_counted() -> None:
    """Somebody has copied a message to another folder: both stay."""
    base = {Spot("INBOX", 0): message(1)}
    ours = base
    theirs = {Spot("INBOX", 0): message(1), Spot("Work", 0): message(1)}
    assert carried_out(merge(base, ours, theirs), ours, theirs) == theirs


def test_what_stays_keeps_its_order_and_comes_before_what_is_added() -> None:
    base: Mailbox = {}
    ours = {Spot("INBOX", 0): message(1), Spot("INBOX", 1): message(2)}
    theirs = {Spot("INBOX", 0): message(3), Spot("INBOX", 1): message(4)}
    after = carried_out(merge(base, ours, theirs), ours, theirs)
    assert [after[Spot("INBOX", number)] for number in range(4)] == [
        message(number) for number in (1, 2, 3, 4)
    ]


@given(histories(), st.integers(1, 6))
def test_a_full_folder_is_left_as_it_is_and_nothing_is_lost(
    history: tuple[dict[int, str], dict[int, str], dict[int, str]], most: int
) -> None:
    base, ours, theirs = (mailbox(side) for side in history)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(core_mailbox, "MOST", most)
        plan = merge(base, ours, theirs)
        added = only_added(plan, ours)
    after = carried_out(plan, ours, theirs)
    assert set(Counter(after.values()).values()) <= {1}
    before, now = (Counter(spot.folder for spot in side) for side in (ours, after))
    assert all(now[folder] <= max(most, before[folder]) for folder in FOLDERS)
    for folder in plan.full:
        assert {one for spot, one in after.items() if spot.folder == folder} == {
            one for spot, one in ours.items() if spot.folder == folder
        }
    # Once there is room, it comes as if nothing had been in its way.
    again = carried_out(merge(base, after, theirs), after, theirs)
    at_once = carried_out(merge(base, ours, theirs), ours, theirs)
    assert _folders(again) == _folders(at_once)
    assert all(not placing.ours for placing in added.placings) and not added.vacant
    coming = Counter(placing.to.folder for placing in added.placings)
    assert all(before[folder] + count <= most for folder, count in coming.items())


def _folders(box: Mailbox) -> Counter[tuple[Message, str]]:
    return Counter((one, spot.folder) for spot, one in box.items())


@given(histories(), st.data())
def test_what_is_damaged_there_does_not_pass_for_removed(
    history: tuple[dict[int, str], dict[int, str], dict[int, str]], data: st.DataObject
) -> None:
    base, ours, theirs = (mailbox(side) for side in history)
    damaged = data.draw(st.sets(st.sampled_from(sorted(theirs)))) if theirs else set()
    whole = {spot: one for spot, one in theirs.items() if spot not in damaged}
    after = carried_out(merge(without_removed(base, whole), ours, whole), ours, whole)
    assert set(after.values()) >= set(ours.values())
    fresh = set(whole.values()) - set(base.values())
    assert set(after.values()) >= fresh
    # Repaired, it comes as if it had never been damaged; nothing was remembered meanwhile.
    repaired = carried_out(merge(base, after, theirs), after, theirs)
    assert _folders(repaired) == _folders(carried_out(merge(base, ours, theirs), ours, theirs))


def test_asterisks_own_limit_counts() -> None:
    ours = {Spot("INBOX", number): message(number) for number in range(MOST)}
    one_more = {Spot("INBOX", 0): message(-1), Spot("Old", 0): message(-2)}
    plan = merge({}, ours, one_more)
    assert plan.full == ("INBOX",)
    assert [placing.to for placing in plan.placings] == [Spot("Old", 0)]
    del ours[Spot("INBOX", MOST - 1)]
    assert merge({}, ours, one_more).full == only_added(merge({}, ours, one_more), ours).full == ()
