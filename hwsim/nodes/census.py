"""The processes of one node, seen from the host: those in the pid namespace of its init."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Member:
    """A process of the node: its pid on the host, its pid inside the node, its parent's pid on the host."""

    host_pid: int
    pid: int
    parent: int
    state: str  # one letter of proc(5)


def members(init: int) -> list[Member]:
    """Return every process in init's pid namespace, init included; empty when init is gone."""
    space = _pid_namespace(init)
    if space is None:
        return []
    return [member for pid in _host_pids() if (member := _member(pid, space)) is not None]


def matching(init: int, pattern: str) -> list[int]:
    """Return the node's own pids whose command line, joined by spaces, matches `pattern`.

    Zombies have no command line.
    """
    wanted = re.compile(pattern)
    return sorted(
        member.pid
        for member in members(init)
        if member.state not in "ZX" and wanted.search(command_line(member.host_pid))
    )


def command_line(host_pid: int) -> str:
    """Return the words of a process, joined by spaces; "" when the process is gone."""
    try:
        words = (_PROC / str(host_pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode(errors="replace").strip()


def child_of(host_pid: int) -> int | None:
    """Return the host's pid of the first child of a process; None without a child or process."""
    try:
        words = (_PROC / f"{host_pid}/task/{host_pid}/children").read_text().split()
    except OSError:
        return None
    return int(words[0]) if words else None


def kill(init: int, pid: int, number: int) -> float | None:
    """Signal the node's process `pid`; return the monotonic time of sending, or None without such a process.

    A pidfd holds the process while its namespace is checked: a reused pid is never hit.
    """
    space = _pid_namespace(init)
    candidates = [member for member in members(init) if member.pid == pid and member.state not in "ZX"]
    for host_pid in (candidate.host_pid for candidate in candidates):
        with contextlib.suppress(ProcessLookupError), held(host_pid) as handle:
            member = _member(host_pid, space)
            if member is not None and member.pid == pid:
                sent = time.monotonic()
                signal.pidfd_send_signal(handle, number)
                return sent
    return None


@contextlib.contextmanager
def held(host_pid: int) -> Iterator[int]:
    """Open a pidfd of a process for the body. Raises ProcessLookupError when the process is gone."""
    handle = os.pidfd_open(host_pid)
    try:
        yield handle
    finally:
        os.close(handle)


def _host_pids() -> Iterator[int]:
    return (int(name) for name in os.listdir(_PROC) if name.isdigit())  # noqa: PTH208


def _pid_namespace(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115
    except OSError:
        return None


def _member(host_pid: int, space: str | None) -> Member | None:
    if space is None or _pid_namespace(host_pid) != space:
        return None
    try:
        status = (_PROC / str(host_pid) / "status").read_text()
    except OSError:
        return None
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return Member(host_pid, int(fields["NSpid"].split()[-1]), int(fields["PPid"]), fields["State"][0])
