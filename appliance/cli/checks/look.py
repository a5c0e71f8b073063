"""What a look is given, how one is made into a finding, and how many are made at once within a bound."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from appliance.config import Conf
from appliance.control.status import ask_status
from appliance.core.errors import AshaError
from appliance.core.host_check.finding import Finding, Level, not_known, wrong
from appliance.core.model import Node
from appliance.core.status import Status
from appliance.host.clock import Clock

_T = TypeVar("_T")
DEADLINE = 10.0
"""Seconds within which every look is to have ended; all are made at the same time."""

_STATUS_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Scene:
    """The machine that is looked at: its conf and which node it is; its files are found below `root`."""

    conf: Conf
    node: Node
    hostname: str
    clock: Clock
    root: Path = Path("/")

    def status(self) -> Status:
        """Return the agent's status. Raises AgentAbsent or AgentSilent."""
        return ask_status(deadline=_STATUS_PATIENCE)


Look = Callable[[Scene], Finding]


@dataclass(frozen=True, slots=True)
class HostCheck:
    """A line of the registry: the subject, its look, and for which conf and node there is something to look at."""

    what: str
    look: Look
    applies: Callable[[Conf, Node], bool] = lambda conf, node: True


def made(check: HostCheck, scene: Scene) -> Finding:
    """Make one look and return its finding, whatever goes wrong in it."""
    try:
        found = check.look(scene)
    except AshaError as problem:
        found = wrong(str(problem.args[0]), problem.todo)
    except OSError as problem:
        found = not_known(
            f"{problem.filename or 'The kernel'}: {problem.strerror or problem}.", "Are you root?"
        )
    except Exception as problem:  # one look that fails must not take the other findings with it
        found = not_known(
            f"The look failed ({type(problem).__name__}: {problem}).", "Report this as a fault of asha."
        )
    return replace(found, what=check.what)


def late(what: str) -> Finding:
    """Return the finding for a look that has not ended in time."""
    says = f"The look has not ended within {DEADLINE:g} s."
    return Finding(Level.UNKNOWN, says, "See what holds it up, such as a disk or a program that hangs.", what)


@dataclass(frozen=True, slots=True)
class _Ended(Generic[_T]):
    name: str
    value: _T


def gather(
    jobs: Mapping[str, Callable[[], _T]],
    clock: Clock,
    deadline: float,
    waiting: Callable[[Collection[str]], None] = lambda names: None,
) -> dict[str, _T]:
    """Run all `jobs` at the same time and return the values of those that have ended within `deadline` seconds.

    A job that hangs is left behind in its thread, which does not keep the process from ending. `waiting` is called
    a few times a second with the names that are still out. A job that raises has no value.
    """
    done: queue.SimpleQueue[_Ended[_T]] = queue.SimpleQueue()
    for name, job in jobs.items():
        threading.Thread(
            target=lambda n=name, j=job: done.put(_Ended(n, j())), name=name, daemon=True
        ).start()
    values: dict[str, _T] = {}
    end = clock.now() + deadline
    while len(values) < len(jobs) and (left := end - clock.now()) > 0:
        try:
            ended = done.get(timeout=min(left, 0.2))
        except queue.Empty:
            waiting([name for name in jobs if name not in values])
            continue
        values[ended.name] = ended.value
    return values
