"""The conformance suite of every RelayCard, simulated or real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Unknown, is_known
from appliance.core.relay_facts import Contacts, Falls, ReadBack
from appliance.hw.relay import RelayCard

MOVED_WITHIN = 3.0
Observe = Callable[[], Relay | Contacts | None]
"""Looks at the armatures: SPLIT when those of one line differ, None where nobody can see them."""


def check_relay_card(make_card: Callable[[], RelayCard], observe: Observe) -> None:
    """Everything a RelayCard promises."""
    card = make_card()
    try:
        check_commands(card, observe)
        check_position(card, observe)
        check_close_is_no_end(card, observe)
        check_two_callers(card, make_card(), observe)
    finally:
        card.move(Relay.RELEASED)
        card.close()


def check_commands(card: RelayCard, observe: Observe) -> None:
    card.reset()
    await_position(observe, Relay.RELEASED)
    for relay in (Relay.ENERGISED, Relay.ENERGISED, Relay.RELEASED, Relay.RELEASED, Relay.ENERGISED):
        card.move(relay)
        await_position(observe, relay)
    card.reset()
    await_position(observe, Relay.RELEASED)


def check_position(card: RelayCard, observe: Observe) -> None:
    """It says of its position no more than it can know, and asking moves nothing."""
    assert card.facts.falls is Falls.YES
    for relay in (Relay.ENERGISED, Relay.RELEASED):
        card.move(relay)
        await_position(observe, relay)
        said = card.position()
        if card.facts.read_back is ReadBack.NONE:
            assert isinstance(said, Unknown) and said.reason
        else:
            assert is_known(said, Contacts(relay.value)), said
        await_position(observe, relay)


def check_guard(make_card: Callable[[], RelayCard], observe: Observe) -> None:
    """Everything that a device with a watchdog promises besides. It takes some seconds of its watchdog."""
    card, seconds = make_card(), 1
    assert card.facts.watchdog
    try:
        card.guard(seconds)
        assert observe() in (Relay.RELEASED, None)  # to start it moves nothing
        card.move(Relay.ENERGISED)
        await_position(observe, Relay.ENERGISED)
        for _ in range(6):
            time.sleep(seconds / 4)
            card.feed()
            assert observe() in (Relay.ENERGISED, None)
        time.sleep(seconds + 0.5)
        await_position(observe, Relay.RELEASED)
        card.feed()  # food that comes too late takes nothing back
        assert observe() in (Relay.RELEASED, None)
        card.guard(seconds)
        card.move(Relay.ENERGISED)
        await_position(observe, Relay.ENERGISED)
    finally:
        card.move(Relay.RELEASED)
        card.close()
    await_position(observe, Relay.RELEASED)


def check_close_is_no_end(card: RelayCard, observe: Observe) -> None:
    card.close()
    card.close()
    card.move(Relay.ENERGISED)
    await_position(observe, Relay.ENERGISED)


def check_two_callers(one: RelayCard, other: RelayCard, observe: Observe) -> None:
    """Two callers at once neither spoil each other's commands nor fail; the last word holds."""
    errors: list[HardwareError] = []

    def move(card: RelayCard, relay: Relay) -> None:
        try:
            for _ in range(3):
                card.move(relay)
        except HardwareError as error:
            errors.append(error)

    threads = [
        threading.Thread(target=move, args=pair) for pair in ((one, Relay.ENERGISED), (other, Relay.RELEASED))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    one.move(Relay.ENERGISED)
    other.move(Relay.RELEASED)
    await_position(observe, Relay.RELEASED)


def await_position(observe: Observe, wanted: Relay) -> None:
    """Wait until the armature is seen at `wanted`."""
    deadline = time.monotonic() + MOVED_WITHIN
    while (seen := observe()) not in (wanted, None):
        assert time.monotonic() < deadline, f"the relay is {seen}, not {wanted}"
        time.sleep(0.002)
