"""Stopping every process of a node at one instant, and resuming: a machine that hangs with power on.

The kernel does it with the cgroup freezer (version 2, else version 1). Where neither can be written, as in a
container with a read-only cgroup tree, SIGSTOP is sent until no new process appears; processes that were
stopped before stay stopped afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from hwsim.nodes import census
from hwsim.nodes.errors import NodeError

CGROUPS = Path("/sys/fs/cgroup")
_DEADLINE = 2.0
_POLL = 0.001


class Freezer(Protocol):
    """A way to stop a node."""

    entry: Path | None  # a process that writes its pid here belongs to the node; None when that is not needed

    def stop(self, init: int) -> None: ...
    def stopped(self, init: int) -> bool: ...
    def go_on(self, init: int) -> None: ...
    def remove(self) -> bool: ...


def open_freezer(name: str) -> Freezer:
    """Return the best freezer this host offers, for the node `name`."""
    for place, knob, words in hierarchies():
        group = place / name
        with contextlib.suppress(OSError):
            group.mkdir(exist_ok=True)
            if os.access(group / knob, os.W_OK):
                return _CgroupFreezer(group, knob, words)
            group.rmdir()
    return _SignalFreezer()


async def freeze(freezer: Freezer, init: int) -> None:
    """Stop all processes and return when all have stopped. Raises NodeError when they do not."""
    end = time.monotonic() + _DEADLINE
    freezer.stop(init)
    while not freezer.stopped(init):
        if time.monotonic() > end:
            raise NodeError(f"The node's processes did not all stop within {_DEADLINE:g} s.")
        await asyncio.sleep(_POLL)
        freezer.stop(init)


async def discard(freezer: Freezer) -> None:
    """Remove the freezer of a dead node as soon as the last nsenter has left. Raises NodeError."""
    end = time.monotonic() + _DEADLINE
    while not freezer.remove():
        if time.monotonic() > end:
            raise NodeError(f"Processes of a node that is off did not end within {_DEADLINE:g} s.")
        await asyncio.sleep(_POLL)


def hierarchies() -> Iterator[tuple[Path, str, tuple[str, str]]]:
    """Yield where freezing cgroups may be made: directory, knob, and the words for stop and resume."""
    yield CGROUPS, "cgroup.freeze", ("1", "0")
    yield CGROUPS / "unified", "cgroup.freeze", ("1", "0")
    yield CGROUPS / "freezer", "freezer.state", ("FROZEN", "THAWED")


class _CgroupFreezer:
    def __init__(self, group: Path, knob: str, words: tuple[str, str]) -> None:
        self.entry: Path | None = group / "cgroup.procs"
        self._group = group
        self._knob = group / knob
        self._stop, self._go_on = words

    def stop(self, init: int) -> None:
        self._knob.write_text(self._stop)

    def stopped(self, init: int) -> bool:
        if self._knob.name == "freezer.state":
            return self._knob.read_text().strip() == self._stop
        return "frozen 1" in (self._group / "cgroup.events").read_text()

    def go_on(self, init: int) -> None:
        self._knob.write_text(self._go_on)

    def remove(self) -> bool:
        try:
            self._group.rmdir()
        except OSError:  # a process is still in the group, or the group is gone
            return not self._group.exists()
        return True


class _SignalFreezer:
    entry: Path | None = None

    def __init__(self) -> None:
        self._halted: set[int] = set()  # node pids that were running when the node was stopped
        self._outer: set[int] = set()  # unshare and nsenter stop themselves when their child is stopped

    def stop(self, init: int) -> None:
        inside = census.members(init)
        self._outer |= {member.parent for member in inside} - {member.host_pid for member in inside}
        for member in inside:
            if member.state not in "TZX" and census.kill(init, member.pid, signal.SIGSTOP) is not None:
                self._halted.add(member.pid)

    def stopped(self, init: int) -> bool:
        # State D: SIGSTOP is pending while the process waits in the kernel, as the parent in a vfork of a
        # stopped child does
        return all(member.state in "TDZX" for member in census.members(init))

    def go_on(self, init: int) -> None:
        for pid in sorted(self._halted):
            census.kill(init, pid, signal.SIGCONT)
        for host_pid in self._outer:
            with contextlib.suppress(ProcessLookupError), census.held(host_pid) as handle:
                signal.pidfd_send_signal(handle, signal.SIGCONT)
        self._halted.clear()
        self._outer.clear()

    def remove(self) -> bool:
        return True  # nothing was made
