"""The faults that a round of the campaign draws from; `calm` ends all that lasts.

A fault is a coroutine that begins at once and returns when it is over, or when it needs nobody any more. Several may be
under way at the same time. What it cannot do, because its node is off or hung just then, it leaves undone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Mapping
from types import MappingProxyType

from hwsim.campaign import machine_faults as machine
from hwsim.campaign import program_faults as program
from hwsim.campaign.fault import Fault, power_up
from hwsim.demo.scenario import Stage
from hwsim.nodes import NodeError
from hwsim.rack import SIDES
from hwsim.server import Server

HA_STOP = "asha ha stop"
# Which faults begin a transfer, so that a second one can fall into the middle of it.
MOVES = ("Asterisk killed", "asha standby", "asha takeover", "power cut", "hb_standby", "asha line release")

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "Asterisk killed": program.asterisk(signal.SIGKILL),
        "Asterisk stopped": program.asterisk(signal.SIGSTOP),
        "Asterisk does not start": program.starts_fail,
        "agent killed": program.agent_killed,
        "agent stopped": program.agent_stopped,
        "SIGHUP": program.hangup,
        "Heartbeat killed": program.engine_killed,
        "packets lost": program.packets_lost,
        "logs rotated": program.logs_rotated,
        "vendor tool hangs": program.tool_hangs,
        "asha standby": program.asha("standby"),
        "asha takeover": program.asha("takeover"),
        "asha failback": program.asha("failback", "--yes"),
        "asha pbx stop": program.asha("pbx", "stop"),
        "asha line release": program.asha("line", "release"),
        "asha maintenance": program.maintenance,
        HA_STOP: program.asha("ha", "stop"),
        "hb_standby": program.run("/usr/share/heartbeat/hb_standby", "all"),
        "resource stopped by hand": program.run("/etc/ha.d/resource.d/asha", "stop"),
        "address taken": program.address_taken,
        "power cut": machine.power_cut,
        "power cycle": machine.power_cycle,
        "frozen and thawed": machine.freeze,
        "disk full": machine.disk_full,
        "one cable cut": machine.one_cable,
        "both cables cut": machine.split,
        "started apart": machine.apart,
        "blip during standby": machine.blip,
        "card out": machine.card_out,
        "card renumbered": machine.card_renumbered,
        "card faulty": machine.card_faulty,
        "telco dead": machine.telco_dead,
    }
)


async def strike(stage: Stage, name: str, side: str, chance: random.Random) -> None:
    """Have the fault `name` befall `side`; what it cannot do is left undone."""
    with contextlib.suppress(NodeError, OSError):
        await FAULTS[name](stage, side, chance)


async def calm(stage: Stage) -> None:
    """End every fault that lasts: cables, power, card, line, agents and engines are as after an installation."""
    rack = stage.rack
    rack.line.restore()
    rack.card.faults.clear()
    for side in SIDES:
        stage.heal(side)
        await power_up(stage, side)
        rack.servers[side].node.disk.make_room()
        program.whole_again(rack.servers[side])
    if not rack.tty.plugged:
        rack.plug_card()
    await asyncio.gather(*(_begin(stage, server) for server in rack.servers.values()))


async def _begin(stage: Stage, server: Server) -> None:
    """Have the agent, the engine and the watchdog of a node run, whatever an operator had stopped."""
    if await server.status() is None:
        await server.stop_agent(signal.SIGKILL)
        await stage.rack.start_agent(server.side)
    await server.asha("maintenance", "off")
    await server.asha("ha", "start")
