"""Asterisk's process: which one it is, and its death, told by the kernel wherever the kernel can."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.pidwatch import PidWatch

_PROC = Path("/proc")
# linux/cn_proc.h: PROC_EVENT_EXIT
_EXIT = 0x80000000


class DeathWatch(Protocol):
    """Tells that one process has ended."""

    def fileno(self) -> int | None:
        """Readable when there is something to drain; None: nobody tells, so drain on a timer."""
        ...

    def drain(self) -> bool:
        """True when the process has surely ended. Never blocks; stays True."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


def find_pid(conf: Conf, now: float) -> Reading[int | None]:
    """The pid of the Asterisk that runs here, or Known(None). Unknown when /proc does not say.

    The pid file is believed only when the process of that number is Asterisk: numbers are used again.
    """
    try:
        text = conf.pbx_pidfile.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return Known(None, now)
    except OSError as problem:
        return Unknown(f"{conf.pbx_pidfile} could not be read: {problem.strerror}", now)
    if not (text.isascii() and text.isdigit()):
        return Known(None, now)
    return _verified(int(text), Path(conf.pbx_program).name, now)


def _verified(pid: int, program: str, now: float) -> Reading[int | None]:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return Known(None, now)
    except OSError as problem:
        return Unknown(f"process {pid} could not be looked at: {problem.strerror}", now)
    # A zombie has no words. A script's first word is its interpreter, so its second or third is the program.
    alike = any(Path(os.fsdecode(word)).name == program for word in words[:3] if word)
    return Known(pid if alike else None, now)


class ExitEvents:
    """The process connector: the kernel reports every exit. Older kernels have it (2.6.15), in the first
    network and process namespaces only, and to root only. Source: linux/cn_proc.h, connector.c."""

    def __init__(self, pid: int) -> None:
        """Raises OSError when the kernel does not let us listen, HostError when there is no such process."""
        from pyroute2.netlink.connector.cn_proc import ProcEventSocket  # noqa: PLC0415 - 14 MB, old kernels only

        self._pid = pid
        self._ended = False
        self._socket: Any = ProcEventSocket()
        self._socket.bind()
        self._socket.control(listen=True)
        self._socket.setblocking(False)
        if not (_PROC / str(pid)).exists():
            self.close()
            raise HostError(f"There is no process {pid} to watch.")

    def fileno(self) -> int:
        return int(self._socket.fileno())

    def drain(self) -> bool:
        while not self._ended:
            try:
                events = self._socket.get()
            except OSError as problem:
                if problem.errno in (errno.EAGAIN, errno.ENOBUFS):
                    break
                raise
            self._ended = any(_is_exit(event, self._pid) for event in events)
        # Events may be lost when very many processes end: look besides.
        self._ended = self._ended or not (_PROC / str(self._pid)).exists()
        return self._ended

    def close(self) -> None:
        self._socket.close()


def _is_exit(event: Any, pid: int) -> bool:
    return int(event["what"]) == _EXIT and int(event["process_tgid"]) == pid


WATCHES: tuple[Callable[[int], DeathWatch], ...] = (PidWatch, ExitEvents)
"""The ways, best first. The last resort is in PidWatch itself: psutil on a timer."""


def watch_death(pid: int, ways: tuple[Callable[[int], DeathWatch], ...] = WATCHES) -> DeathWatch:
    """Watch `pid` by the first way that wakes us up, else by the first that works at all.

    Raises HostError when there is no such process.
    """
    fallback: DeathWatch | None = None
    for way in ways:
        try:
            watch = way(pid)
        except (OSError, ImportError, AttributeError):
            continue  # this kernel, or this namespace, has it not
        if watch.fileno() is not None:
            if fallback is not None:
                fallback.close()
            return watch
        fallback = watch
    if fallback is None:
        raise HostError(f"Process {pid} cannot be watched.")
    return fallback
