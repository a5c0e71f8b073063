"""The role table: every row, and nothing besides."""

from __future__ import annotations

import itertools

import pytest

from appliance.core.roles import TABLE, Event, IllegalEvent, Role, advance, diagram

ROWS = [
    (Role.OFF, Event.ENGINE_UP, Role.WAITING),
    (Role.WAITING, Event.PEER_SEEN, Role.STANDBY),
    (Role.WAITING, Event.GRANTED, Role.ACQUIRING),
    (Role.WAITING, Event.REVOKED, Role.RELEASING),
    (Role.WAITING, Event.ENGINE_DOWN, Role.OFF),
    (Role.STANDBY, Event.GRANTED, Role.ACQUIRING),
    (Role.STANDBY, Event.REVOKED, Role.RELEASING),
    (Role.STANDBY, Event.ENGINE_DOWN, Role.OFF),
    (Role.ACQUIRING, Event.CONFIRMED, Role.ACTIVE),
    (Role.ACQUIRING, Event.REVOKED, Role.RELEASING),
    (Role.ACQUIRING, Event.ENGINE_DOWN, Role.LEAVING),
    (Role.ACTIVE, Event.LOST, Role.ACQUIRING),
    (Role.ACTIVE, Event.REVOKED, Role.RELEASING),
    (Role.ACTIVE, Event.ENGINE_DOWN, Role.LEAVING),
    (Role.RELEASING, Event.RELEASED, Role.STANDBY),
    (Role.RELEASING, Event.GRANTED, Role.ACQUIRING),
    (Role.RELEASING, Event.ENGINE_DOWN, Role.LEAVING),
    (Role.LEAVING, Event.RELEASED, Role.OFF),
    (Role.LEAVING, Event.ENGINE_UP, Role.RELEASING),
]
LEGAL = {(role, event) for role, event, _ in ROWS}
ILLEGAL = [pair for pair in itertools.product(Role, Event) if pair not in LEGAL]


@pytest.mark.parametrize(("role", "event", "target"), ROWS)
def test_every_row(role: Role, event: Event, target: Role) -> None:
    assert advance(role, event) is target


@pytest.mark.parametrize(("role", "event"), ILLEGAL)
def test_an_illegal_event_raises_and_leaves_the_table_alone(role: Role, event: Event) -> None:
    before = {row: dict(targets) for row, targets in TABLE.items()}
    with pytest.raises(IllegalEvent, match=role.value):
        advance(role, event)
    assert {row: dict(targets) for row, targets in TABLE.items()} == before


def test_every_role_can_be_reached_and_left() -> None:
    reached = {target for _, _, target in ROWS}
    assert reached == set(Role)
    assert set(TABLE) == set(Role)


def test_only_a_grant_leads_to_a_role_that_holds() -> None:
    entries = {event for role, event, target in ROWS if target.holds and not role.holds}
    assert entries == {Event.GRANTED}


def test_nobody_stays_a_holder_when_the_engine_dies() -> None:
    for role in Role:
        if role.holds:
            assert not advance(role, Event.ENGINE_DOWN).holds


def test_the_diagram_has_every_row() -> None:
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> off"]
    assert {line.strip() for line in lines[2:]} == {
        f"{role.value} --> {target.value}: {event.value}" for role, event, target in ROWS
    }
