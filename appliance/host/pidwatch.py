"""Notice of a process's death from the kernel, at once, without polling where the kernel supports that."""

from __future__ import annotations

import contextlib
import os
import select
from types import TracebackType
from typing import Self

from appliance.core.errors import HostError


class PidWatch:
    """A watch on one process that need not be a child.

    With pidfd (Linux 5.3) `fileno()` turns readable when the process ends, whatever the reason. On an older
    kernel `fileno()` is None and the owner calls `drain()` on a timer instead: psutil then compares start
    times, so that a reused pid does not pass for the old process.
    """

    def __init__(self, pid: int) -> None:
        """Start to watch process `pid`. Raises HostError when there is no such process."""
        self.pid = pid
        self._ended = False
        self._fd: int | None = None
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:
            raise HostError(f"There is no process {pid} to watch.") from None
        except (AttributeError, OSError):  # no pidfd in this kernel, or in this libc
            self._started = _start_time(pid)

    def fileno(self) -> int | None:
        """Return a descriptor that is readable once the process has ended; None if the kernel has no pidfd."""
        return self._fd

    def drain(self) -> bool:
        """Return True when the process has ended, and from then on always. Never blocks."""
        if not self._ended:
            self._ended = self._has_ended()
        return self._ended

    def close(self) -> None:
        """Stop watching; harmless when repeated."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            with contextlib.suppress(OSError):
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _has_ended(self) -> bool:
        if self._fd is not None:
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            return bool(poll.poll(0))
        try:
            return _start_time(self.pid) != self._started
        except HostError:
            return True


def _start_time(pid: int) -> float:
    import psutil  # noqa: PLC0415 - 15 ms and 0.9 MB that most kernels never need

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            raise HostError(f"Process {pid} has already ended.")
        return float(process.create_time())
    except psutil.NoSuchProcess:
        raise HostError(f"There is no process {pid} to watch.") from None
