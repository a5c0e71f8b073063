"""Scenarios between the pair and the telephones: the LAN lost on one node, and the cluster address taken away."""

from __future__ import annotations

from typing import Any

from hwsim.demo.marks import Marks
from hwsim.demo.scenario import Outcome, ScenarioFailed, Stage
from hwsim.nodes import CLUSTER_ADDRESS


async def lan_lost(stage: Stage) -> Outcome:
    """Pull the LAN cable of the active node: service goes to where the telephones are, and nowhere else."""
    await _home_on_lan(stage)
    stage.say(f"the primary's LAN cable is pulled; {stage.rack.site.engine.title} lives on the direct cable")
    fault = stage.now()
    stage.primary.node.cut("eth0")
    marks = await stage.moved(fault, "secondary", 60)
    status = await stage.until_status(stage.primary, _unfit_standby, 20, "the primary stands by, unfit")
    stage.say(f"the primary says: {'; '.join(status['unfit_because'])}")
    stage.say(
        "Asterisk on the secondary is killed: the primary cannot be reached, so it is started again there"
    )
    killed = stage.rack.kill_asterisk("secondary")
    await stage.until(
        lambda: stage.rack.first_answer("sip", "secondary", killed + 0.1) is not None,
        30,
        "the secondary's Asterisk answers the telephones again",
    )
    if stage.rack.asterisk_runs("primary"):
        raise ScenarioFailed("Asterisk was started on the node that no telephone reaches")
    return Outcome(marks, "line, address and Asterisk went to where the telephones are, and stayed there")


async def address_taken(stage: Stage) -> Outcome:
    """Take the cluster address off the active node, as a restarted network service does: it is put back."""
    await _home_on_lan(stage)
    stage.say("the cluster address is taken away from the primary, as a restarted network service does")
    fault = stage.now()
    await _take_address(stage)
    await stage.until(
        lambda: stage.rack.first_answer("garp", "primary", fault) is not None,
        20,
        "the primary has announced the address again",
    )
    back = stage.rack.first_answer(
        "sip", "primary", stage.rack.first_answer("garp", "primary", fault) or fault
    )
    stage.say(
        f"put back {0.0 if back is None else back - fault:.1f} s after it was taken; now it is taken again"
    )
    await _take_address(stage)
    status = await stage.until_status(
        stage.primary, lambda said: "find what removes it" in said["address"]["trouble"], 20, "it is told"
    )
    stage.say(status["address"]["trouble"])
    moved = [one for one in stage.rack.history.happenings if one.kind == "relay" and one.at >= fault]
    if moved:
        raise ScenarioFailed("the relay moved although nothing is wrong with the node")
    return Outcome(Marks(), "put back once; taken again at once, it is told and not fought for")


async def _home_on_lan(stage: Stage) -> None:
    """Come home, and wait until both nodes know their LAN: before that, the loss of one is not known to be one."""
    await stage.home()
    for server in (stage.primary, stage.secondary):
        await stage.until_status(server, _lan_is_known, 30, "the LAN of both nodes is well")


async def _take_address(stage: Stage) -> None:
    taken = await stage.primary.node.run(["ip", "addr", "del", f"{CLUSTER_ADDRESS}/24", "dev", "eth0"])
    if taken.code:
        raise ScenarioFailed(f"the address could not be taken away: {taken.err.strip()}")


def _lan_is_known(status: dict[str, Any]) -> bool:
    return bool(status["lan"]["reached"]["value"] and status["peer"]["lan"]["value"])


def _unfit_standby(status: dict[str, Any]) -> bool:
    return bool(status["role"] == "standby" and not status["fit"])
