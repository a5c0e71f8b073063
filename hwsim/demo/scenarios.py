"""The scenarios: faults of a node, of the line and of the pair, and the data.

Each begins at home (the primary serves) unless it says otherwise.
"""

from __future__ import annotations

import signal
from typing import Any

from hwsim.demo.data import data
from hwsim.demo.lan_troubles import address_taken, lan_lost
from hwsim.demo.line_troubles import flapping, ghost_link, telco_dead
from hwsim.demo.marks import Marks
from hwsim.demo.scenario import Outcome, Scenario, ScenarioFailed, Stage
from hwsim.service_log import NeverSettled, ServiceLog, recorded
from hwsim.site import SYNCHRONISED


async def asterisk_killed(stage: Stage) -> Outcome:
    """Kill Asterisk on the active node with SIGKILL."""
    await stage.home()
    stage.say("Asterisk on the primary is killed")
    fault = stage.rack.kill_asterisk("primary", signal.SIGKILL)
    return Outcome(await stage.moved(fault, "secondary"), "line, address and Asterisk are at the secondary")


async def asterisk_stopped(stage: Stage) -> Outcome:
    """Stop Asterisk on the active node as an operator: the manual failover of asha 1.0.0-2."""
    await stage.home()
    stage.say("an operator stops Asterisk on the primary")
    fault = stage.now()
    said = await stage.ask(stage.primary, "pbx", "stop")
    return Outcome(await stage.moved(fault, "secondary"), f"'{said}', and it did")


async def asterisk_hung(stage: Stage) -> Outcome:
    """Hang Asterisk, which then answers nothing: a failover, then a kill by its deadline."""
    await stage.home()
    stage.say("Asterisk on the primary is stopped with SIGSTOP: alive, and silent")
    fault = stage.rack.kill_asterisk("primary", signal.SIGSTOP)
    marks = await stage.moved(fault, "secondary", 40)
    await stage.until(lambda: not stage.rack.asterisk_runs("primary"), 15, "the hung Asterisk is gone")
    return Outcome(marks, "failed over, and the hung Asterisk was killed")


async def power_cut(stage: Stage) -> Outcome:
    """Cut the primary's mains: relay, network and every process fail at once."""
    await stage.home()
    stage.say("the primary's power is cut")
    fault = stage.rack.power_off("primary")
    return Outcome(
        await stage.moved(fault, "secondary"), "the relay fell by itself; the secondary took the rest"
    )


async def standby_command(stage: Stage) -> Outcome:
    """Hand over as planned, by `asha standby` on the active node."""
    await stage.home()
    stage.say("an operator asks the primary for standby")
    fault = stage.now()
    await stage.ask(stage.primary, "standby")
    return Outcome(await stage.moved(fault, "secondary"), "handed over as asked")


async def failback(stage: Stage) -> Outcome:
    """Bring service back to the repaired primary after a failover, by `asha takeover`."""
    await stage.home()
    stage.say("first a failover: Asterisk on the primary is killed")
    await stage.moved(stage.rack.kill_asterisk("primary", signal.SIGKILL), "secondary")
    await stage.until_status(stage.primary, _standby, 20, "the primary stands by")
    stage.say("an operator brings service back to the primary")
    fault = stage.now()
    await stage.ask(stage.primary, "takeover")
    return Outcome(await stage.moved(fault, "primary"), "line, address and Asterisk are back at the primary")


async def card_unplugged(stage: Stage) -> Outcome:
    """Pull the card's cable: the relay drops, so Asterisk follows the line."""
    await stage.home()
    stage.say("the line has moved just now; MOVEDWELL is waited for, so that the figure is the card's own")
    await stage.rack.pause(stage.rack.site.move_dwell)
    stage.say("the relay card is unplugged from the primary")
    fault = stage.rack.unplug_card()
    marks = await stage.moved(fault, "secondary")
    status = await stage.until_status(stage.primary, _standby, 20, "the primary stands by")
    if status["fit"] and not status["doubts"]:
        raise ScenarioFailed("the primary calls itself fit without its card")
    return Outcome(marks, "the line fell to the secondary and Asterisk followed it")


async def primary_frozen(stage: Stage) -> Outcome:
    """Hang the powered primary, which keeps the line unless the relay's own watchdog takes it."""
    await stage.home()
    stage.say("the primary freezes: powered, and dead to the world")
    fault = await stage.rack.freeze("primary")
    if stage.rack.site.relay_watchdog:
        return await _freed_by_watchdog(stage, fault)
    return await _kept_until_powered_off(stage, fault)


async def _freed_by_watchdog(stage: Stage, fault: float) -> Outcome:
    """Expect the line on the secondary by the relay's own watchdog, and one that serves when the primary goes on.

    To the engine the primary comes back from a split then; who serves after one is the engine's to settle.
    """
    marks = await stage.moved(fault, "secondary", stage.rack.site.relay_watchdog + 20)
    async with recorded(stage.rack) as log:
        stage.say("the relay's own watchdog gave the line to the secondary; the primary goes on")
        settled = await _one_serves(stage, log, stage.rack.thaw("primary"))
    return Outcome(
        marks, f"the relay's own watchdog freed the line; the primary went on, and {settled.verdict}"
    )


async def _kept_until_powered_off(stage: Stage, fault: float) -> Outcome:
    """Expect the secondary not to claim the line until the primary's power is cut."""
    status = await stage.until_status(stage.secondary, _line_held, 30, "the line is held by the primary")
    if stage.in_service("secondary") or status["role"] == "active":
        raise ScenarioFailed("the secondary claims a line that it does not have")
    held = stage.marks(fault, "secondary")
    stage.say(status["transfer"]["note"])
    stage.say("the operator follows the advice: the primary's power is cut")
    stage.rack.power_off("primary")
    await stage.moved(fault, "secondary")
    verdict = "address and Asterisk moved, the line was reported as held; it came when the power was cut"
    return Outcome(_without_line(held), verdict)


async def first_node_alone(stage: Stage) -> Outcome:
    """Start only the primary, which waits for initdead, says so, and goes on alone."""
    await stage.rack.start_agent("primary")
    stage.say("only the primary is started; it waits for the other node")
    fault = stage.now()
    await stage.ask(stage.primary, "ha", "start")
    waiting = await stage.until_status(stage.primary, _waiting, 10, "the primary waits for the other node")
    stage.say(waiting["headline"])
    marks = await stage.moved(fault, "primary", 60)
    return Outcome(marks, "waited for the other node, then served alone")


async def cold_start_apart(stage: Stage) -> Outcome:
    """Start the primary behind cut cables while the secondary serves: both serve, and Heartbeat never settles it."""
    await stage.home()
    stage.say("the primary loses power; the secondary serves")
    await stage.moved(stage.rack.power_off("primary"), "secondary")
    async with recorded(stage.rack) as log:
        stage.say("the primary boots behind cut cables, hears nobody and serves too")
        stage.cut("primary")
        await stage.rack.boot("primary")
        await stage.rack.start_agent("primary")
        await stage.ask(stage.primary, "ha", "start")
        await stage.until(lambda: log.serves("primary"), 40, "the primary serves apart")
        stage.say("the cables are put back")
        return await _one_serves(stage, log, stage.heal("primary"))


async def split_and_heal(stage: Stage) -> Outcome:
    """Cut both cables of the serving primary for 20 s: both serve, and plain Heartbeat has nobody serve at the heal."""
    await stage.home()
    async with recorded(stage.rack) as log:
        stage.say("both cables of the primary are cut")
        stage.cut("primary")
        await stage.until(lambda: log.serves("secondary"), 20, "the secondary serves too")
        await stage.rack.pause(20)
        stage.say("the cables are put back")
        return await _one_serves(stage, log, stage.heal("primary"))


async def _one_serves(stage: Stage, log: ServiceLog, healed: float) -> Outcome:
    """Wait until one node serves alone after the heal, and for a while; return the move to it."""
    try:
        settled = await log.settled(healed, within=30, stays=12)
    except NeverSettled as problem:
        raise ScenarioFailed(str(problem)) from problem
    return Outcome(stage.marks(healed, settled.owner), str(settled))


def _standby(status: dict[str, Any]) -> bool:
    return bool(status["role"] == "standby")


def _waiting(status: dict[str, Any]) -> bool:
    return status["role"] == "waiting" and status["engine"]["waits_another"] is not None


def _line_held(status: dict[str, Any]) -> bool:
    transfer = status["transfer"] or {}
    return transfer.get("phase") == "blocked" and "held by the primary" in transfer.get("note", "")


def _without_line(marks: Marks) -> Marks:
    """Return the marks of a move that, rightly, left the line where it was."""
    return Marks(
        detected=marks.detected, address_moved=marks.address_moved, pbx_answering=marks.pbx_answering
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("asterisk-killed", "Asterisk dies", asterisk_killed),
    Scenario("asterisk-stopped", "an operator stops Asterisk", asterisk_stopped),
    Scenario("asterisk-hung", "Asterisk hangs", asterisk_hung),
    Scenario("power-cut", "the primary loses power", power_cut),
    Scenario("standby-command", "planned hand-over", standby_command),
    Scenario("failback", "back to the primary", failback),
    Scenario("card-unplugged", "the relay card is unplugged", card_unplugged),
    Scenario("primary-frozen", "the primary hangs, powered", primary_frozen),
    Scenario("first-node-alone", "the other node never comes", first_node_alone, initdead=5.0),
    Scenario("lan-lost", "the active node loses the LAN", lan_lost),
    Scenario("address-taken", "the cluster address is taken away", address_taken),
    Scenario("telco-dead", "the provider's line is dead", telco_dead),
    Scenario("ghost-link", "the D-channel sticks", ghost_link),
    Scenario("flapping", "Asterisk dies again and again", flapping),
    Scenario("cold-start-apart", "a start behind cut cables", cold_start_apart),
    Scenario("split-and-heal", "both cables cut for 20 s", split_and_heal),
    Scenario("data", "the phones' data, there and back", data, conf=SYNCHRONISED),
)
