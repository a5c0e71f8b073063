"""Merging a mailbox loses no message and doubles none, whatever both sides have done."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.mailbox import Mailbox, MailPlan, Message, Spot, merge

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
