"""The resource script without an agent: an agent that has come back meanwhile has the last word."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.agent import resource_fallback
from appliance.agent.grant_file import GrantFile
from appliance.agent.resource_fallback import ResourceFallback
from appliance.agent.this_node import ThisNode
from appliance.config import Conf
from appliance.core.errors import HardwareError
from appliance.core.grant import Verb
from appliance.core.model import Line, Node
from appliance.core.reading import Known
from appliance.core.transfer import Order
from tests.plugins.hand_clock import HandClock


class SilentCard:
    """A card that does not energise; at the second try an agent that is back obeys a stop."""

    def __init__(self, book: GrantFile) -> None:
        self.orders: list[Order] = []
        self._book = book

    def perform(self, order: Order) -> None:
        self.orders.append(order)
        if order is Order.ENERGISE:
            if self.orders.count(order) == 2:
                self._book.ask(Verb.STOP, 2.0, "1")
            raise HardwareError("the card does not answer")


def test_a_start_goes_on_with_nothing_after_an_agent_was_told_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its card was silent, and its next try would have taken the line back from an agent that had let it go."""
    grant, clock = tmp_path / "grant", HandClock(sleeping=True)
    card = SilentCard(GrantFile(grant))
    monkeypatch.setattr(resource_fallback, "GRANT", grant)
    monkeypatch.setattr(resource_fallback, "JOURNAL", tmp_path / "journal")
    monkeypatch.setattr(resource_fallback, "Actuator", lambda this_node, clock, feeds: card)
    monkeypatch.setattr(resource_fallback, "engine_identity", lambda: "1")
    monkeypatch.setattr(resource_fallback, "find_relay", lambda conf, clock: Known(object(), clock.now()))
    monkeypatch.setattr(resource_fallback, "find_pid", lambda conf, now: Known(None, now))
    monkeypatch.setattr(resource_fallback, "read_line_quick", lambda *_: Known(Line.ABSENT, clock.now()))
    ResourceFallback(clock, ThisNode(Conf(card_installed=True), Node.PRIMARY)).execute(Verb.START, 1.0)
    after = card.orders[card.orders.index(Order.RELEASE) :]
    assert Order.ENERGISE not in after and Order.START_PBX not in after
    assert not GrantFile(grant).read().held
