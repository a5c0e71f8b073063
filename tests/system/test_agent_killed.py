"""The agent dies at any step of a transfer, or for good: service ends where the engine wants it."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest
from pair_on_rack import PAIR_SITE, Entry, Pair, ready_standby

# A line without settle time: a move takes three seconds instead of six.
SITE = replace(PAIR_SITE, boot_time=0.5)
SEED = 20261124


def order(name: str) -> Callable[[Entry], bool]:
    return lambda entry: entry["kind"] == "order" and entry["order"] == name


def done(name: str) -> Callable[[Entry], bool]:
    return lambda entry: entry["kind"] == "done" and entry["order"] == name


def phase(goal: str, name: str) -> Callable[[Entry], bool]:
    return lambda entry: entry["kind"] == "phase" and (entry["goal"], entry["phase"]) == (goal, name)


async def killed_at(pair: Pair, point: Callable[[Entry], bool], after: float, delay: float) -> None:
    """Kill the primary's agent `delay` seconds after the point was reached, and start it again."""
    await pair.entry("primary", point, after)
    await pair.rack.pause(delay)
    await pair.primary.stop_agent(signal.SIGKILL)
    await pair.rack.start_agent("primary")


async def moves_home(pair: Pair, point: Callable[[Entry], bool], delay: float) -> None:
    """A take-over by the primary, its agent killed on the way."""
    began = pair.rack.now()
    await pair.stage.ask(pair.primary, "takeover")
    await killed_at(pair, point, began, delay)
    await pair.served(began, "primary")
    assert not pair.rack.asterisk_runs("secondary")


async def moves_away(pair: Pair, point: Callable[[Entry], bool], delay: float) -> None:
    """A take-over by the secondary, the primary's agent killed while it lets go."""
    began = pair.rack.now()
    await pair.stage.ask(pair.secondary, "takeover")
    await killed_at(pair, point, began, delay)
    await pair.served(began, "secondary")
    await pair.until_status("primary", lambda status: status["role"] == "standby", "it is on standby")
    assert not pair.rack.asterisk_runs("primary")
    assert "ENERGISE" not in pair.orders("primary", began)


async def both_ready(pair: Pair, active: str, standby: str) -> None:
    """Until `active` serves and `standby` is fit to be asked."""
    await pair.until_status(active, lambda status: status["role"] == "active", f"the {active} is active")
    await pair.until_status(standby, ready_standby, f"the {standby} is ready")


ROUND_TRIPS = {
    "asked": (order("RELEASE"), order("ENERGISE")),
    "acting": (done("RELEASE"), order("START_PBX")),
    "finishing": (order("STOP_PBX"), phase("acquire", "linking")),
}


@pytest.mark.parametrize("step", ROUND_TRIPS)
async def test_agent_killed_on_the_way_out_and_back(pair: Pair, step: str) -> None:
    out, back = ROUND_TRIPS[step]
    dice = random.Random(f"{SEED} {step}")
    await pair.home()
    await moves_away(pair, out, dice.uniform(0.0, 0.05))
    await both_ready(pair, "secondary", "primary")
    await moves_home(pair, back, dice.uniform(0.0, 0.3))


async def test_power_cut_with_the_standbys_agent_dead(pair: Pair) -> None:
    await pair.home()
    await pair.secondary.stop_agent(signal.SIGKILL)
    fault = pair.rack.power_off("primary")
    await pair.until(
        lambda: (
            pair.rack.in_service("secondary")
            and pair.rack.first_answer("sip", "secondary", fault) is not None
        ),
        "the secondary serves by its script alone",
    )
    by = {entry.get("by") for entry in pair.entries("secondary", fault)}
    assert by == {"script"}
    await adopted(pair, "secondary", "active")


async def test_standby_request_with_the_actives_agent_dead(pair: Pair) -> None:
    await pair.home()
    await pair.primary.stop_agent(signal.SIGKILL)
    fault = pair.rack.now()
    await engine_told(pair, pair.engine.gives_away)
    await pair.served(fault, "secondary")
    assert not pair.rack.asterisk_runs("primary")
    by = {entry.get("by") for entry in pair.entries("primary", fault)}
    assert by == {"script"}
    assert pair.orders("primary", fault) == ["RELEASE", "STOP_PBX"]
    await engine_told(pair, pair.engine.takes_part)
    await adopted(pair, "primary", "standby")


async def engine_told(pair: Pair, command: str) -> None:
    """An administrator on the primary tells the engine something without asha."""
    said = await pair.primary.node.run(["sh", "-c", command])
    assert said.ok, said


async def adopted(pair: Pair, side: str, role: str) -> None:
    """An agent started again on `side` is what its node is, and moves nothing to get there."""
    began, pid = pair.rack.now(), pair.server(side).asterisk_pid()
    await pair.rack.start_agent(side)
    await pair.until_status(side, lambda status: status["role"] == role, f"the new agent is {role}")
    assert pair.moved_since(began) == []
    assert pair.server(side).asterisk_pid() == pid
    assert set(pair.orders(side, began)) <= {"RELEASE"}  # what an agent without a grant makes sure of
