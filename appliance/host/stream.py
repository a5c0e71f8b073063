"""A program that is talked with while it runs: lines in, lines out, both bounded, and it never outlives us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from appliance.core.errors import HostError
from appliance.host.bounded import Lines, Tail, TooMuch

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None)
_ERROR_KEPT = 256 * 1024
_LINE_LIMIT = 1 << 20
_PIECE = 1 << 16
# Pieces of complaints that are taken in at the end: more than a pipe holds, of one that complains without end not all.
_COMPLAINTS = 64


class Stream:
    """Runs `argv` until `end` or the end of the with block; killed with its whole group if it must be.

    `env` is added to the environment. `keep` are descriptors it inherits. `bound`: the kernel ends it when we are
    killed, by SIGTERM, so that rsync takes its other half along. Not to be asked for in a process with threads, where
    what runs between fork and exec could wait for a lock for ever; there the program itself calls `die_with_parent`.
    Raises HostError when it cannot be started.

    A line of more than a mebibyte ends the program and its output: `complaint` then says so. Of what it writes to
    standard error the end is kept; it is taken in whenever it is waited for.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        keep: tuple[int, ...] = (),
        bound: bool = True,
    ) -> None:
        self.argv = tuple(str(word) for word in argv)
        self._lines = Lines(_LINE_LIMIT, f"'{self.argv[0]}'")
        self._complaint = Tail(_ERROR_KEPT)
        self.ended = False  # its output is at its end, which an empty line is not
        self._mute = False  # so is what it complains of
        self._broken = ""
        try:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **env} if env else None,
                pass_fds=keep,
                start_new_session=True,
                preexec_fn=_end_with_parent if bound else None,  # noqa: PLW1509 - see `bound`
                bufsize=0,
            )
        except OSError as problem:
            raise HostError(f"'{self.argv[0]}' could not be started: {problem.strerror}.") from problem
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)
        self._error = cast(IO[bytes], self._process.stderr)
        for pipe in (self._input, self._output, self._error):
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it if it still runs, and let go of everything."""
        self.end(0.0)
        self._output.close()
        self._error.close()

    def fileno(self) -> int:
        """Readable when the program has said something."""
        return self._output.fileno()

    def send(self, line: bytes) -> None:
        """Give the program a line. Raises BrokenPipeError when it does not listen any more."""
        view = memoryview(line + b"\n")
        while view:
            # One that complains more than its pipe holds does not listen before it is heard.
            self._wait(self._input, select.POLLOUT, None)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self._input.fileno(), view) :]

    def line(self, patience: float) -> bytes | None:
        """The next line without its end, b"" at the end of the output; None after `patience` seconds of silence."""
        while not self.ended:
            try:
                found = self._lines.take()
            except TooMuch as problem:
                self._break_off(problem)
                break
            if found is not None:
                return found
            if not self._take_in(patience):
                return None
        return b""

    def lines(self) -> Iterator[bytes]:
        """Every line until the program closes its output. The program's own timeouts bound the wait."""
        while not self.ended:
            self._take_in(None)
            try:
                found = self._lines.take_all()
            except TooMuch as problem:
                self._break_off(problem)
                break
            yield from found

    def _take_in(self, patience: float | None) -> bool:
        """A piece of its output, or the end; False after `patience` seconds without either."""
        if not self._wait(self._output, select.POLLIN, patience):
            return False
        with contextlib.suppress(BlockingIOError):
            piece = os.read(self.fileno(), _PIECE)
            self._lines.feed(piece)
            self.ended = not piece
        return True

    def _wait(self, pipe: IO[bytes], event: int, patience: float | None) -> bool:
        """Until `pipe` is ready for `event`; False after `patience` seconds. Takes in what the program complains of."""
        wanted, error = pipe.fileno(), self._error.fileno()
        until = None if patience is None else time.monotonic() + patience
        while True:
            poll = select.poll()
            if not self._mute:
                poll.register(error, select.POLLIN)
            poll.register(wanted, event)
            left = None if until is None else max(0.0, until - time.monotonic()) * 1000
            found = {descriptor for descriptor, _ in poll.poll(left)}
            if error in found:
                self._hear_complaint()
            if wanted in found or not found:
                return wanted in found

    def _hear_complaint(self) -> None:
        """Take in what waits on standard error."""
        with contextlib.suppress(BlockingIOError):
            piece = os.read(self._error.fileno(), _PIECE)
            self._complaint.feed(piece)
            self._mute = not piece

    def _break_off(self, problem: TooMuch) -> None:
        self.ended = True
        self.kill()
        self._broken = f"\n{problem}"

    def end(self, grace: float) -> int | None:
        """Close its input, wait up to `grace` seconds, then kill it; its status, None when it was killed by us."""
        process = self._process
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            code: int | None = process.wait(grace)
        except subprocess.TimeoutExpired:
            code = None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return code

    def kill(self) -> None:
        """End it and all that it has started, and wait for nothing: what hangs in the kernel ends when it can."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def complaint(self) -> str:
        """The end of what it wrote to standard error, and that it was broken off when it was."""
        for _ in range(_COMPLAINTS):
            if self._mute or self._error.closed or not self._wait(self._error, select.POLLIN, 0.0):
                break
        return (self._complaint.text() + self._broken).strip()

    @property
    def complaint_is_whole(self) -> bool:
        """Nothing that it wrote to standard error was too much to be kept."""
        return not self._complaint.lost


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
