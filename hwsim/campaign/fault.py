"""What a fault of the campaign is, and how a node comes back from one."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

from hwsim.demo.scenario import Stage
from hwsim.nodes import Power
from hwsim.nodes.sshd import start_sshd

Fault = Callable[[Stage, str, random.Random], Awaitable[None]]


async def power_up(stage: Stage, side: str) -> None:
    """Thaw the node, or boot it with what init starts: sshd and the agent. Raises NodeError."""
    node = stage.rack.servers[side].node
    if node.power is Power.HUNG:
        stage.rack.thaw(side)
    if node.power is Power.OFF:
        await stage.rack.boot(side)
        await start_sshd(node)
        await stage.rack.start_agent(side)
