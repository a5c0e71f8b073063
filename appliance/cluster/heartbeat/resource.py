"""What Heartbeat expects of the resource script: words in, words and status out. Cheap to import.

Called `asha [args...] start|stop|status`. `start` and `stop` are judged by exit status, `status` by what it
prints: `running` makes Heartbeat skip the start. Source: facts/heartbeat.md, and ResourceManager itself.
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


class Verb(enum.Enum):
    """What Heartbeat asks. START is the grant of the line; STOP takes it back."""

    START = "start"
    STOP = "stop"
    STATUS = "status"


class Call(NamedTuple):
    """One call of the script: the verb, and the arguments haresources gave (`asha::x::y`), often none."""

    verb: Verb
    args: tuple[str, ...]


class Answer(NamedTuple):
    """What the script prints (one line, or nothing) and its exit status."""

    output: str
    status: int


def parse_call(argv: Sequence[str]) -> Call | None:
    """The call in `argv` (without the program's name); None when it is not one. `monitor` is `status`."""
    if not argv:
        return None
    word = "status" if argv[-1] == "monitor" else argv[-1]
    if word not in {verb.value for verb in Verb}:
        return None
    return Call(Verb(word), tuple(argv[:-1]))


def usage_answer() -> Answer:
    """For words that are no call."""
    return Answer("usage: asha [args...] start|stop|status", USAGE)


def status_answer(running: bool) -> Answer:
    """`running` or `stopped`; Heartbeat reads the word, and looks for neither in any other text."""
    return Answer("running", OK) if running else Answer("stopped", OK)


def done_answer(done: bool) -> Answer:
    """For start and stop. A failed start is never tried again, a failed stop reboots the node: mean it."""
    return Answer("", OK if done else FAILED)


def reset_inheritance() -> None:
    """Let go of what Heartbeat hands its scripts: its descriptors, and SIGINT and SIGPIPE ignored.

    A PBX started with them would keep Heartbeat's sockets open and survive Ctrl-C. Call it first.
    """
    os.closerange(3, max(_HIGHEST_FD, _open_descriptors()))
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _open_descriptors() -> int:
    """One above the highest open descriptor; 0 where /proc does not tell."""
    try:
        return 1 + max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - pathlib costs 10 ms
    except OSError:
        return 0
