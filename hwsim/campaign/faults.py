"""The faults that a round of the campaign draws from; `calm` ends all that lasts."""

from __future__ import annotations

import contextlib
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from hwsim.demo.scenario import Stage
from hwsim.nodes import NodeError, Power
from hwsim.nodes.network import LINKS
from hwsim.rack import SIDES

Fault = Callable[[Stage, str, random.Random], Awaitable[None]]

_MASTER = "^heartbeat: master control process"
_HB_STANDBY = "/usr/share/heartbeat/hb_standby"
_SCRIPT = "/etc/ha.d/resource.d/asha"
# What may hang for good, and is then only asked: an order is not a fault because it is refused or late.
_PATIENCE = 5.0


async def strike(stage: Stage, name: str, side: str, chance: random.Random) -> None:
    """Have the fault `name` befall `side`; one that cannot, because the node is off or hung, does nothing."""
    with contextlib.suppress(NodeError):
        await FAULTS[name](stage, side, chance)


async def calm(stage: Stage) -> None:
    """End every fault that lasts: cables, power, card, line, agents and engines are as after an installation."""
    stage.rack.line.restore()
    for side in SIDES:
        stage.heal(side)
        await _power_up(stage, side)
    if not stage.rack.tty.plugged:
        stage.rack.plug_card()
    for side, server in stage.rack.servers.items():
        if await server.status() is None:
            await server.stop_agent(signal.SIGKILL)
            await stage.rack.start_agent(side)
        await server.asha("ha", "start")


async def _power_up(stage: Stage, side: str) -> None:
    node = stage.rack.servers[side].node
    if node.power is Power.HUNG:
        stage.rack.thaw(side)
    if node.power is Power.OFF:
        await stage.rack.boot(side)


def _asterisk(number: int) -> Fault:
    async def fault(stage: Stage, side: str, chance: random.Random) -> None:
        stage.rack.kill_asterisk(side, number)

    return fault


def _asha(*words: str) -> Fault:
    async def fault(stage: Stage, side: str, chance: random.Random) -> None:
        await stage.rack.servers[side].asha(*words, deadline=_PATIENCE)

    return fault


def _program(*argv: str) -> Fault:
    async def fault(stage: Stage, side: str, chance: random.Random) -> None:
        await stage.rack.servers[side].node.run(argv, _PATIENCE)

    return fault


async def _blip(stage: Stage, side: str, chance: random.Random) -> None:
    await stage.rack.servers[side].asha("standby", deadline=_PATIENCE)
    await stage.rack.pause(chance.uniform(0.0, 0.4))
    stage.cut(side)
    await stage.rack.pause(0.75 * stage.rack.site.deadtime)
    stage.heal(side)


async def _split(stage: Stage, side: str, chance: random.Random) -> None:
    stage.cut(side)
    await stage.rack.pause(chance.choice((1.0, 3.0, 8.0, 20.0)))
    stage.heal(side)


async def _one_cable(stage: Stage, side: str, chance: random.Random) -> None:
    link = chance.choice(LINKS)
    stage.rack.servers[side].node.cut(link)
    await stage.rack.pause(chance.uniform(1.0, 6.0))
    stage.rack.servers[side].node.heal(link)


async def _apart(stage: Stage, side: str, chance: random.Random) -> None:
    stage.rack.power_off(side)
    await stage.rack.servers[side].node.wait_down()
    stage.cut(side)
    await stage.rack.boot(side)
    await stage.rack.start_agent(side)
    await stage.rack.servers[side].asha("ha", "start")
    await stage.rack.pause(chance.uniform(4.0, 10.0))
    stage.heal(side)


async def _power_cut(stage: Stage, side: str, chance: random.Random) -> None:
    stage.rack.power_off(side)


async def _freeze(stage: Stage, side: str, chance: random.Random) -> None:
    await stage.rack.freeze(side)
    await stage.rack.pause(chance.choice((1.0, 3.0, 10.0)))
    stage.rack.thaw(side)


async def _agent_killed(stage: Stage, side: str, chance: random.Random) -> None:
    await stage.rack.servers[side].stop_agent(signal.SIGKILL)
    await stage.rack.pause(chance.uniform(0.1, 3.0))
    await stage.rack.start_agent(side)


async def _engine_killed(stage: Stage, side: str, chance: random.Random) -> None:
    node = stage.rack.servers[side].node
    for pid in node.pids(_MASTER):
        node.kill(pid)


async def _card_out(stage: Stage, side: str, chance: random.Random) -> None:
    if stage.rack.tty.plugged:
        stage.rack.unplug_card()


async def _telco_dead(stage: Stage, side: str, chance: random.Random) -> None:
    stage.rack.line.cut()
    await stage.rack.pause(chance.uniform(1.0, 10.0))
    stage.rack.line.restore()


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "Asterisk killed": _asterisk(signal.SIGKILL),
        "Asterisk stopped": _asterisk(signal.SIGSTOP),
        "agent killed": _agent_killed,
        "Heartbeat killed": _engine_killed,
        "power cut": _power_cut,
        "frozen and thawed": _freeze,
        "one cable cut": _one_cable,
        "both cables cut": _split,
        "started apart": _apart,
        "blip during standby": _blip,
        "card out": _card_out,
        "telco dead": _telco_dead,
        "asha standby": _asha("standby"),
        "asha takeover": _asha("takeover"),
        "asha pbx stop": _asha("pbx", "stop"),
        "asha ha stop": _asha("ha", "stop"),
        "hb_standby": _program(_HB_STANDBY, "all"),
        "resource stopped by hand": _program(_SCRIPT, "stop"),
    }
)
