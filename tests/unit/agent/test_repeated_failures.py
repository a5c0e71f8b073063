"""An order that fails the same way again and again does not fill the journal, and is not forgotten by it either."""

from __future__ import annotations

from appliance.agent.repeated_failures import RepeatedFailures
from appliance.core.counters import Meters
from appliance.core.journal_entry import JournalEntry
from appliance.core.transfer import Order

SILENT = "the card does not answer"


def tried(
    failures: RepeatedFailures, now: float, problem: str, reason: str = "taken back"
) -> tuple[bool, int]:
    """Give the order and end it; return whether the journal holds the order, and for how many its end stands."""
    given = failures.tells(Order.RELEASE, reason, 4, now)
    return given, failures.ended(Order.RELEASE, reason, 4, problem, now)


def test_a_night_with_a_silent_card_is_a_few_entries_that_stand_for_all_tries() -> None:
    failures = RepeatedFailures()
    told = [tried(failures, float(second), SILENT) for second in range(8 * 3600)]
    assert told[:4] == [(True, 1), (True, 1), (True, 1), (False, 0)]
    assert sum(given for given, _ in told) <= 3 + 8 * 60
    _, last = tried(failures, 8 * 3600.0, "")
    assert last > 0 and sum(tries for _, tries in told) + last == 8 * 3600 + 1
    assert tried(failures, 8 * 3600.0 + 1, SILENT) == (True, 1), "it worked in between"


def test_another_problem_reason_or_order_is_told_at_once() -> None:
    failures = RepeatedFailures()
    for second in range(10):
        tried(failures, float(second), SILENT)
    assert tried(failures, 10.0, "the tool is gone") == (False, 8), "the seven before it, and this one"
    assert tried(failures, 11.0, "the tool is gone", "an operator asked")[0]
    assert failures.tells(Order.ENERGISE, "taken back", 4, 12.0)


def test_the_counter_of_failures_counts_every_try() -> None:
    counters = Meters(0.0)
    entries = [
        {"kind": "done", "order": "RELEASE", "problem": SILENT},
        {"kind": "done", "order": "RELEASE", "problem": SILENT, "tries": 60},
        {"kind": "done", "order": "RELEASE", "problem": "", "tries": 9},
    ]
    counters.read_on(JournalEntry(entry) for entry in entries)
    assert counters.document(alerts=0).orders_failed == 1 + 60 + 8
