"""One server of the rack as its administrator sees it: a machine with asha, a stand-in Asterisk and spans."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.nodes import Node, NodeError, Power, Running
from hwsim.site import Site

PIDFILE = "/var/run/asterisk/asterisk.pid"
CONTROL = "/run/asha/control"
JOURNAL = "/var/lib/asha/journal"


# Commands that wait until service has moved, unless they are told not to.
_MOVES = (
    ("standby",),
    ("takeover",),
    ("ha", "start"),
    ("ha", "stop"),
    ("pbx", "stop"),
    ("line", "release"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """The result of a command on the server."""

    code: int
    output: str
    error: str


class Server:
    """The server on `side`, primary or secondary; without power, queries return empty answers."""

    def __init__(self, side: str, node: Node, site: Site, logs: Path) -> None:
        self.side = side
        self.node = node
        self.logs = logs
        self._site = site
        self._agent: Running | None = None

    @property
    def powered(self) -> bool:
        """True when the server has power and is not hung."""
        return self.node.power is Power.ON

    async def start_agent(self) -> None:
        """Start `asha agent` as init would, and wait until the agent answers."""
        argv = [*self._site.program, "agent"]
        self._agent = await self.node.spawn(argv, self.logs / f"{self.side}-agent.log")
        deadline = asyncio.get_running_loop().time() + 15
        while await self.status() is None:
            if self._agent.code is not None or asyncio.get_running_loop().time() > deadline:
                log = (self.logs / f"{self.side}-agent.log").read_text(errors="replace").strip()
                raise NodeError(f"The agent on the {self.side} does not answer: {log.splitlines()[-1:]}")
            await asyncio.sleep(0.05)

    async def stop_agent(self, number: int) -> None:
        """End the agent with signal `number` and wait for its end."""
        if self._agent is not None:
            self._agent.signal(number)
            await self._agent.wait()

    def signal_agent(self, number: int) -> None:
        """Send the agent signal `number`; it may be stopped (SIGSTOP) and go on (SIGCONT)."""
        if self._agent is not None:
            self._agent.signal(number)

    async def asha(self, *words: str, deadline: float = 130.0) -> Said:
        """Run `asha WORDS`; what moves service is not waited for, because the rack looks by itself."""
        at_once = ["--no-wait"] if words[:2] in _MOVES or words[:1] in _MOVES else []
        result = await self.node.run([*self._site.program, *words, *at_once], deadline)
        return Said(-1 if result.code is None else result.code, result.out, result.err)

    async def status(self) -> dict[str, Any] | None:
        """Return the status document from the agent's socket; None when the agent does not answer."""
        if not self.powered:
            return None
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.node.path(CONTROL)), limit=1 << 20)
        except (OSError, NodeError):
            return None
        try:
            writer.write(b'{"verb": "status"}\n')
            async with asyncio.timeout(3):
                answer = json.loads(await reader.readline() or b"{}")
        except (OSError, ValueError, TimeoutError):
            return None
        finally:
            writer.close()
        result = answer.get("result")
        return result if isinstance(result, dict) else None

    def journal(self) -> list[dict[str, Any]]:
        """Return the journal on the server's disk, its older file first, with power or without."""
        lines: list[str] = []
        for path in (f"{JOURNAL}.1", JOURNAL):
            with contextlib.suppress(OSError):
                lines += self.node.path(path).read_text(errors="replace").splitlines()
        return [entry for line in lines if (entry := _entry(line)) is not None]

    def engine_pid(self, daemon: str = "") -> int | None:
        """Return the pid inside the node of a process of the cluster engine; None when it does not run.

        `daemon` is one of its `Engine.daemons`; the master when it is not named.
        """
        engine = self._site.engine
        return next(iter(self.node.pids(engine.daemons[daemon or engine.master])), None)

    def asterisk_pid(self) -> int | None:
        """Return Asterisk's pid inside the node, or None when Asterisk does not run."""
        if self.node.power is Power.OFF:
            return None
        try:
            pid = int(self.node.path(PIDFILE).read_text())
        except (OSError, ValueError):
            return None
        return pid if (self.node.path("/proc") / str(pid)).exists() else None


def _entry(line: str) -> dict[str, Any] | None:
    """Return the entry on a line of the journal; None for what a test or a crash has left there."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and "kind" in entry else None
