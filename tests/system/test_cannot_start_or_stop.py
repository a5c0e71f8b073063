"""A start that cannot succeed and a stop that cannot let go: no silent dead end, no second owner."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from pair_on_rack import PAIR_SITE, TOOL, Pair

from hwsim.card import vendortool
from hwsim.nodes import Power
from hwsim.server import Server

SITE = PAIR_SITE.with_conf({"CARDDEADLINE": "1", "PBXSTOPDEADLINE": "2"})
ASTERISK_CONF = "/etc/hwsim-asterisk.conf"
COMPLAINT = "Unable to load config modules.conf"


def set_start_fails(server: Server, fails: bool) -> None:
    """Have the stand-in Asterisk on `server` start, or not."""
    lines = server.node.path(ASTERISK_CONF).read_text().splitlines()
    kept = [line for line in lines if not line.startswith("start_fails")]
    if fails:
        kept.append(f"start_fails = {COMPLAINT}")
    server.node.write(ASTERISK_CONF, "\n".join(kept) + "\n")


def says_start_failed(status: dict[str, Any]) -> bool:
    return any(COMPLAINT in problem for problem in (*status["problems"], *status["unfit_because"]))


async def test_asterisk_dies_and_the_standby_cannot_start_it(pair: Pair) -> None:
    await pair.home()
    set_start_fails(pair.secondary, True)
    try:
        fault = pair.rack.kill_asterisk("primary", signal.SIGKILL)
        handed = await pair.until_status("secondary", says_start_failed, "why it does not start there")
        assert not handed["fit"]
        await pair.served(fault, "primary")
        serves = pair.rack.history.first("in_service", "primary", fault)
        assert serves is not None and serves - fault < 25.0
        status = await pair.until_status(
            "primary", lambda status: status["peer"]["fit"]["value"] is False, "the other node is not fit"
        )
        assert COMPLAINT in status["peer"]["unfit_because"]
        refused = await pair.primary.asha("standby")
        assert refused.code == 5 and COMPLAINT in refused.error
    finally:
        set_start_fails(pair.secondary, False)


async def test_a_takeover_to_a_node_that_cannot_start_comes_back(pair: Pair) -> None:
    await pair.home()
    set_start_fails(pair.secondary, True)
    try:
        fault = pair.rack.now()
        await pair.stage.ask(pair.secondary, "takeover")
        await pair.until_status("secondary", says_start_failed, "why it does not start there")
        await pair.served(fault, "primary")
    finally:
        set_start_fails(pair.secondary, False)


async def test_the_last_node_goes_on_trying(pair: Pair) -> None:
    await pair.home()
    set_start_fails(pair.secondary, True)
    fault = pair.rack.power_off("primary")
    try:
        # It may have failed ahead of the grant too.
        status = await pair.until_status(
            "secondary",
            lambda status: (
                says_start_failed(status)
                and status["role"] == "acquiring"
                and "no standby is there" in " ".join(status["problems"])
            ),
            "why it does not start, and that nobody else can",
        )
        assert status["granted"]
    finally:
        set_start_fails(pair.secondary, False)
    await pair.served(fault, "secondary")


# Pacemaker blocks the resource instead: test_failed_stop_on_pacemaker.py.
@pytest.mark.engine("heartbeat")
async def test_a_stop_that_cannot_let_go_reboots_the_node(pair: Pair) -> None:
    await pair.home()
    pair.watchman.grace = 40.0  # the relay stays energised: that is the fault
    pair.primary.node.write(TOOL, vendortool.HANGING, 0o755)
    fault = pair.rack.now()
    await pair.stage.ask(pair.secondary, "takeover")
    blocked = await pair.until_status("primary", _cannot_let_go, "the line cannot be let go")
    assert "Cut the card's power or the primary's" in blocked["transfer"]["note"]
    assert await pair.resource_state("primary") == "running"
    assert not pair.rack.asterisk_runs("secondary")
    await pair.until(lambda: pair.primary.node.power is Power.OFF, "Heartbeat reboots the primary", 60)
    down = pair.rack.now()
    # The armature takes its milliseconds.
    await pair.until(
        lambda: pair.rack.history.first("relay", "secondary", fault) is not None, "the relay falls", 10
    )
    fell = pair.rack.history.first("relay", "secondary", fault)
    assert fell is not None and fell >= down - 1.0
    await pair.served(fault, "secondary")


def _cannot_let_go(status: dict[str, Any]) -> bool:
    transfer = status["transfer"] or {}
    return transfer.get("phase") == "blocked" and "cannot be let go" in transfer.get("note", "")


async def test_a_stop_that_cannot_let_go_without_an_agent(pair: Pair) -> None:
    await pair.home()
    pair.watchman.grace = 40.0
    began = pair.rack.now()
    await pair.primary.stop_agent(signal.SIGKILL)
    pair.primary.node.write(TOOL, vendortool.FAILING, 0o755)
    stopped = await pair.script("primary", "stop")
    assert stopped.code == 1 and "Stop fails on purpose: the line cannot be let go" in stopped.error
    assert await pair.resource_state("primary") == "running"
    pair.primary.node.write(TOOL, vendortool.tool_text(), 0o755)
    assert (await pair.script("primary", "stop")).code == 0
    assert await pair.resource_state("primary") == "stopped"
    await pair.until(lambda: ("relay", "secondary") in pair.moved_since(began), "the relay fell", 2)
    # The engine knows nothing of these stops by hand: what it gave is put back.
    assert (await pair.script("primary", "start")).code == 0
