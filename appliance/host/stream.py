"""A program that is talked with while it runs: lines in, lines out, and it never outlives us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from appliance.core.errors import HostError

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None)
_ERROR_KEPT = 16 * 1024


class Stream:
    """Runs `argv` until `end` or the end of the with block; killed with its whole group if it must be.

    `env` is added to the environment. `keep` are descriptors it inherits. `bound`: the kernel ends it when we are
    killed, by SIGTERM, so that rsync takes its other half along. Not to be asked for in a process with threads, where
    what runs between fork and exec could wait for a lock for ever; there the program itself calls `die_with_parent`.
    Raises HostError when it cannot be started.
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
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._rest = bytearray()
        self.ended = False  # its output is at its end, which an empty line is not
        try:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, **env} if env else None,
                pass_fds=keep,
                start_new_session=True,
                preexec_fn=_end_with_parent if bound else None,  # noqa: PLW1509 - see `bound`
                bufsize=0,
            )
        except OSError as problem:
            self._said.close()
            raise HostError(f"'{self.argv[0]}' could not be started: {problem.strerror}.") from problem
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)

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
        self._said.close()

    def fileno(self) -> int:
        """Readable when the program has said something."""
        return self._output.fileno()

    def send(self, line: bytes) -> None:
        """Give the program a line. Raises BrokenPipeError when it does not listen any more."""
        view = memoryview(line + b"\n")
        while view:
            view = view[self._input.write(view) :]

    def line(self, patience: float) -> bytes | None:
        """The next line without its end, b"" at the end of the output; None after `patience` seconds of silence."""
        while (cut := self._rest.find(b"\n")) < 0:
            if not select.select([self], [], [], patience)[0]:
                return None
            piece = os.read(self.fileno(), 1 << 16)
            if not piece:
                self.ended = True
                return b""
            self._rest += piece
        found = bytes(self._rest[:cut])
        del self._rest[: cut + 1]
        return found

    def lines(self) -> Iterator[bytes]:
        """Every line until the program closes its output. The program's own timeouts bound the wait."""
        while piece := os.read(self.fileno(), 1 << 18):
            self._rest += piece
            if (cut := self._rest.rfind(b"\n")) >= 0:
                whole = bytes(self._rest[:cut])
                del self._rest[: cut + 1]
                yield from whole.split(b"\n")

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
        """The end of what it wrote to standard error."""
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - _ERROR_KEPT))
        return self._said.read().decode(errors="replace").strip()


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
