"""The cabling of a line over signal relays: each wire once, and released it is the secondary's."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.cabling import PINS, POWER, pins_known, svg, text, wires, wires_on_contacts
from appliance.core.relay_facts import HowKnown

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"


@pytest.mark.parametrize(("line", "relays"), [("pri", 2), ("bri", 2), ("analog", 1)])
def test_each_wire_has_a_pole_of_its_own(line: str, relays: int) -> None:
    found = wires(line)
    assert [wire.pin for wire in found] == list(PINS[line])
    assert {(wire.relay, wire.pole) for wire in found} == {
        (k, p) for k in range(1, relays + 1) for p in (1, 2)
    }


def test_a_pair_stays_together_in_one_relay() -> None:
    pairs = [
        {wire.pin for wire in wires(line) if wire.relay == relay}
        for line in ("pri", "bri")
        for relay in (1, 2)
    ]
    assert pairs == [{1, 2}, {4, 5}, {3, 6}, {4, 5}]


def test_released_is_the_secondary_and_power_comes_from_the_primary() -> None:
    assert list(text(wires("analog"))) == [
        "line pin 4 --- common  K1 pole 1  NO (energised) --> primary pin 4",
        "                                  NC (released)  --> secondary pin 4",
        "line pin 5 --- common  K1 pole 2  NO (energised) --> primary pin 5",
        "                                  NC (released)  --> secondary pin 5",
        POWER,
    ]


@pytest.mark.parametrize("line", PINS)
def test_the_picture_in_the_documents_is_the_drawn_one(line: str) -> None:
    assert (PICTURES / f"cabling-{line}.svg").read_text() == svg(wires(line))


def test_with_the_boards_own_contacts_each_wire_has_one() -> None:
    found = wires_on_contacts("analog", (3, 2))
    assert [(wire.pin, wire.switch) for wire in found] == [(4, "contact 3"), (5, "contact 2")]
    assert "common  contact 3  NO (energised) --> primary pin 4" in next(text(found))
    assert "contact 2" in svg(found) and "K1" not in svg(found)


def test_only_the_pins_of_an_analog_line_are_assumed() -> None:
    assert [line for line in PINS if pins_known(line) is not HowKnown.DOCUMENTED] == ["analog"]
