"""Asterisk's process: which one it is, and its death, reported by the kernel wherever possible."""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.bounded import PID_LIMIT, TooMuch, pid_in, read_file
from appliance.host.pidwatch import PidWatch
from appliance.host.process import find_program
from appliance.pbx.control_socket import listener

_PROC = Path("/proc")
_WORDS = 4096  # bytes of a command line: what tells Asterisk from others is at its beginning
# linux/netlink.h, linux/connector.h, linux/cn_proc.h
_NETLINK_CONNECTOR = 11
_NLMSG_DONE = 3
_CN_IDX_PROC = 1
_PROC_CN_MCAST_LISTEN = 1
_PROC_EVENT_EXIT = 0x80000000
# nlmsghdr (16) and cn_msg (20), then what, cpu, timestamp; for an exit then pid and tgid.
_EVENT = struct.Struct("=36xI4x8xII")


class DeathWatch(Protocol):
    """A watch that tells when one process has ended."""

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when there is something to drain; None means drain on a timer."""
        ...

    def drain(self) -> bool:
        """Return True when the process has surely ended, and from then on always. Never blocks."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


def find_pid(conf: Conf, now: float, *, thorough: bool = True) -> Reading[int | None]:
    """Return the pid of the running Asterisk, or Known(None). Unknown when /proc does not tell.

    The pid file is believed only when the process of that number is Asterisk, because pids are reused. An Asterisk
    may have lost its pid file (to tmpfiles, to a package's script, to a second Asterisk that took it over and ended),
    or write it elsewhere: it is then the one that listens on the control socket, and else found among all processes,
    for a second one must never be started beside it. To look at all costs some milliseconds of processor time, and is
    left out without `thorough`.
    """
    try:
        pid = pid_in(read_file(conf.pbx_pidfile, PID_LIMIT))
    except FileNotFoundError:
        pid = None
    except TooMuch as problem:
        return Unknown(str(problem), now)
    except OSError as problem:
        return Unknown(f"{conf.pbx_pidfile} could not be read: {problem.strerror}", now)
    named = _verified(pid, os.fsencode(Path(conf.pbx_program).name), now)
    if isinstance(named, Unknown) or named.value is not None:
        return named
    listens = listener(conf)
    if listens is None and thorough:
        return Known(_without_pid_file(conf), now)
    return Known(listens, now)


# asterisk(8): options with which it is only the console of another one.
_CONSOLE = re.compile(rb"-[A-Za-z]*[rRx][A-Za-z]*")
_CONFIGURATION = b"-C"
_INTERPRETER = re.compile(r"python[0-9.]*|perl|bash|sh")


def _without_pid_file(conf: Conf) -> int | None:
    """Return the Asterisk among the processes of this machine that has run for longest, or None.

    A process that ends meanwhile, or cannot be looked at, is none. Nor is the console of an Asterisk, one with a
    configuration of its own, or one in a container.
    """
    name, path = os.fsencode(Path(conf.pbx_program).name), os.fsencode(_place(conf.pbx_program))
    configuration = os.fsencode(conf.asterisk_dir / "asterisk.conf")
    own_space = _process_space("self")
    found = []
    for entry in os.listdir(_PROC):  # noqa: PTH208 - once a second, and twice as quick as Path.iterdir
        if not entry.isdigit():
            continue
        try:
            with open(f"{_PROC}/{entry}/cmdline", "rb") as words:  # noqa: PTH123 - as above
                argv = words.read(_WORDS).split(b"\0")
        except OSError:
            continue
        if _is_pbx(argv, name, path, configuration) and _process_space(entry) == own_space:
            found.append(int(entry))
    # The child that it has forked and that is not another program yet has the same words, and a later number.
    return min(found, key=_started_at, default=None)


def _is_pbx(argv: list[bytes], name: bytes, path: bytes, configuration: bytes) -> bool:
    options = _options(argv, name, lambda word: word == path)
    if options is None or any(_CONSOLE.fullmatch(word) for word in options):
        return False
    return _CONFIGURATION not in options or configuration in options


def _options(argv: list[bytes], name: bytes, is_script: Callable[[bytes], bool]) -> list[bytes] | None:
    """Return the words behind the program `name`, or behind a script of it that an interpreter runs; else None."""
    if _base(argv[0]) == name:
        return argv[1:]
    if _INTERPRETER.fullmatch(os.fsdecode(_base(argv[0]))) is None:
        return None
    place = next((number for number, word in enumerate(argv[:3]) if is_script(word)), None)
    return None if place is None else argv[place + 1 :]


def _base(word: bytes) -> bytes:
    return word.rpartition(b"/")[2]


def _place(program: str) -> str:
    try:
        return str(find_program(program))
    except HostError:
        return program


def _process_space(pid: str) -> str:
    try:
        return os.readlink(f"{_PROC}/{pid}/ns/pid")  # noqa: PTH115 - a name that is no path
    except OSError:
        return ""  # a kernel without them


def _started_at(pid: int) -> tuple[int, int]:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return sys.maxsize, pid
    return int(stat.rpartition(")")[2].split()[19]), pid


def _verified(pid: int | None, name: bytes, now: float) -> Reading[int | None]:
    if pid is None:
        return Known(None, now)
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return Known(None, now)
    except OSError as problem:
        return Unknown(f"process {pid} could not be looked at: {problem.strerror}", now)
    # A zombie has no command line. The first word of a script is its interpreter, so its second or third is
    # the program. Others may have the name among their words: a pager that reads the log, or Asterisk's console.
    options = _options(words, name, lambda word: _base(word) == name)
    alike = options is not None and not any(_CONSOLE.fullmatch(word) for word in options)
    return Known(pid if alike else None, now)


class ExitEvents:
    """A DeathWatch on the process connector, by which the kernel reports every exit.

    Only root hears the events, and only in the first network and process namespaces. Older kernels have the
    connector too (2.6.15). Source: linux/cn_proc.h, linux/connector.h.
    """

    def __init__(self, pid: int) -> None:
        """Start to watch `pid`. Raises OSError when the kernel refuses, HostError without such a process."""
        self._pid = pid
        self._ended = False
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_CONNECTOR
        )
        try:
            self._socket.bind((0, _CN_IDX_PROC))
            self._socket.send(_listen_request())
            self._socket.setblocking(False)
        except OSError:
            self.close()
            raise
        if not _exists(pid):
            self.close()
            raise HostError(f"There is no process {pid} to watch.")

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> bool:
        while not self._ended:
            try:
                message = self._socket.recv(4096)
            except BlockingIOError:
                break
            except OSError as problem:
                # events were lost: the check of /proc below makes up for that
                if problem.errno != errno.ENOBUFS:
                    raise
                break
            self._ended = exited(message) == self._pid
        self._ended = self._ended or not _exists(self._pid)
        return self._ended

    def close(self) -> None:
        self._socket.close()


def exited(message: bytes) -> int | None:
    """Return the process (thread group) whose exit `message` reports; None for any other message."""
    if len(message) < _EVENT.size:
        return None
    what, pid, tgid = _EVENT.unpack_from(message)
    # Each thread's exit is reported; the process has ended with its first thread's.
    return int(tgid) if what == _PROC_EVENT_EXIT and pid == tgid else None


def _listen_request() -> bytes:
    body = struct.pack("=IIIIHHI", _CN_IDX_PROC, 1, 0, 0, 4, 0, _PROC_CN_MCAST_LISTEN)
    return struct.pack("=IHHII", 16 + len(body), _NLMSG_DONE, 0, 0, os.getpid()) + body


def _exists(pid: int) -> bool:
    return (_PROC / str(pid)).exists()


WATCHES: tuple[Callable[[int], DeathWatch], ...] = (PidWatch, ExitEvents)
"""The ways, best first. The last resort is in PidWatch itself: psutil on a timer."""


def watch_death(pid: int, ways: tuple[Callable[[int], DeathWatch], ...] = WATCHES) -> DeathWatch:
    """Watch `pid` by the first way that has a descriptor, else by the first that works at all.

    Raises HostError when there is no such process.
    """
    fallback: DeathWatch | None = None
    for way in ways:
        try:
            watch = way(pid)
        except (OSError, ImportError, AttributeError):
            continue  # this kernel, or this namespace, does not support this way
        if watch.fileno() is not None:
            if fallback is not None:
                fallback.close()
            return watch
        fallback = watch
    if fallback is None:
        raise HostError(f"Process {pid} cannot be watched.")
    return fallback
