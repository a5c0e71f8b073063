"""Two machines on one network, made and taken away in one place."""

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
    """The network is up, the nodes are off."""

    network: Network
    primary: Node
    secondary: Node

    async def boot(self) -> None:
        """Both at once."""
        await asyncio.gather(self.primary.boot(), self.secondary.boot())


@contextlib.asynccontextmanager
async def pair(names: tuple[str, str] = ("haprimary", "hastandby")) -> AsyncIterator[Pair]:
    """A pair with new disks; at the end both are powered off and nothing is left."""
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
