"""What happened last in one paragraph: only what the journal knows, and what it does not know is said to be unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.journal_entry import JournalEntry
from appliance.core.last_move import last_move
from appliance.core.status import NodeNames
from appliance.core.transfer_history import PastPhase, PastTransfer, past_transfers

NAMES = NodeNames("pbx1", "pbx2")
RELEASE = PastTransfer(
    5.0, "primary", "release", "Asterisk died", 7, (PastPhase("letting go"), PastPhase("stopping", 0.03),
    PastPhase("done", 0.2)), "done", 0.2, channels=4, channels_ago=23.0, merged=3,
)  # fmt: skip
ACQUIRE = PastTransfer(
    6.0, "secondary", "acquire", "granted by Pacemaker", 8, (PastPhase("settling"), PastPhase("linking", 5.04, "waits"),
    PastPhase("done", 5.1)), "done", 5.1,
)  # fmt: skip


def says(*history: PastTransfer) -> str:
    found = last_move(history, NAMES)
    assert found is not None
    return found.says


def test_service_that_left() -> None:
    assert says(RELEASE, ACQUIRE) == (
        "The primary (pbx1) let service go: Asterisk died. That took 200 ms (letting go 30 ms, stopping 170 ms). "
        "Asterisk had 4 channels in calls, which end when it stops, as counted 23 s before. "
        "Since then 3 messages of the other node's mailboxes came here."
    )


def test_service_that_came_from_a_node_whose_calls_nobody_counted_here() -> None:
    assert says(ACQUIRE) == (
        "The secondary (pbx2) took service over: granted by Pacemaker. "
        "That took 5.1 s (settling 5.0 s, linking 60 ms). "
        "Which calls were up on the other node is not known here."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": None, "channels_ago": None}, "How many calls were up is not known."),
        ({"channels": 0}, "Asterisk had no call, as counted 23 s before."),
        ({"channels": 1}, "Asterisk had 1 channel in calls"),
        ({"merged": 1}, "Since then one message of"),
        ({"ended": "under way", "took": None}, "It is still under way, done."),
        ({"ended": "superseded", "took": None}, "How it ended is not known"),
        ({"ended": "blocked", "phases": (PastPhase("blocked", 1.0, "the relay does not move"),)},
         "It has not come about: the relay does not move."),
        ({"ended": "unverifiable"}, "Whether the line came along is not known."),
        ({"reason": ""}, "the journal has no reason for it."),
    ],
)  # fmt: skip
def test_what_is_known_of_it(changes: dict[str, object], words: str) -> None:
    assert words in says(replace(RELEASE, **changes))


def test_what_is_not_known_is_not_claimed() -> None:
    bare = PastTransfer(5.0, "primary", "release")
    assert says(bare) == (
        "The primary (pbx1) let service go; the journal has no reason for it. It is still under way, just begun. "
        "How many calls were up is not known."
    )
    assert "messages" not in says(replace(RELEASE, merged=0))


def test_a_node_that_was_cleared_has_moved_nothing() -> None:
    cleared = replace(RELEASE, goal="leave")
    assert last_move([cleared], NAMES) is None
    assert says(cleared, ACQUIRE).startswith("The secondary")


def test_the_journal_tells_it_so() -> None:
    """From the entries as they stand on the disk, also those of an older version, which count nothing."""
    entries = [
        {
            "kind": "transfer",
            "wall": 1.0,
            "goal": "release",
            "reason": "x",
            "channels": 2,
            "channels_ago": 9.5,
        },
        {"kind": "phase", "wall": 2.0, "goal": "release", "phase": "done", "after": 1.0},
        {"kind": "data", "wall": 3.0, "says": "in step again"},
        {"kind": "data", "wall": 4.0, "says": "messages", "merged": 2},
        {"kind": "data", "wall": 5.0, "says": "messages", "merged": 1},
        {"kind": "transfer", "wall": 6.0, "goal": "acquire", "reason": "y"},
    ]
    came, went = past_transfers(map(JournalEntry, entries), "primary")
    assert (went.channels, went.channels_ago, went.merged) == (2, 9.5, 3)
    assert (came.channels, came.channels_ago, came.merged) == (None, None, 0)
