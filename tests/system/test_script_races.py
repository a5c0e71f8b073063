"""The engine's resource script, called late or twice at once, and a primary that freezes and thaws."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from pair_on_rack import PAIR_SITE, Pair

from hwsim.demo.scenario import OTHER

SITE = PAIR_SITE
# Many deadtimes: who would move something again has moved it by then.
LONG = 3.0


async def test_two_scripts_at_once(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    starts = await asyncio.gather(*(pair.script("primary", "start") for _ in range(2)))
    assert [said.code for said in starts] == [0, 0], starts
    stops = await asyncio.gather(*(pair.script("secondary", "stop") for _ in range(3)))
    assert [said.code for said in stops] == [0, 0, 0], stops
    assert await pair.resource_state("primary") == "running"
    assert await pair.resource_state("secondary") == "stopped"
    assert pair.moved_since(began) == []
    # By hand in the midst of the engine's own: both end well, and so does the move.
    await pair.stage.ask(pair.secondary, "takeover")
    stopped = await pair.script("primary", "stop")
    assert stopped.code == 0, stopped
    await pair.served(began, "secondary")


async def test_a_late_start_after_a_stop_changes_nothing(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    began = pair.rack.now()
    # A shell around it: nsenter would stop with its child and stay so.
    command = f"sh -c 'kill -STOP $$; exec {pair.engine.script} start'; exit $?"
    held_up = asyncio.create_task(pair.primary.node.run(["sh", "-c", command], 20.0))
    pattern = "^sh -c kill -STOP "
    await pair.until(lambda: bool(pair.primary.node.pids(pattern)), "the late start has begun")
    await pair.rack.pause(0.05)  # a ticket is counted in hundredths of a second
    assert (await pair.script("primary", "stop")).code == 0
    for pid in pair.primary.node.pids(pattern):
        pair.primary.node.kill(pid, signal.SIGCONT)
    late = await held_up
    assert late.code == 1 and "This start is late" in late.err
    assert not pair.watchman.granted("primary")
    assert "ENERGISE" not in pair.orders("primary", began)
    await pair.stays("secondary", 1.0)


async def test_a_frozen_primary_thaws(pair: Pair) -> None:
    await pair.home()
    await pair.rack.freeze("primary")
    status = await pair.until_status("secondary", _line_held, "the line is held by the primary")
    assert status["role"] == "acquiring"
    thawed = pair.rack.thaw("primary")
    owner, since = await _settled(pair)
    print(f"service on the {owner} {since - thawed:.1f} s after the thaw")


async def _settled(pair: Pair) -> tuple[str, float]:
    """Who serves, and since when, once that has stayed so: the engine may move it again while its split heals."""
    start = began = pair.rack.now()
    before = ""
    while True:
        now, roles = pair.rack.now(), {side: await _role(pair, side) for side in OTHER}
        owner = next((side for side in OTHER if roles == {side: "active", OTHER[side]: "standby"}), "")
        serves = [side for side in OTHER if pair.rack.in_service(side)] == [owner]
        alone = [side for side in OTHER if pair.rack.asterisk_runs(side)] == [owner]
        if not (owner and owner == before and serves and alone):
            began, before = now, owner
        elif now - began >= LONG:
            return owner, began
        assert now - start < 60, f"nobody serves alone: {roles}"
        await pair.rack.pause(0.1)


async def _role(pair: Pair, side: str) -> str:
    status = await pair.server(side).status()
    return str((status or {}).get("role"))


def _line_held(status: dict[str, Any]) -> bool:
    transfer = status["transfer"] or {}
    return transfer.get("phase") == "blocked" and "held by the primary" in transfer.get("note", "")
