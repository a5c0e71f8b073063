"""The picture's values: each state has its word, its shape and its words for those who do not see it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from appliance.core.status import Status, from_json
from appliance.panel.render.diagram import diagram
from appliance.panel.render.readiness import readiness
from tests.plugins.agent_stand_in import STATUS, known, span, unknown


def status(**changes: Any) -> Status:
    return from_json({**copy.deepcopy(STATUS), **changes})


def peer(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(STATUS["peer"]), **changes}


@pytest.mark.parametrize(
    ("role", "word", "shape"),
    [
        ("active", "ACTIVE", "disc"),
        ("standby", "STANDBY", "ring"),
        ("waiting", "WAITING", "turning"),
        ("acquiring", "TAKING SERVICE", "turning"),
        ("off", "HA OFF", "bar"),
        ("of tomorrow", "UNKNOWN", "question"),
    ],
)
def test_every_role_has_its_word_and_its_shape(role: str, word: str, shape: str) -> None:
    own = diagram(status(role=role)).primary
    assert (own.state, own.shape) == (word, shape)


def test_the_nodes_stand_where_the_conf_has_them_whoever_shows_the_page() -> None:
    seen = diagram(status(node="secondary", role="standby", peer=peer(node="primary", role="active")))
    assert (seen.primary.state, seen.primary.here) == ("ACTIVE", False)
    assert (seen.secondary.state, seen.secondary.here) == ("STANDBY", True)


def test_a_peer_that_is_gone_and_one_that_is_silent_are_not_the_same() -> None:
    gone = diagram(status(peer=peer(alive=known(False)))).secondary
    silent = diagram(status(peer=peer(fit=unknown("last heard 9 s ago")))).secondary
    unseen = diagram(status(peer=peer(alive=unknown("Heartbeat does not say")))).secondary
    assert (gone.state, gone.tone) == ("GONE", "bad")
    assert (silent.state, silent.tone) == ("UNKNOWN", "doubt")
    assert unseen.state == "UNKNOWN" and "Heartbeat does not say" in unseen.lines[0]


def test_what_a_dead_peer_said_last_is_not_shown() -> None:
    dead = peer(alive=known(False), line=known("clear"), granted=known(True))
    seen = diagram(
        status(peer=dead, line=known("absent"), address={"ip": "", "here": known(False), "duplicate": ""})
    )
    assert not seen.secondary.has_line and not seen.secondary.has_address
    assert seen.relay is not None and seen.relay.arm == "primary" and not seen.relay.confirmed


def test_the_relay_is_drawn_where_the_line_is_seen_not_where_it_was_told() -> None:
    seen = diagram(status(line=known("absent"), peer=peer(line=known("clear")))).relay
    assert seen is not None and (seen.arm, seen.confirmed) == ("secondary", True)


@pytest.mark.parametrize(
    ("own", "other", "arm", "confirmed"),
    [
        ("clear", "absent", "secondary", False),  # the own span has not noticed yet
        ("clear", "settling", "secondary", True),
        ("absent", "settling", "secondary", True),
    ],
)
def test_a_relay_that_was_let_go_is_not_drawn_where_it_was(
    own: str, other: str, arm: str, confirmed: bool
) -> None:
    relay = {"card": known(True), "place": "", "commanded": known("released")}
    here = diagram(status(line=known(own), peer=peer(line=known(other)), relay=relay)).relay
    there = diagram(
        status(
            node="secondary",
            line=known(other),
            peer=peer(node="primary", line=known(own), relay=known("released")),
            relay={"card": None, "place": "", "commanded": None},
        )
    ).relay
    for seen in (here, there):
        assert seen is not None and (seen.arm, seen.confirmed) == (arm, confirmed)


def test_what_a_peer_says_while_it_takes_service_is_shown() -> None:
    relay = {"card": known(True), "place": "", "commanded": known("released")}
    taking = peer(role="acquiring", line=known("settling"))
    seen = diagram(status(role="standby", line=known("absent"), peer=taking, relay=relay))
    assert seen.secondary.has_line and "the line arrives" in seen.secondary.lines
    assert seen.relay is not None and seen.relay.confirmed


def test_a_relay_that_has_fallen_against_its_order_is_drawn_where_the_line_is() -> None:
    relay = {"card": known(True), "place": "", "commanded": known("energised")}
    seen = diagram(status(line=known("absent"), peer=peer(line=known("settling")), relay=relay)).relay
    assert seen is not None and (seen.arm, seen.confirmed) == ("secondary", True)


def test_where_nobody_sees_the_line_and_nothing_was_told_it_is_nowhere() -> None:
    relay = {"card": None, "place": "", "commanded": None}
    seen = diagram(status(line=known("absent"), peer=peer(line=unknown("?")), relay=relay)).relay
    assert seen is not None and (seen.arm, seen.confirmed) == ("", False)


def test_without_a_line_there_is_no_relay() -> None:
    assert diagram(status(line=None, spans=None)).relay is None


def test_red_is_an_alarm_where_service_is_and_well_on_the_standby() -> None:
    red = known([span(1, "RED")])
    assert diagram(status(spans=red)).primary.spans[0].tone == "bad"
    assert diagram(status(spans=red, role="standby")).primary.spans[0].tone == "idle"


def test_the_words_say_what_is_drawn() -> None:
    says = diagram(status(peer=peer(links={"eth0": "up", "eth1": "down"}))).says
    assert says == (
        "primary pbx1.example.com: active; secondary pbx2.example.com: standby; line at the primary; "
        "engine links down: eth1."
    )


def test_fitness_is_of_the_standby_wherever_one_looks() -> None:
    there = {check.name: check for check in readiness(status())}
    assert there["could take over"].says == "the secondary is fit"
    here = {
        check.name: check for check in readiness(status(role="standby", fit=False, unfit_because=["no card"]))
    }
    assert (here["could take over"].tone, here["could take over"].says) == ("bad", "no: no card")


def test_what_a_silent_peer_said_last_is_no_point_in_its_favour() -> None:
    for lost in (peer(alive=known(False)), peer(fit=unknown("silent"))):
        assert {"data", "spans"}.isdisjoint(check.name for check in readiness(status(peer=lost)))


@pytest.mark.parametrize(
    ("changes", "name", "tone"),
    [
        ({"peer": peer(version="1.9.0")}, "versions", "bad"),
        ({"peer": peer(version="")}, "versions", "doubt"),
        ({"peer": peer(links={"eth0": "dead"})}, "links of the HA engine", "bad"),
        ({"peer": peer(links={})}, "links of the HA engine", "doubt"),
        ({"peer": peer(links={"eth0": "up"})}, "links of the HA engine", "doubt"),
        ({"peer": peer(alive=known(False))}, "could take over", "bad"),
        ({"peer": peer(fit=unknown("silent"))}, "could take over", "doubt"),
        ({"relay": {"card": known(False), "place": "", "commanded": unknown("x")}}, "relay card", "bad"),
        ({"relay": {"card": unknown("x"), "place": "", "commanded": unknown("x")}}, "relay card", "doubt"),
        ({"peer": peer(lan=known(True))}, "LAN", "good"),
        ({"peer": peer(lan=known(False))}, "LAN", "bad"),
        ({"peer": peer(lan=unknown("the other node does not know"))}, "LAN", "doubt"),
        ({"role": "standby", "lan": {"reached": known(False)}}, "LAN", "bad"),
        ({"peer": peer(calls=known(True))}, "a telephone's call", "good"),
        ({"peer": peer(calls=known(False))}, "a telephone's call", "bad"),
        ({"peer": peer(line=known("clear"))}, "spans", "doubt"),
        ({"role": "standby", "spans": unknown("no DAHDI")}, "spans", "bad"),
        ({"role": "standby", "spans": known([span(1, "RED")])}, "spans", "good"),
    ],
)
def test_each_point_of_fitness(changes: dict[str, Any], name: str, tone: str) -> None:
    assert {check.name: check.tone for check in readiness(status(**changes))}[name] == tone


def test_a_span_that_cannot_be_verified_is_not_shown_as_well() -> None:
    silent = {**span(1), "alarms": [], "line": "unverifiable"}
    dead = {**span(2), "alarms": [], "line": "absent"}
    changes = {
        "spans": known([silent, dead]),
        "line": {"value": "unverifiable", "why": "span 1: run dahdi_cfg"},
    }
    marks = diagram(status(**changes)).primary.spans
    assert [(mark.says.split(",")[0], mark.tone) for mark in marks] == [
        ("not verified", "doubt"),
        ("no line", "bad"),
    ]
    (point,) = [check for check in readiness(status(role="standby", **changes)) if check.name == "spans"]
    assert point.tone == "doubt"
    assert "span 1: run dahdi_cfg" in point.says


@pytest.mark.parametrize(
    ("ip", "drawn"),
    [
        ("10.77.0.100", "10.77.0.100"),
        ("2001:db8::100", "2001:db8::100"),
        ("10.77.0.100, 2001:db8::100", "10.77.0.100 + IPv6"),
        ("", "no cluster address set"),
    ],
)
def test_two_addresses_have_room_for_one(ip: str, drawn: str) -> None:
    assert diagram(status(address={**STATUS["address"], "ip": ip})).address == drawn
