"""The relay card misbehaves on a pair that serves: what it says is never taken for where the line is."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

from pair_on_rack import PAIR_SITE, TOOL, Pair

from hwsim.card.card import Fault
from hwsim.site import Site

SITE = replace(PAIR_SITE, profile=Site().profile).with_conf({"CARDDEADLINE": "1", "LINEDEADLINE": "5500ms"})


def transfer_says(phase: str, words: str) -> Any:
    def says(status: dict[str, Any]) -> bool:
        transfer = status["transfer"] or {}
        return transfer.get("phase") == phase and words in transfer.get("note", "")

    return says


async def test_a_card_that_acts_but_does_not_say_so(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    pair.rack.card.faults.add(Fault.SILENT)
    await pair.move("takeover", to="secondary")
    pair.rack.card.faults = {Fault.GARBAGE}
    await pair.move("takeover", to="primary")
    failed = [
        entry["order"]
        for entry in pair.entries("primary", began)
        if entry["kind"] == "done" and "rhinofailover" in entry["problem"]
    ]
    assert {"RELEASE", "ENERGISE"} <= set(failed)


async def test_an_agent_killed_while_the_line_settles(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    await pair.stage.ask(pair.secondary, "takeover")
    settling = await pair.entry("secondary", lambda entry: entry.get("phase") == "settling", began)
    await pair.secondary.stop_agent(signal.SIGKILL)
    await pair.rack.start_agent("secondary")
    await pair.served(began, "secondary")
    in_service = pair.rack.history.first("in_service", "secondary", began)
    assert in_service is not None and in_service - settling["at"] < 7.0  # the settle time did not begin anew


async def test_a_stuck_relay_is_told_from_the_line_and_service_goes_back(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    pair.rack.card.faults.add(Fault.STUCK)
    began = pair.rack.now()
    await pair.stage.ask(pair.primary, "takeover")
    status = await pair.until_status("primary", transfer_says("blocked", "the relay is stuck"), "it is stuck")
    assert status["role"] == "acquiring"
    assert status["relay"]["commanded"]["value"] == "energised"
    await pair.served(began, "secondary")
    await pair.until_status("primary", lambda status: status["role"] == "standby", "it is on standby")


async def test_renumbered_while_active(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.unplug_card()
    pair.rack.plug_card("ttyUSB1")
    await pair.until(
        lambda: pair.rack.history.first("in_service", "primary", began) is not None, "the line comes back"
    )
    status = await pair.until_status("primary", lambda status: status["role"] == "active", "it is active")
    assert status["relay"]["place"] == "/dev/ttyUSB1"
    assert not pair.rack.asterisk_runs("secondary")
    assert pair.orders("primary", began).count("ENERGISE") >= 1
    # The next test begins with the card where it was, and the line here.
    began = pair.rack.unplug_card()
    pair.rack.plug_card()
    await pair.until(
        lambda: pair.rack.history.first("in_service", "primary", began) is not None,
        "the line comes back again",
    )


async def test_the_vendors_tool_is_missing_at_the_grant(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    pair.primary.node.path(TOOL).unlink()
    checked = await pair.primary.asha("check")
    assert checked.code == 3 and f"{TOOL} is not there" in checked.output
    began = pair.rack.now()
    await pair.stage.ask(pair.primary, "takeover")
    status = await pair.until_status(
        "primary", transfer_says("blocked", "the relay could not be energised"), "why the line does not come"
    )
    assert TOOL in status["transfer"]["note"]
    await pair.served(began, "secondary")
