"""Questions to the other node by ssh, and to the LAN, while a pair changes from one cluster engine to the other."""

from __future__ import annotations

import asyncio

from appliance.agent.context import NodeContext
from appliance.agent.engine_change_note import ChangeNote
from appliance.agent.this_node import ThisNode
from appliance.core.as_json import read_as
from appliance.core.engine_change import TITLES, EngineReport
from appliance.core.errors import AshaError
from appliance.core.reading import is_known
from appliance.host.clock import Clock
from appliance.net.neighbours import duplicated
from appliance.sync.peer_link import ask_once
from appliance.sync.ssh import ways_to_peer

_PATIENCE = 15.0  # seconds for the peer's answer


class ChangePeer:
    """The other node, as far as it can be asked by ssh, and whether anybody has the cluster address.

    The two engines do not hear each other, so the engine's own paths are no help here.
    """

    def __init__(self, context: NodeContext, note: ChangeNote) -> None:
        self._this_node = context.this_node
        self._clock = context.clock
        self._note = note
        self._reached_at = context.clock.now()

    @property
    def unreached(self) -> float:
        """For how long it could not be asked, in seconds."""
        return self._clock.now() - self._reached_at

    def begin(self) -> None:
        """Count from now for how long it could not be asked."""
        self._reached_at = self._clock.now()

    async def ask(
        self, to: str, cancel: str = "", *, brief: bool = True, everywhere: bool = False
    ) -> EngineReport | None:
        """Return what it says; None, with the reason as the change's trouble, when it cannot be asked.

        `cancel`: the number of a change that it is not to take part in any more. `everywhere`: over every path there
        is.
        """
        try:
            report = await self.answer(to, cancel, brief=brief, everywhere=everywhere)
        except (AshaError, ValueError) as problem:
            self._note.say_trouble(f"the other node cannot be asked: {problem}")
            return None
        self._reached_at = self._clock.now()
        self._note.say_trouble("")
        change = self._note.change
        heard = report.change
        if change is not None and change.unsure and heard is not None and heard.number == change.number:
            await self._note.write(change.heeded())
        return report

    async def answer(
        self, to: str, cancel: str = "", *, brief: bool = True, everywhere: bool = False
    ) -> EngineReport:
        """Return what it says. Raises AshaError when it cannot be asked, ValueError for what is no report."""
        return await peer_report(self._this_node, to, cancel, brief=brief, everywhere=everywhere)

    async def order(self, to: str, number: str) -> None:
        """Order it to change to `to`. Raises AshaError when it has not said that it does."""
        way = ways_to_peer(self._this_node.conf, self._this_node.node)[0]
        asked = {"do": "switch", "to": to, "number": number, "brief": False}
        await asyncio.to_thread(ask_once, way, "engine", asked, patience=_PATIENCE)

    async def lacks_address(self) -> bool:
        """Tell whether nobody but this node has a cluster address; what is not known is no yes."""
        return await lacks_address(self._this_node, self._clock)


async def peer_report(
    this_node: ThisNode, to: str, cancel: str = "", *, brief: bool, everywhere: bool
) -> EngineReport:
    """Return what the other node says of a change to the engine `to`; the arguments are those of `ChangePeer.ask`.

    Raises AshaError when it cannot be asked, ValueError for what is no report.
    """
    ways = ways_to_peer(this_node.conf, this_node.node)
    asked = {"do": "report", "to": to, "number": cancel, "brief": brief}
    for way in ways[:-1] if everywhere else ():
        try:
            answer = await asyncio.to_thread(ask_once, way, "engine", asked, patience=_PATIENCE)
        except AshaError:
            continue
        return _report(answer)
    last = ways[-1] if everywhere else ways[0]
    return _report(await asyncio.to_thread(ask_once, last, "engine", asked, patience=_PATIENCE))


async def lacks_address(this_node: ThisNode, clock: Clock) -> bool:
    """Tell whether nobody but this node has a cluster address; what is not known is no yes."""
    conf = this_node.conf
    for address in conf.addresses:
        found = await asyncio.to_thread(duplicated, conf.device, address.ip, clock.now())
        if not is_known(found, None):
            return False
    return True


def _report(answer: dict[str, object]) -> EngineReport:
    """Read the other node's words, which are data. Raises ValueError."""
    report = read_as(EngineReport, answer.get("report"))
    named = {report.running, report.engine}
    if report.change is not None:
        named |= {report.change.to, report.change.back}
    if not named <= {"", *TITLES}:
        raise ValueError("it names an engine that asha does not know")
    return report
