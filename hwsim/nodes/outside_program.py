"""A program in the outside namespace that tells what it sees, a line for each event."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Callable, Sequence

from hwsim.nodes.errors import RackError
from hwsim.nodes.network import Network


class OutsideProgram:
    """One such program. `heard` is called with each of its lines; whoever waits in `until` then looks again."""

    def __init__(self, what: str, heard: Callable[[bytes], None]) -> None:
        self._what = what
        self._heard = heard
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()

    async def start(self, network: Network, argv: Sequence[str], deadline: float) -> None:
        """Run `argv` until its first line, which says that it is ready. Raises RackError after `deadline` seconds."""
        namespace = network.namespace("outside")
        self._process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", namespace, *argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        try:
            said = await asyncio.wait_for(self._process.stdout.readline(), deadline)
        except TimeoutError:
            said = b""
        if b"ready" not in said:
            raise RackError(f"The {self._what} in {namespace} did not start; its own words are above.")
        self._reading = asyncio.create_task(self._read(self._process.stdout))

    async def stop(self) -> None:
        """End it. Harmless when it was not started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._reading is not None:
            await self._reading
        self._process = self._reading = None

    def tell(self, line: str) -> None:
        """Give it a command."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def until(self, true: Callable[[], object], deadline: float, what: str) -> None:
        """Wait until `true` is so. Raises RackError, saying that no `what` was seen, after `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline), self._news:
                await self._news.wait_for(lambda: bool(true()))
        except TimeoutError:
            raise RackError(f"No {what} was seen in {deadline:g} s.") from None

    async def _read(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            self._heard(line)
            async with self._news:
                self._news.notify_all()
