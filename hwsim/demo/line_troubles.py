"""Scenarios of a line that fails although no node does, and of a fault that comes again and again."""

from __future__ import annotations

from hwsim.demo.marks import Marks
from hwsim.demo.scenario import OTHER, Outcome, ScenarioFailed, Stage
from hwsim.rack import SIDES

_TELCO_DEAD = 30.0  # seconds
_BOUNCE = 8.0  # longer than a D-channel lives without its line (docs/facts/pri-timing.md)
_FLAPPING = 60.0
_LIVES = 5.0  # seconds that Asterisk lives each time


async def telco_dead(stage: Stage) -> Outcome:
    """Take the provider's signal away for half a minute: nothing moves, and the provider is named."""
    await stage.home()
    stage.say("the provider's line goes dead")
    fault = stage.now()
    stage.rack.line.cut()
    status = await stage.until_status(
        stage.primary, lambda said: "neither node receives" in said["trouble"], 20, "it is the provider's"
    )
    stage.say(status["trouble"])
    await stage.rack.pause(max(0.0, _TELCO_DEAD - (stage.now() - fault)))
    _nothing_has_moved(stage, fault)
    stage.say("the provider's line is back")
    stage.rack.line.restore()
    await stage.until(lambda: stage.in_service("primary"), 30, "the line is in service on the primary again")
    _nothing_has_moved(stage, fault)
    return Outcome(
        Marks(), "told as the provider's fault; no relay moved, and the line came back where it was"
    )


async def ghost_link(stage: Stage) -> Outcome:
    """Bounce the line, after which the D-channel sticks: the link is restarted, and nothing moves."""
    await stage.home()
    stage.say("the provider's line bounces, and the D-channel sticks after it")
    fault = stage.now()
    stage.rack.line.cut()
    await stage.rack.pause(_BOUNCE)
    stage.rack.line.stick_dchannel("primary")
    stage.rack.line.restore()
    await stage.until(lambda: stage.in_service("primary"), 60, "the D-channel is up on the primary again")
    _nothing_has_moved(stage, fault)
    orders = [
        entry["order"] for entry in stage.rack.journals() if entry["at"] >= fault and entry["kind"] == "order"
    ]
    if "RESTART_SPANS" not in orders:
        raise ScenarioFailed(f"the D-channel came back, and nobody had restarted its link; orders: {orders}")
    return Outcome(
        Marks(), "the link of the span was restarted where it is, and the line is in service again"
    )


async def flapping(stage: Stage) -> Outcome:
    """Kill Asterisk 5 s after each start, on whichever node: moves become rare, and service returns."""
    await stage.home()
    stage.say("for a minute Asterisk dies 5 s after each start, on both nodes")
    fault = stage.now()
    while stage.now() - fault < _FLAPPING:
        for side in SIDES:
            if stage.in_service(side) or stage.rack.asterisk_runs(side):
                await stage.rack.pause(_LIVES)
                if stage.rack.asterisk_runs(side):
                    stage.rack.kill_asterisk(side)
        await stage.rack.pause(0.1)
    moves = sum(one.kind == "relay" and one.at >= fault for one in stage.rack.history.happenings)
    stage.say(f"{moves} relay moves in that minute; Asterisk lives again")
    await stage.until(
        lambda: any(stage.in_service(side) and not stage.rack.asterisk_runs(OTHER[side]) for side in SIDES),
        120,
        "one node serves, and the other does not",
    )
    return Outcome(Marks(), f"{moves} moves in {_FLAPPING:.0f} s of dying, and one node serves after it")


def _nothing_has_moved(stage: Stage, since: float) -> None:
    moved = [one for one in stage.rack.history.happenings if one.kind == "relay" and one.at >= since]
    if moved:
        raise ScenarioFailed(f"the relay moved {len(moved)} times for a fault that is not ours")
