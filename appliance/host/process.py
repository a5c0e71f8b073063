"""Starting programs: by argv only, no shell, with a deadline and bounded output; ends the whole group."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn, cast

from appliance.core.alerts import one_line
from appliance.core.errors import HostError
from appliance.host.bounded import Tail, TooMuch

_OUTPUT_LIMIT = 64 * 1024
_PIECE = 64 * 1024
_SAID = 300  # characters of a program's own words in one of asha's sentences


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; `code` is None when the deadline passed and the program was killed.

    `kept` and `error` hold the end of its standard output and standard error, for people. `lost` counts the
    bytes of standard output before `kept`.
    """

    argv: tuple[str, ...]
    code: int | None
    kept: str
    error: str
    lost: int = 0

    @property
    def ok(self) -> bool:
        """True when the program ended by itself with status 0."""
        return self.code == 0

    @property
    def output(self) -> str:
        """The whole standard output. Raises TooMuch when that was more than is kept."""
        if self.lost:
            raise TooMuch(f"'{one_line(' '.join(self.argv))}'", _OUTPUT_LIMIT)
        return self.kept

    def explain(self, *, arguments: bool = True) -> str:
        """Return one line for people: the command and how it ended.

        Args:
            arguments: Show what the program was given. False for a command of the site's own: it may hold a password.
        """
        command = " ".join(self.argv if arguments else self.argv[:1])
        if self.code is None:
            return f"'{command}' did not end within its deadline and was killed"
        said = (self.error.strip() or self.kept.strip()).splitlines()
        return f"'{command}' ended with status {self.code}" + (
            f": {one_line(said[-1], _SAID)}" if said else ""
        )


def run(
    argv: Sequence[str | Path],
    *,
    deadline: float,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run `argv` to its end or for `deadline` seconds; at the deadline kill its whole process group.

    `env` is added to the environment. Raises HostError when the program cannot be started. Blocks: from the
    agent's event loop, call it in a thread.

    Output beyond what is kept is still read, so that the program is neither held up nor killed halfway.
    """
    words = tuple(str(word) for word in argv)
    process = _spawn(words, env, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
    output, error = Tail(_OUTPUT_LIMIT), Tail(_OUTPUT_LIMIT)
    try:
        code = _converse(process, (stdin or "").encode(), output, error, time.monotonic() + deadline)
        if code is None:
            _kill_group(process)
            # A grandchild that left the group may hold its pipes, and a process that hangs in the kernel stays.
            _converse(process, b"", output, error, time.monotonic() + 1.0)
    except BaseException:
        _kill_group(process)
        raise
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    return Finished(words, code, output.text(), error.text(), output.lost)


def _converse(
    process: subprocess.Popen[bytes], given: bytes, output: Tail, error: Tail, until: float
) -> int | None:
    """Feed `given` to the process and collect its output until it has ended and its pipes are closed.

    Returns its status, or None when that has not happened by `until` (seconds, monotonic).
    """
    with selectors.PollSelector() as waiting:  # the kernel of EL5 has no epoll_create1
        tails = {process.stdout: output, process.stderr: error}
        for pipe, tail in tails.items():
            if pipe is not None and not pipe.closed:
                waiting.register(pipe, selectors.EVENT_READ, tail)
        if process.stdin is not None and not process.stdin.closed:
            os.set_blocking(process.stdin.fileno(), False)
            waiting.register(process.stdin, selectors.EVENT_WRITE, _Given(given))
        while waiting.get_map():
            ready = waiting.select(max(0.0, until - time.monotonic()))
            if not ready and time.monotonic() >= until:
                return None
            for key, _ in ready:
                if _is_done(key.fd, key.data):
                    waiting.unregister(key.fileobj)
                    cast(IO[bytes], key.fileobj).close()
    try:
        return process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


@dataclass(slots=True)
class _Given:
    """The part of the standard input that the program has not taken yet."""

    left: bytes


def _is_done(descriptor: int, data: Tail | _Given) -> bool:
    """Read or write one piece; return whether that was the last."""
    if isinstance(data, Tail):
        piece = os.read(descriptor, _PIECE)
        data.feed(piece)
        return not piece
    try:
        data.left = data.left[os.write(descriptor, data.left) :] if data.left else b""
    except BrokenPipeError:  # the program has closed its standard input
        return True
    return not data.left


def find_program(name: str, *candidates: str | Path) -> Path:
    """Return the first of `candidates` that is executable, else `name` on PATH (sbin included).

    Raises HostError naming every place that was searched.
    """
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return Path(candidate)
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    found = shutil.which(name, path=path)
    if found is None:
        places = ", ".join(str(candidate) for candidate in (*candidates, "PATH"))
        raise HostError(f"The program '{name}' was not found (looked at {places}).", todo="Install it.")
    return Path(found)


def _spawn(
    words: tuple[str, ...],
    env: Mapping[str, str] | None,
    *,
    stdin: int,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env} if env else None,
            start_new_session=True,
            restore_signals=True,
            close_fds=True,
            bufsize=0,
        )
    except OSError as problem:
        raise HostError(f"'{words[0]}' could not be started: {problem.strerror}.") from problem


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def interact(argv: Sequence[str | Path], given: str, *, quiet: bool = False) -> int:
    """Run `argv` on the operator's terminal with `given` as input; return its status. Raises HostError.

    `quiet`: what it prints goes to standard error, since standard output is a program's.
    """
    words = tuple(str(word) for word in argv)
    try:
        stdout = sys.stderr if quiet else None
        return subprocess.run(words, input=given.encode(), check=False, stdout=stdout).returncode
    except OSError as problem:
        raise HostError(f"'{words[0]}' could not be started: {problem.strerror}.") from problem


def become(argv: Sequence[str | Path], env: Mapping[str, str]) -> NoReturn:
    """Replace this process by the program `argv`, in the environment `env`, with the same input and output.

    Raises HostError when the program cannot be started.
    """
    words = tuple(str(word) for word in argv)
    try:
        os.execve(words[0], words, env)  # noqa: S606 - that no shell is in it is the point
    except OSError as problem:
        raise HostError(f"'{words[0]}' could not be started: {problem.strerror}.") from problem


# Giving up the rights of root for good.


_PR_SET_NO_NEW_PRIVS = 38  # prctl(2); a kernel before 3.5 does not know it


def become_user(name: str) -> None:
    """Continue as the user `name`, without a way back. Raises HostError.

    A process that does not run as root keeps its user.
    """
    if os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise HostError(
            f"There is no user {name} on this machine, and root is not to do its work.",
            todo=f"The package asha makes it; by hand: useradd -r -s /sbin/nologin {name}.",
        ) from None
    if entry.pw_uid == 0:
        raise HostError(f"The user {name} is root under another name.", todo="Give it a number of its own.")
    try:
        os.setgroups([entry.pw_gid])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except OSError as problem:
        raise HostError(f"The rights of {name} could not be taken: {problem.strerror}.") from problem
    os.umask(0o077)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


# The processor time and memory that this process uses, as the kernel tells them.


_STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time used since the start, in `seconds` with all threads; `resident` bytes of memory now."""

    seconds: float
    resident: int


def own_usage() -> Usage:
    """Return the usage as of now; takes some tens of microseconds."""
    times = os.times()
    try:
        pages = int(_STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):  # /proc is not there
        pages = 0
    return Usage(times.user + times.system, pages * os.sysconf("SC_PAGE_SIZE"))
