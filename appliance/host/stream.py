"""A dialogue with a running program: bounded lines in and out; the program never outlives this process."""

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
# The number of pieces of standard error read at the end: more than a pipe holds, but bounded for a program
# that writes without end.
_COMPLAINTS = 64


class Stream:
    """A program that runs `argv` until `end` or the end of the with block, then is killed with its group.

    `env` is added to the environment. `keep` lists descriptors that the program inherits. With `bound`, the
    kernel ends the program with SIGTERM when this process is killed, so that rsync takes its other half
    along. `bound` must not be used in a process with threads, where the code between fork and exec could wait
    for a lock for ever; there the program itself calls `die_with_parent`. Raises HostError when the program
    cannot be started.

    A line of more than a mebibyte ends the program and its output: `complaint` then says so. The end of its
    standard error is kept; standard error is read during every wait for the program.
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
        self.ended = False  # the output is at its end (an empty line is not the end)
        self._mute = False  # standard error is at its end
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
        """Kill the program if it still runs, and close all pipes."""
        self.end(0.0)
        self._output.close()
        self._error.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable when the program has written output."""
        return self._output.fileno()

    def send(self, line: bytes) -> None:
        """Send `line` to the program. Raises BrokenPipeError when the program has stopped reading."""
        view = memoryview(line + b"\n")
        while view:
            # A program that writes more to standard error than its pipe holds does not read its input before
            # that is read.
            self._wait(self._input, select.POLLOUT, None)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self._input.fileno(), view) :]

    def offer(self, line: bytes) -> bool:
        """Write `line` at once or not at all, without waiting.

        False says that the program has stopped reading: it has ended, or its pipe is full. `line` and its newline
        must not be longer than a pipe takes whole (PIPE_BUF, 4096 bytes).
        """
        try:
            return os.write(self._input.fileno(), line + b"\n") > 0
        except (BlockingIOError, BrokenPipeError):
            return False

    def line(self, patience: float) -> bytes | None:
        """Return the next line without its newline, b"" at the end of the output.

        The answer is None after `patience` seconds without output.
        """
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
        """Yield every line until the program closes its output; the program's own timeouts bound the wait."""
        while not self.ended:
            self._take_in(None)
            try:
                found = self._lines.take_all()
            except TooMuch as problem:
                self._break_off(problem)
                break
            yield from found

    def _take_in(self, patience: float | None) -> bool:
        """Read a piece of output, or its end; return False after `patience` seconds without either."""
        if not self._wait(self._output, select.POLLIN, patience):
            return False
        with contextlib.suppress(BlockingIOError):
            piece = os.read(self.fileno(), _PIECE)
            self._lines.feed(piece)
            self.ended = not piece
        return True

    def _wait(self, pipe: IO[bytes], event: int, patience: float | None) -> bool:
        """Wait until `pipe` is ready for `event`; return False after `patience` seconds.

        Meanwhile the program's standard error is read.
        """
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
        """Read what is waiting on standard error."""
        with contextlib.suppress(BlockingIOError):
            piece = os.read(self._error.fileno(), _PIECE)
            self._complaint.feed(piece)
            self._mute = not piece

    def _break_off(self, problem: TooMuch) -> None:
        self.ended = True
        self.kill()
        self._broken = f"\n{problem}"

    def end(self, grace: float) -> int | None:
        """Close the program's input, wait up to `grace` seconds, then kill it.

        Returns its status, or None when it was killed here.
        """
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
        """Kill the program and all that it has started, without waiting.

        A process that hangs in the kernel ends when it can.
        """
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def complaint(self) -> str:
        """Return the end of the program's standard error, with a note when the program was broken off."""
        for _ in range(_COMPLAINTS):
            if self._mute or self._error.closed or not self._wait(self._error, select.POLLIN, 0.0):
                break
        return (self._complaint.text() + self._broken).strip()

    @property
    def complaint_is_whole(self) -> bool:
        """True when all of the program's standard error was kept."""
        return not self._complaint.lost


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
