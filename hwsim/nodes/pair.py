"""Two machines on one network, created and removed in one place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from hwsim.nodes import remains
from hwsim.nodes.network import Network
from hwsim.nodes.node import Node
from hwsim.nodes.prefix import new_prefix, rack_dir


@dataclass(frozen=True, slots=True)
class Pair:
    """Two nodes that are off, on a network that is up."""

    network: Network
    primary: Node
    secondary: Node

    async def boot(self) -> None:
        """Boot both nodes at the same time."""
        await asyncio.gather(self.primary.boot(), self.secondary.boot())


@contextlib.asynccontextmanager
async def pair(names: tuple[str, str] = ("haprimary", "hastandby")) -> AsyncIterator[Pair]:
    """Yield a pair with new disks; at the end power both off and remove everything."""
    prefix = new_prefix()
    network = Network(prefix)
    try:
        await network.up()
        nodes = [
            Node(place, name, rack_dir(prefix), network)
            for place, name in zip(("primary", "secondary"), names, strict=True)
        ]
        try:
            yield Pair(network, *nodes)
        finally:
            await asyncio.gather(*(node.close() for node in nodes))
    finally:
        await network.down()
        await asyncio.to_thread(remains.remove, prefix)
