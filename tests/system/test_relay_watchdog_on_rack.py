"""A relay with a watchdog of its own: the line stays while an agent dies and comes back, and when one is ended."""

from __future__ import annotations

import signal
from dataclasses import replace

from pair_on_rack import PAIR_SITE, Pair

from hwsim.card.berofos import Berofos
from hwsim.site import RELAY_WATCHDOG, Site

SITE = replace(PAIR_SITE, profile=Site().profile, relay="berofos")


async def test_an_agent_that_dies_and_one_that_is_ended_leave_the_line_where_it_is(pair: Pair) -> None:
    await pair.home()
    device, began = pair.rack.card, pair.rack.now()
    assert isinstance(device, Berofos) and device.state == 1

    await pair.primary.stop_agent(signal.SIGKILL)
    await pair.rack.start_agent("primary")
    await pair.until_status("primary", lambda status: status["role"] == "active", "it is active again")
    kicks = len(device.kicks)
    await pair.rack.pause(RELAY_WATCHDOG / 2)
    assert device.state == 1 and len(device.kicks) > kicks, "the next agent feeds it"

    await pair.primary.stop_agent(signal.SIGTERM)
    assert device.state == 0, "an agent that is ended stops it"
    await pair.rack.pause(RELAY_WATCHDOG + 1)
    await pair.rack.start_agent("primary")
    await pair.until(lambda: device.state == 1, "the next agent starts it again")
    assert [one for one in pair.rack.history.happenings if one.kind == "relay" and one.at >= began] == []
