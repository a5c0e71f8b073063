"""The interface between Heartbeat and the resource script: words in, words and exit status out.

Heartbeat calls `asha [args...] start|stop|status`. `start` and `stop` are judged by exit status, `status` by
what it prints: `running` makes Heartbeat skip the start. Source: docs/facts/heartbeat.md, and ResourceManager
itself. This module is cheap to import.
"""

from __future__ import annotations

import enum
import os
import signal
from collections.abc import Sequence
from typing import NamedTuple

OK = 0
FAILED = 1
USAGE = 2
_HIGHEST_FD = 4096


class ScriptVerb(enum.Enum):
    """The request of Heartbeat; START is the grant of the line, STOP takes the grant back."""

    START = "start"
    STOP = "stop"
    STATUS = "status"


class Answer(NamedTuple):
    """The line that the script prints, or "", and its exit status."""

    output: str
    status: int


def parse_verb(argv: Sequence[str]) -> ScriptVerb | None:
    """Return the verb of the call in `argv` (without the program's name); None when it is no call.

    Before it stand the arguments that haresources gives (`asha::x::y`), often none. `monitor` is taken as `status`.
    """
    if not argv:
        return None
    word = "status" if argv[-1] == "monitor" else argv[-1]
    if word not in {verb.value for verb in ScriptVerb}:
        return None
    return ScriptVerb(word)


def usage_answer() -> Answer:
    """Return the answer to words that are no call."""
    return Answer("usage: asha [args...] start|stop|status", USAGE)


def status_answer(running: bool) -> Answer:
    """Return the answer to `status`: `running` or `stopped`.

    Heartbeat looks for these words in the output, and only in that of `status`.
    """
    return Answer("running", OK) if running else Answer("stopped", OK)


def done_answer(done: bool) -> Answer:
    """Return the answer to `start` or `stop`.

    Answer with failure only on purpose: Heartbeat never retries a failed start, and reboots the node after a
    failed stop.
    """
    return Answer("", OK if done else FAILED)


def reset_inheritance() -> None:
    """Undo what Heartbeat's scripts inherit: its file descriptors, and SIGINT and SIGPIPE ignored.

    Asterisk started with them would keep Heartbeat's sockets open and survive Ctrl-C. Call this first of all.
    """
    os.closerange(3, max(_HIGHEST_FD, _open_descriptors()))
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _open_descriptors() -> int:
    """Return one more than the highest open descriptor; 0 when /proc does not tell."""
    try:
        return 1 + max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - pathlib costs 10 ms
    except OSError:
        return 0
