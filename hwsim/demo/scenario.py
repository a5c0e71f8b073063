"""Scenarios, and the stage on which they play."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hwsim.demo.evidence import Evidence
from hwsim.demo.marks import Marks, measure
from hwsim.nodes.network import LINKS
from hwsim.rack import Rack
from hwsim.server import Server

OTHER = {"primary": "secondary", "secondary": "primary"}


class ScenarioFailed(Exception):
    """The expected end of a scenario did not come; the message says what was seen instead.

    `evidence` is what the scenario has found out all the same.
    """

    def __init__(self, message: str, evidence: Evidence | None = None) -> None:
        super().__init__(message)
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Outcome:
    """The marks of the scenario's move, its closing sentence, and what became of the data."""

    marks: Marks
    verdict: str
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; `initdead` (seconds) and `conf` configure the pair."""

    name: str
    title: str
    play: Callable[[Stage], Awaitable[Outcome]]
    initdead: float = 3.0
    conf: Mapping[str, str] = field(default_factory=dict)


class Stage:
    """A rack with the steps that scenarios have in common."""

    def __init__(self, rack: Rack, say: Callable[[str], None]) -> None:
        self.rack = rack
        self.say = say
        self.primary = rack.servers["primary"]
        self.secondary = rack.servers["secondary"]

    async def home(self, within: float = 40.0) -> None:
        """Bring the pair up: primary active with the line in service, secondary standing by and fit.

        `within`: for how many seconds each step is waited for, at most.
        """
        await self.rack.start_agent("primary")
        await self.rack.start_agent("secondary")
        self.say("HA engine started on the primary; it waits for the other node")
        await self.ask(self.primary, "ha", "start")
        began = self.now()
        await self.until(
            lambda: self.rack.serves("primary", began), within, "the primary takes service alone"
        )
        self.say("HA engine started on the secondary")
        await self.ask(self.secondary, "ha", "start")
        await self.at_home(within)

    async def home_together(self, within: float) -> None:
        """Bring the pair up, both nodes at once, as one must whose node may not begin alone. `within` as for `home`."""
        for server in (self.primary, self.secondary):
            await self.rack.start_agent(server.side)
        await asyncio.gather(*(self.ask(server, "ha", "start") for server in (self.primary, self.secondary)))
        await self.at_home(within)

    async def at_home(self, within: float, active: str = "primary") -> None:
        """Wait until `active` serves, the other node stands by and is fit, and the engine is at rest."""
        for server in (self.primary, self.secondary):
            await self.until_status(
                server, _settled, within, f"{self.rack.site.engine.title} has settled who holds what"
            )
        serving, standing = self.rack.servers[active], self.rack.servers[OTHER[active]]
        await self.until_status(standing, _fit_standby, within, f"the {standing.side} stands by and is fit")
        await self.until_status(serving, _serves_with_peer, within, f"the {active} sees the other node fit")
        await self._engine_at_rest(within)

    async def _engine_at_rest(self, within: float) -> None:
        """Wait until the engine has taken in both nodes: before that, every move waits for it too."""
        engine = self.rack.site.engine
        poll = f"until {engine.at_rest}; do sleep 0.1; done"
        for server in (self.primary, self.secondary):
            if not (await server.node.run(["sh", "-c", poll], within)).ok:
                raise ScenarioFailed(
                    f"within {within:g} s {engine.title} on the {server.side} is not at rest"
                )

    def now(self) -> float:
        """Return the time on the clock of every mark."""
        return self.rack.now()

    def in_service(self, side: str) -> bool:
        """Return True when the line itself is in service on `side` now."""
        return self.rack.in_service(side)

    def cut(self, side: str) -> None:
        """Pull both cables of `side`."""
        for link in LINKS:
            self.rack.servers[side].node.cut(link)

    def heal(self, side: str) -> float:
        """Put both cables of `side` back; return the monotonic time."""
        for link in LINKS:
            self.rack.servers[side].node.heal(link)
        return self.now()

    async def ask(self, server: Server, *words: str) -> str:
        """Give the operator's command `asha WORDS` on `server`, which must succeed; return its output."""
        result = await server.asha(*words)
        if result.code:
            raise ScenarioFailed(f"'asha {' '.join(words)}' on the {server.side}: {result.error.strip()}")
        return result.output.strip()

    async def until(self, condition: Callable[[], bool], deadline: float, what: str) -> None:
        """Wait for something visible from outside, or fail with the message that `what` did not come."""
        if not await self.rack.history.wait(condition, deadline):
            raise ScenarioFailed(
                f"within {deadline:g} s it was not seen that {what}; {await self._standing()}"
            )

    async def until_status(
        self, server: Server, wanted: Callable[[dict[str, Any]], bool], deadline: float, what: str
    ) -> dict[str, Any]:
        """Wait until `asha status` of `server` is as `wanted`; return the document."""
        end = self.now() + deadline
        while True:
            document = await server.status()
            if document is not None and wanted(document):
                return document
            if self.now() > end:
                raise ScenarioFailed(
                    f"within {deadline:g} s it was not said that {what}; {await self._standing()}"
                )
            await self.rack.pause(0.2)

    async def moved(self, fault: float, to: str, deadline: float = 30.0) -> Marks:
        """Wait until the line is in service and Asterisk answers on `to`; return the marks of that move."""

        def complete() -> bool:
            return self.rack.serves(to, fault)

        await self.until(complete, deadline, f"the line came into service on the {to}")
        await self.until_status(
            self.rack.servers[to],
            lambda status: status["role"] == "active",
            10,
            f"the {to} says it is active",
        )
        return self.marks(fault, to)

    def marks(self, fault: float, to: str) -> Marks:
        """Return the marks seen so far of a move to `to`."""
        return measure(self.rack, fault, to)

    async def headline(self, server: Server) -> str:
        """Return the headline of `asha status` on `server`."""
        document = await server.status()
        return "no answer from asha" if document is None else str(document["headline"])

    async def _standing(self) -> str:
        said = [f"{server.side}: {await self.headline(server)}" for server in self.rack.servers.values()]
        return "; ".join(said)


def in_step(status: dict[str, Any]) -> bool:
    """Return True when a standby has all of the data that the other node has."""
    seen = status["data"]
    return bool(seen["duty"] == "pull" and seen["generation"] > 0 and seen["age"] is not None)


def _settled(status: dict[str, Any]) -> bool:
    """Return True when the engine says who holds what."""
    return status["engine"]["holds"]["value"] not in (None, "transition")


def _fit_standby(status: dict[str, Any]) -> bool:
    ready = status["fit"] and not status["doubts"]
    return bool(status["role"] == "standby" and ready and status["peer"]["alive"]["value"])


def _serves_with_peer(status: dict[str, Any]) -> bool:
    peer = status["peer"]
    ready = peer["fit"]["value"] and not peer["doubts"]
    return bool(status["role"] == "active" and peer["alive"]["value"] and ready)
