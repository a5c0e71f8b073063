"""Heartbeat drops every request for an hour after one that it has lost: the pair gets out, and moves when it must."""

from __future__ import annotations

import signal

from pair_on_rack import OTHER, PAIR_SITE, Pair, Status

from appliance.core.engine_requests import ANSWERED_WITHIN, MOVING_FOR_EVER
from hwsim.nodes.engines import HEARTBEAT
from hwsim.rack import SIDES
from hwsim.service_log import ServiceLog, recorded

# Heartbeat cancels a request that nobody answers after 10 s: a master that stands still for longer, and is not taken
# for dead, then takes a request that nobody makes any more, and waits for the end of it (docs/facts/heartbeat.md).
SITE = PAIR_SITE.with_conf({"HADEADTIME": "12s", "HAINITDEAD": "13s", "HAWARNTIME": "6s"})
# Pacemaker moves service by a state that both nodes hold, and loses no request (docs/engines.md).
ENGINES = (HEARTBEAT,)
DEADTIME, STANDS_STILL = 12.0, 11.0
# With deadtime: an Asterisk that stops and starts, Heartbeat's ticks and a loaded machine, in seconds.
MOVES = 12.0
# With deadtime: what an engine is kept off beyond it, and joins again.
GETS_OUT = 25.0
STAYS = 3.0
# Nobody asks for anything in one of the tests, which waits for MOVING_FOR_EVER.
DEADLINE = 180.0


async def trapped(pair: Pair, serving: str = "primary") -> None:
    """Have `serving` serve, and the other one's Heartbeat wait for the end of a move that nobody makes."""
    await pair.home()
    if serving != "primary":
        await pair.move("standby", to=serving)
    idle = pair.rack.servers[OTHER[serving]].node
    (master,) = idle.pids(HEARTBEAT.daemons[HEARTBEAT.master])
    idle.kill(master, signal.SIGSTOP)
    try:
        asked = await pair.rack.servers[serving].node.run(["sh", "-c", HEARTBEAT.gives_away])
        assert asked.ok, asked
        await pair.rack.pause(STANDS_STILL)
    finally:
        idle.kill(master, signal.SIGCONT)
    await pair.until_status(
        serving, lambda status: bool(status["peer"]["fit"]["value"]), "it hears the other node"
    )


def request_lost(status: Status) -> bool:
    """It shows that a request to Heartbeat was lost."""
    return any("drops requests to move service for up to" in problem for problem in status["problems"])


def is_out(status: Status) -> bool:
    """It knows of no lost request any more, and has its peer beside it."""
    beside = status["role"] in ("active", "standby") and status["peer"]["alive"]["value"]
    return bool(beside and status["peer"]["fit"]["value"] and not request_lost(status))


async def moved(pair: Pair, log: ServiceLog, since: float, within: float) -> None:
    """Wait until the secondary alone serves, and goes on."""
    await pair.until(lambda: log.serves("secondary"), "the secondary serves", within)
    settled = await log.settled(since, within, STAYS)
    print(settled)
    assert settled.owner == "secondary"


async def test_a_takeover_that_is_dropped_is_told_and_the_standby_ends_it(pair: Pair) -> None:
    await trapped(pair)
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        dropped = await pair.secondary.asha("takeover")
        assert dropped.code != 0 and "stands for another" in dropped.error, dropped
        for side in SIDES:
            await pair.until_status(side, request_lost, f"the {side} shows it")
        refused = await pair.primary.asha("standby")
        assert refused.code != 0 and "--force" in refused.error, refused
        for side in SIDES:
            await pair.until_status(side, is_out, f"the {side} is out", DEADTIME + GETS_OUT)
        out = pair.rack.now()
        assert log.seconds_with_nobody(began, out) == 0.0
    print(f"out after {out - began:.1f} s")
    await pair.move("takeover", to="secondary")


async def test_the_standby_ends_it_before_anybody_has_asked(pair: Pair) -> None:
    """A standby in this state does not take over when the other node dies, so it must not stay there in silence."""
    await trapped(pair)
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        for side in SIDES:
            await pair.until_status(side, request_lost, f"the {side} shows it", MOVING_FOR_EVER + MOVES)
        for side in SIDES:
            await pair.until_status(side, is_out, f"the {side} is out", DEADTIME + GETS_OUT)
        out = pair.rack.now()
        assert log.seconds_with_nobody(began, out) == 0.0
        print(f"out after {out - began:.1f} s")


async def test_the_way_back_waits_for_its_end_and_leads_home(pair: Pair) -> None:
    await trapped(pair, serving="secondary")
    async with recorded(pair.rack) as log:
        asked = pair.rack.now()
        said = await pair.primary.asha("failback", "--yes", deadline=DEADTIME + GETS_OUT + MOVES)
        print(f"after {pair.rack.now() - asked:.1f} s: {said.output}{said.error}")
        assert said.code == 0, said
        settled = await log.settled(asked, DEADTIME + GETS_OUT + MOVES, STAYS)
    assert settled.owner == "primary"


async def test_an_operator_does_not_wait_for_it(pair: Pair) -> None:
    await trapped(pair)
    async with recorded(pair.rack) as log:
        asked = pair.rack.now()
        said = await pair.stage.ask(pair.primary, "standby", "--force")
        await moved(pair, log, asked, DEADTIME + MOVES)
    print(said)
    assert "Nobody serves for about 13 s" in said


async def test_a_takeover_by_force_is_asked_for_on_the_standby(pair: Pair) -> None:
    await trapped(pair)
    async with recorded(pair.rack) as log:
        asked = pair.rack.now()
        await pair.stage.ask(pair.secondary, "takeover", "--force")
        await moved(pair, log, asked, DEADTIME + MOVES)


async def test_a_node_that_cannot_serve_moves_all_the_same(pair: Pair) -> None:
    await trapped(pair)
    async with recorded(pair.rack) as log:
        await moved(pair, log, pair.rack.kill_asterisk("primary"), ANSWERED_WITHIN + DEADTIME + MOVES)


async def test_a_stop_is_a_stop(pair: Pair) -> None:
    await trapped(pair)
    began = pair.rack.now()
    said = await pair.secondary.asha("ha", "stop")
    took = pair.rack.now() - began
    print(f"stopped after {took:.1f} s: {said}")
    assert said.code == 0 and "by force" in said.output
    assert took < 40.0 and not pair.secondary.node.pids(HEARTBEAT.daemons[HEARTBEAT.master])
    assert pair.rack.in_service("primary")
