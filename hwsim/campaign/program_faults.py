"""Faults of the programs on a node, and what operators do at the wrong moment."""

from __future__ import annotations

import contextlib
import random
import signal

from hwsim import asterisk as pbx
from hwsim.campaign.fault import Fault
from hwsim.card import vendortool
from hwsim.demo.scenario import Stage
from hwsim.nodes import CLUSTER_ADDRESS, NodeError
from hwsim.nodes.engines import HEARTBEAT
from hwsim.server import Server

_MASTER = HEARTBEAT.daemons[HEARTBEAT.master]
_ASTERISK = "/usr/local/sbin/asterisk"
_TOOL = "/usr/local/bin/rhinofailover"
_LOSS = "/etc/ha.d/OnlyForTesting"
_FAILS = "#!/bin/sh\necho 'asterisk: no' >&2\nexit 1\n"
# What may hang for good, and is then only asked: an order is not a fault because it is refused or late.
_PATIENCE = 5.0


def asterisk(number: int) -> Fault:
    """Return the fault of Asterisk getting the signal `number`."""

    async def fault(stage: Stage, side: str, chance: random.Random) -> None:
        stage.rack.kill_asterisk(side, number)

    return fault


def asha(*words: str) -> Fault:
    """Return the fault of an operator who says `asha WORDS`."""

    async def fault(stage: Stage, side: str, chance: random.Random) -> None:
        await stage.rack.servers[side].asha(*words, deadline=_PATIENCE)

    return fault


def run(*argv: str) -> Fault:
    """Return the fault of a program that is run by hand."""

    async def fault(stage: Stage, side: str, chance: random.Random) -> None:
        await stage.rack.servers[side].node.run(argv, _PATIENCE)

    return fault


def whole_again(server: Server) -> None:
    """End what the faults of this module leave on a node that has power."""
    server.node.write(_ASTERISK, pbx.program_text(), 0o755)
    server.node.write(_TOOL, vendortool.tool_text(), 0o755)
    server.signal_agent(signal.SIGCONT)
    if server.node.path(_LOSS).exists():
        server.node.unlink(_LOSS)
        _signal(server, _MASTER, signal.SIGHUP)


async def starts_fail(stage: Stage, side: str, chance: random.Random) -> None:
    """Have each start of Asterisk fail for a while."""
    server = stage.rack.servers[side]
    server.node.write(_ASTERISK, _FAILS, 0o755)
    await stage.rack.pause(chance.uniform(2.0, 15.0))
    server.node.write(_ASTERISK, pbx.program_text(), 0o755)


async def agent_killed(stage: Stage, side: str, chance: random.Random) -> None:
    """Kill the agent; init starts it again after a while."""
    await stage.rack.servers[side].stop_agent(signal.SIGKILL)
    await stage.rack.pause(chance.uniform(0.1, 3.0))
    if await stage.rack.servers[side].status() is None:
        await stage.rack.start_agent(side)


async def agent_stopped(stage: Stage, side: str, chance: random.Random) -> None:
    """Have the agent stand still for seconds."""
    server = stage.rack.servers[side]
    server.signal_agent(signal.SIGSTOP)
    await stage.rack.pause(chance.choice((1.0, 4.0, 12.0)))
    server.signal_agent(signal.SIGCONT)


async def hangup(stage: Stage, side: str, chance: random.Random) -> None:
    """Send SIGHUP to the agent, or to Heartbeat's master: each reads its files again."""
    server = stage.rack.servers[side]
    if chance.random() < 0.5:
        server.signal_agent(signal.SIGHUP)
    else:
        _signal(server, _MASTER, signal.SIGHUP)


async def engine_killed(stage: Stage, side: str, chance: random.Random) -> None:
    """Kill the engine's master."""
    with contextlib.suppress(NodeError):
        stage.rack.kill_engine(side)


async def packets_lost(stage: Stage, side: str, chance: random.Random) -> None:
    """Have Heartbeat lose a third of what it receives and sends; how: docs/facts/heartbeat.md."""
    server = stage.rack.servers[side]
    server.node.write(_LOSS, "rcvloss=0.3\nxmitloss=0.3\n")
    _signal(server, _MASTER, signal.SIGHUP)
    await stage.rack.pause(chance.uniform(5.0, 20.0))
    server.node.unlink(_LOSS)
    _signal(server, _MASTER, signal.SIGHUP)


async def logs_rotated(stage: Stage, side: str, chance: random.Random) -> None:
    """Rotate Heartbeat's log as logrotate does."""
    await stage.rack.servers[side].node.run(["mv", "/var/log/ha-log", "/var/log/ha-log.1"], _PATIENCE)


async def tool_hangs(stage: Stage, side: str, chance: random.Random) -> None:
    """Have the vendor's tool hang for a while."""
    node = stage.primary.node
    node.write(_TOOL, vendortool.HANGING, 0o755)
    await stage.rack.pause(chance.uniform(3.0, 15.0))
    node.write(_TOOL, vendortool.tool_text(), 0o755)


async def maintenance(stage: Stage, side: str, chance: random.Random) -> None:
    """Have the watchdog of the node stand down for a while."""
    server = stage.rack.servers[side]
    await server.asha("maintenance", "on", "--for", "2m", deadline=_PATIENCE)
    await stage.rack.pause(chance.uniform(1.0, 15.0))
    await server.asha("maintenance", "off", deadline=_PATIENCE)


async def address_taken(stage: Stage, side: str, chance: random.Random) -> None:
    """Take the cluster address off the node, as a restarted network service does."""
    argv = ["ip", "addr", "del", f"{CLUSTER_ADDRESS}/24", "dev", "eth0"]
    await stage.rack.servers[side].node.run(argv, _PATIENCE)


def _signal(server: Server, pattern: str, number: int) -> None:
    for pid in server.node.pids(pattern):
        with contextlib.suppress(NodeError):
            server.node.kill(pid, number)
