"""What this node says of its cluster engines when a change from one to the other is thought of or under way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from appliance import __version__
from appliance.agent.context import NodeContext
from appliance.agent.cycle import Cycle
from appliance.cluster.boot_services import started_at_boot
from appliance.cluster.engine import ClusterEngine
from appliance.cluster.installed import engines, installed_engine
from appliance.cluster.secret import secret_fingerprint
from appliance.config.edit import preview
from appliance.core.engine_change import EngineReport
from appliance.core.errors import AshaError, HostError
from appliance.core.reading import Known
from appliance.core.roles import Role
from appliance.core.timing import unhurried
from appliance.pbx.calls import read_calls


class EngineFacts:
    """The looks behind an `EngineReport`."""

    def __init__(self, context: NodeContext, engine: ClusterEngine, cycle: Cycle) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._cycle = cycle
        self._clock = context.clock
        self._conf_path = context.conf_path
        self._engine = engine

    @property
    def name(self) -> str:
        """The engine that this agent works with, as a value of HAENGINE."""
        return _word(self._engine)

    async def report(self, to: str, *, brief: bool = False) -> EngineReport:
        """Return what this node says now of a change to `to`; nothing is changed by it.

        `brief`: only how far it is, for the node that waits for it, and not what takes programs to find out.
        """
        looked = await asyncio.to_thread(self._progress)
        if not brief:
            serves = self._cycle.state.role is Role.ACTIVE
            looked = await asyncio.to_thread(self._look, looked, to, serves=serves)
        alive, now = self._observations.peer_alive, self._clock.now()
        return replace(
            looked,
            role=self._cycle.state.role.value,
            fit=not self._cycle.unfit(now),
            maintenance=self._cycle.maintenance.on,
            peer_alive=alive.value if isinstance(alive, Known) else None,
        )

    def _progress(self) -> EngineReport:
        """Return which engine is meant to run here, and which does."""
        running = next((_word(engine) for engine in engines() if engine.identity()), "")
        return EngineReport(
            node=self._this_node.node.value,
            name=self._this_node.own_name,
            version=__version__,
            engine=self.name,
            running=self.name if self._engine.identity() else running,
            role="",
        )

    def _look(self, report: EngineReport, to: str, *, serves: bool) -> EngineReport:
        """Add what blocks: programs, files, Asterisk's console."""
        wanted = installed_engine(to)
        return replace(
            report,
            versions=tuple(_version(engine) for engine in engines() if _is_there(engine)),
            at_boot=_at_boot(),
            hindrances=tuple(self._hindrances(wanted)),
            secret=_fingerprint(wanted),
            calls=self._calls() if serves else None,
        )

    def _hindrances(self, wanted: ClusterEngine) -> list[str]:
        """Return what is in the way of an engine here: its packages, its values, another cluster's files.

        The conf must also do for the engine that runs now, or there is no way back.
        """
        if not _is_there(wanted):
            return [_why_not_there(wanted)]
        found = []
        try:
            conf = preview(self._conf_path, {"HAENGINE": _word(wanted)}).conf
            wanted.version()
            if foreign := wanted.in_the_way(conf):
                found.append(foreign)
        except AshaError as problem:
            found.append(str(problem).rstrip("."))
        try:
            preview(self._conf_path, {"HAENGINE": self.name})
        except AshaError as problem:
            if (why := str(problem).rstrip(".")) not in found:
                found.append(f"the way back to {self._engine.traits.title}: {why}")
        if wanted.identity() and _word(wanted) != self.name:
            found.append(f"{wanted.traits.title} runs already, beside {self._engine.traits.title}")
        return found

    def _calls(self) -> int | None:
        conf = self._this_node.conf
        calls = read_calls(conf, self._clock.now, unhurried(conf.probe_deadline))
        return calls.value if isinstance(calls, Known) else None


def _word(engine: ClusterEngine) -> str:
    return engine.traits.title.casefold()


def _is_there(engine: ClusterEngine) -> bool:
    return not _why_not_there(engine)


def _why_not_there(engine: ClusterEngine) -> str:
    try:
        engine.place()
    except HostError as problem:
        return str(problem).rstrip(".")
    return ""


def _version(engine: ClusterEngine) -> str:
    try:
        return f"{engine.traits.title} {engine.version()}"
    except AshaError:
        return f"{engine.traits.title} (it does not tell its version)"


def _fingerprint(engine: ClusterEngine) -> str:
    try:
        return secret_fingerprint(engine)
    except AshaError:
        return ""


def _at_boot() -> tuple[str, ...]:
    try:
        return tuple(name for engine in engines() for name in started_at_boot(engine.services))
    except HostError:
        return ()
