"""Programs inside a node: nsenter, with a clean environment and output that no daemon can hold open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwsim.nodes.census import child_of

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KILL_PATIENCE = 1.0
_JOIN = 'echo $$ > "$0" && exec "$@"'  # sh: enter the cgroup, become the program


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended; `code` is negative by signal, None when it was killed at its deadline."""

    code: int | None
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """True when the program ended by itself with status 0."""
        return self.code == 0


class Running:
    """A program that keeps running, as seen from the host."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def code(self) -> int | None:
        """The exit status, None while the program runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for the program's end and return its exit status."""
        return await self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the program; harmless when it has ended."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(child_of(self._process.pid) or self._process.pid, number)
        if number != signal.SIGSTOP:
            self.go_on()

    def go_on(self) -> None:
        """Have a program that was stopped go on: nsenter stops with it, and would then not reap it."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGCONT)  # send_signal would reap it behind asyncio's back

    def kill(self) -> None:
        """Send SIGKILL to the program and its group, but not to nsenter.

        nsenter reaps the program; otherwise the node could not power off (an orphan of nsenter falls to the
        host's init, which reaps it at its leisure).
        """
        child = child_of(self._process.pid) if self._process.returncode is None else None
        if child is None:
            return
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:  # the program does not have its own group yet
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    async def stop(self, deadline: float) -> int:
        """Send SIGTERM, and SIGKILL after `deadline` seconds; return the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), deadline)
        except TimeoutError:
            self.kill()
            return await self._process.wait()


@dataclass(frozen=True, slots=True)
class Door:
    """The way to start programs in one booted node."""

    init: int  # its init's pid on the host
    cgroup: Path | None  # cgroup.procs of the node's freezer
    env: Mapping[str, str]
    env_inside: Mapping[str, str] = field(
        default_factory=dict
    )  # what only holds once inside, such as its clock

    async def run(self, argv: Sequence[str], deadline: float, env: Mapping[str, str]) -> Result:
        """Run a program to its end or the deadline in seconds.

        The output goes to memory files: a daemon left behind holds nothing up.
        """
        out, err = os.memfd_create("out"), os.memfd_create("err")
        try:
            running = await self.start(argv, env, out, err)
            try:
                code: int | None = await asyncio.wait_for(running.wait(), deadline)
            except BaseException as problem:
                running.kill()
                if not isinstance(problem, TimeoutError):
                    raise
                code = None
                with contextlib.suppress(TimeoutError):  # a frozen process dies only when it is thawed
                    await asyncio.wait_for(running.wait(), _KILL_PATIENCE)
            return Result(code, _contents(out), _contents(err))
        finally:
            os.close(out)
            os.close(err)

    async def start(self, argv: Sequence[str], env: Mapping[str, str], out: int, err: int) -> Running:
        """Start a program inside, with output to the given descriptors."""
        enter = ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "--", "setsid"]
        if self.env_inside:
            enter += ["env", *(f"{name}={value}" for name, value in self.env_inside.items())]
        process = await asyncio.create_subprocess_exec(
            *in_cgroup(self.cgroup, [*enter, *argv]),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**self.env, **env},
            cwd="/",
            start_new_session=True,  # the terminal's Ctrl-C is meant for the rack only
        )
        return Running(process)


def in_cgroup(entry: Path | None, argv: list[str]) -> list[str]:
    """Return `argv`, started as a member of the cgroup whose cgroup.procs is `entry`."""
    return argv if entry is None else ["sh", "-c", _JOIN, str(entry), *argv]


def _contents(handle: int) -> str:
    size = os.fstat(handle).st_size
    return os.pread(handle, size, 0).decode(errors="replace")
