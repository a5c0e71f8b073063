"""Start programs: argv only, no shell, a deadline, output kept, the whole group ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from appliance.core.errors import HostError

_OUTPUT_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. `code` is None when the deadline passed and it was killed."""

    argv: tuple[str, ...]
    code: int | None
    output: str
    error: str

    @property
    def ok(self) -> bool:
        """Ended by itself with status 0."""
        return self.code == 0

    def explain(self) -> str:
        """One line for people: the command and how it ended."""
        command = " ".join(self.argv)
        if self.code is None:
            return f"'{command}' did not end within its deadline and was killed"
        said = (self.error.strip() or self.output.strip()).splitlines()
        return f"'{command}' ended with status {self.code}" + (f": {said[-1]}" if said else "")


def run(
    argv: Sequence[str | Path],
    *,
    deadline: float,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run `argv` to its end or for `deadline` seconds; on the deadline kill its whole group.

    `env` is added to the environment. Raises HostError when the program cannot be started.
    Blocks: from the agent's loop, call it in a thread.
    """
    words = tuple(str(word) for word in argv)
    process = _spawn(words, env, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
    try:
        output, error = process.communicate(stdin, timeout=deadline)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        output, error = _kill_group(process)
        code = None
    except BaseException:
        _kill_group(process)
        raise
    return Finished(words, code, output[-_OUTPUT_LIMIT:], error[-_OUTPUT_LIMIT:])


def launch(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> int:
    """Start a daemon in a session of its own, output to /dev/null; return its pid at once.

    The child is reaped when it ends while we live. Raises HostError when it cannot be started.
    """
    words = tuple(str(word) for word in argv)
    process = _spawn(words, env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return process.pid


def find_program(name: str, *candidates: str | Path) -> Path:
    """The first of `candidates` that is executable, else `name` on PATH (sbin included).

    Raises HostError naming every place looked at.
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
    stdout: int = subprocess.PIPE,
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=stdout,
            stderr=stdout,
            env={**os.environ, **env} if env else None,
            start_new_session=True,
            restore_signals=True,
            close_fds=True,
            text=True,
            errors="replace",
        )
    except OSError as problem:
        raise HostError(f"'{words[0]}' could not be started: {problem.strerror}.") from problem


def _kill_group(process: subprocess.Popen[str]) -> tuple[str, str]:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    try:
        return process.communicate(timeout=1.0)
    except subprocess.TimeoutExpired:  # a grandchild left the group and holds the pipe
        return "", ""


def interact(argv: Sequence[str | Path], given: str) -> int:
    """Run `argv` on the operator's terminal, with `given` as its input; its status. Raises HostError."""
    words = tuple(str(word) for word in argv)
    try:
        return subprocess.run(words, input=given.encode(), check=False).returncode
    except OSError as problem:
        raise HostError(f"'{words[0]}' could not be started: {problem.strerror}.") from problem


def become(argv: Sequence[str | Path]) -> NoReturn:
    """Be that program from now on, with our input and output. Raises HostError when it cannot be started."""
    words = tuple(str(word) for word in argv)
    try:
        os.execv(words[0], words)  # noqa: S606 - that no shell is in it is the point
    except OSError as problem:
        raise HostError(f"'{words[0]}' could not be started: {problem.strerror}.") from problem
