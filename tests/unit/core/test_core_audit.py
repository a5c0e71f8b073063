"""The audit predicates: silent on a good trace, and each shown to find what it is there for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from appliance.core.journal_entry import JournalEntry
from appliance.core.journal_rules import Moment, audit_journal, energised_without_grant, two_owners
from appliance.core.model import Node, Relay

P, S = Node.PRIMARY, Node.SECONDARY


def moment(at: float, relay: Relay, granted: str = "", claims: str = "") -> Moment:
    """`granted` and `claims` name nodes by their first letters, as in 'p' or 'ps'."""
    return Moment(at, relay, {P: "p" in granted, S: "s" in granted}, {P: "p" in claims, S: "s" in claims})


ON, OFF = Relay.ENERGISED, Relay.RELEASED
FAILOVER = [
    moment(0.0, ON, "p", "p"),
    moment(1.0, OFF, "p", "p"),  # the card lost its power; the primary has not noticed yet
    moment(1.1, OFF, "p"),
    moment(3.0, OFF, "s"),
    moment(8.0, OFF, "s", "s"),
]


def test_a_good_failover() -> None:
    assert list(two_owners(FAILOVER)) == []
    assert list(energised_without_grant(FAILOVER, 1.0)) == []


def test_two_owners_are_found() -> None:
    (violation,) = two_owners([*FAILOVER, moment(9.0, OFF, "ps", "ps")])
    assert (violation.rule, violation.at) == ("never two owners of the line", 9.0)


@pytest.mark.parametrize(("relay", "liar"), [(ON, "s"), (OFF, "p")])
def test_an_owner_to_whom_the_relay_does_not_lead_is_found(relay: Relay, liar: str) -> None:
    trace = [moment(at, relay, liar, liar) for at in (0.0, 0.5, 1.0, 1.5)]
    (violation,) = two_owners(trace)
    assert (violation.rule, violation.at) == ("only the owner claims the line", 1.5)


def test_the_grace_starts_anew_with_each_move() -> None:
    blinks = [moment(float(at), ON if at % 2 else OFF, "p", "p") for at in range(10)]
    assert list(two_owners(blinks)) == []


def test_an_energised_relay_without_a_grant_is_found_after_the_grace() -> None:
    trace = [moment(0.0, ON, "p"), moment(1.0, ON), moment(1.5, ON), moment(2.1, ON)]
    (violation,) = energised_without_grant(trace, 1.0)
    assert (violation.rule, violation.at) == ("energised only under a grant", 2.1)


def test_the_secondarys_grant_is_none_for_the_relay() -> None:
    trace = [moment(0.0, ON, "s"), moment(9.0, ON, "s")]
    assert list(energised_without_grant(trace, 1.0))


def test_two_short_times_without_a_grant_do_not_add_up() -> None:
    trace = [moment(0.0, ON), moment(0.9, ON), moment(1.0, ON, "p"), moment(1.8, ON), moment(2.7, ON)]
    assert list(energised_without_grant(trace, 1.0)) == []


# -- the journal ------------------------------------------------------------------------------------------

Entry = Mapping[str, object]


def order(name: str, generation: int, at: float = 2.0, reason: str = "granted by Heartbeat") -> Entry:
    return {"at": at, "kind": "order", "order": name, "reason": reason, "generation": generation}


def grant(held: bool, generation: int, at: float = 1.0) -> Entry:
    return {"at": at, "kind": "grant", "held": held, "generation": generation}


GOOD: list[Entry] = [
    {"at": 0.0, "kind": "agent", "says": "started"},
    {"at": 0.1, "kind": "order", "order": "RELEASE", "reason": "an agent has started", "generation": 0},
    grant(True, 1),
    order("ENERGISE", 1),
    {"at": 3.0, "kind": "card", "says": "the card is gone"},
    {"at": 4.0, "kind": "decision", "act": "hand over", "reason": "Asterisk died", "evidence": ["pbx"]},
    {"at": 4.5, "kind": "decision", "act": "stay", "reason": "no standby is there", "evidence": []},
    order("RELEASE", 1, at=5.0),
    grant(False, 2, at=6.0),
]


def test_a_good_journal() -> None:
    assert list(audit_journal(map(JournalEntry, GOOD))) == []


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (grant(True, 1, at=7.0), "the generation never falls"),
        (order("ENERGISE", 2, at=7.0), "energised only under a grant"),
        (order("RELEASE", 2, at=7.0, reason=""), "every order has a reason"),
        ({"at": 7.0, "kind": "order", "order": "STOP_PBX", "reason": "x"}, "every order has a generation"),
        (
            {
                "at": 7.0,
                "kind": "decision",
                "act": "hand over",
                "reason": "a probe was silent",
                "evidence": [],
            },
            "Unknown alone moves nothing",
        ),
    ],
)
def test_each_rule_is_found(entry: Entry, rule: str) -> None:
    (violation,) = audit_journal(map(JournalEntry, [*GOOD, entry]))
    assert (violation.rule, violation.at) == (rule, 7.0)


def test_a_late_energise_of_an_ended_grant_is_found() -> None:
    late = [grant(True, 1), grant(False, 2, at=2.0), grant(True, 3, at=3.0), order("ENERGISE", 1, at=4.0)]
    assert "the generation never falls" in {
        violation.rule for violation in audit_journal(map(JournalEntry, late))
    }
