"""Programs inside a node: nsenter, with a clean environment and output that no daemon can hold open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.nodes.census import child_of

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KILL_PATIENCE = 1.0
_JOIN = 'echo $$ > "$0" && exec "$@"'  # sh: enter the cgroup, become the program


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended. `code` is None when its deadline passed and it was killed, negative by signal."""

    code: int | None
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Ended by itself with status 0."""
        return self.code == 0


class Running:
    """A program that stays, as seen from the host."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def code(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Its exit status, when it has ended."""
        return await self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the program; harmless when it has ended."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(child_of(self._process.pid) or self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL to the program and its group. Not to nsenter: it buries the program, which the node
        could not power off without (an orphan of nsenter falls to the host's init, at its leisure)."""
        child = child_of(self._process.pid) if self._process.returncode is None else None
        if child is None:
            return
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:  # not yet its own group
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    async def stop(self, deadline: float) -> int:
        """SIGTERM, and SIGKILL after `deadline` seconds; its exit status."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), deadline)
        except TimeoutError:
            self.kill()
            return await self._process.wait()


@dataclass(frozen=True, slots=True)
class Door:
    """The way into one booted node."""

    init: int  # its init's pid on the host
    cgroup: Path | None  # cgroup.procs of the node's freezer
    env: Mapping[str, str]

    async def run(self, argv: Sequence[str], deadline: float, env: Mapping[str, str]) -> Result:
        """Run to the end or the deadline. Output goes to memory files: a daemon left behind holds nothing up."""
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
                with contextlib.suppress(TimeoutError):  # a frozen process dies when it thaws
                    await asyncio.wait_for(running.wait(), _KILL_PATIENCE)
            return Result(code, _contents(out), _contents(err))
        finally:
            os.close(out)
            os.close(err)

    async def start(self, argv: Sequence[str], env: Mapping[str, str], out: int, err: int) -> Running:
        """Start inside, output to the descriptors given."""
        enter = ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "--", "setsid", *argv]
        process = await asyncio.create_subprocess_exec(
            *in_cgroup(self.cgroup, enter),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**self.env, **env},
            cwd="/",
            start_new_session=True,  # the terminal's Ctrl-C is for the rack
        )
        return Running(process)


def in_cgroup(entry: Path | None, argv: list[str]) -> list[str]:
    """`argv`, started as a member of the cgroup whose cgroup.procs is `entry`."""
    return argv if entry is None else ["sh", "-c", _JOIN, str(entry), *argv]


def _contents(handle: int) -> str:
    size = os.fstat(handle).st_size
    return os.pread(handle, size, 0).decode(errors="replace")
