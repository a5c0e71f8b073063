"""Overhears the engine's messages of machines that are no node of this pair, and tells of them (core/stranger.py)."""

from __future__ import annotations

import asyncio
import contextlib

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.cluster.engine import ClusterEngine
from appliance.core.errors import HostError
from appliance.core.reading import is_known
from appliance.core.status import Status
from appliance.core.stranger import LISTENED_EVERY, LISTENS, Overheard, PairOnWire, strangers
from appliance.net.datagrams import Datagram, DatagramLink
from appliance.net.neighbours import own_macs


class Strangers(Component):
    """Listens on the interfaces of HAMEDIA now and then, while the engine runs."""

    def __init__(self, context: NodeContext, engine: ClusterEngine) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._journal = context.journal
        self._engine = engine
        self._told: tuple[str, ...] = ()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            await self._listen()
            await asyncio.sleep(LISTENED_EVERY)

    def problems(self) -> list[str]:
        """Return what was heard of strangers the last time."""
        return list(self._told)

    def report(self, status: Status) -> Status:
        """Add it to what people are told of the engine."""
        troubles = (*status.engine.troubles, *self._told)
        return super().report(status)._replace(engine=status.engine._replace(troubles=troubles))

    async def _listen(self) -> None:
        conf = self._this_node.conf
        if not is_known(self._observations.engine, True):
            self._told = ()
            return
        devices = {medium.device for medium in conf.media if medium.kind != "serial"}
        with contextlib.ExitStack() as opened:
            links = []
            for device in sorted(devices):
                with contextlib.suppress(HostError):  # an interface that is not there carries nothing
                    links.append(
                        opened.enter_context(contextlib.closing(DatagramLink(device, conf.udp_port)))
                    )
            await asyncio.sleep(LISTENS)
            heard = {found for link in links for found in self._heard(link)}
        before, self._told = self._told, strangers(heard, self._pair(), conf.udp_port)
        for text in self._told:
            if text not in before:
                self._journal.note("stranger", says=text)

    def _heard(self, link: DatagramLink) -> set[Overheard]:
        found: set[Overheard] = set()
        with contextlib.suppress(HostError):
            while some := link.heard():
                found.update(read for one in some if (read := self._read(one)) is not None)
        return found

    def _read(self, datagram: Datagram) -> Overheard | None:
        """Return whose message it is; None for one that the engine does not take, whoever sent it."""
        sender = self._engine.sender(datagram.payload, to_all=datagram.to_all)
        return None if sender is None else Overheard(sender, datagram.mac, datagram.ip)

    def _pair(self) -> PairOnWire:
        conf, node = self._this_node.conf, self._this_node
        addresses = {medium.argument for medium in conf.media if medium.kind == "ucast"}
        return PairOnWire(node.own_name, node.peer_name, own_macs(), addresses)
