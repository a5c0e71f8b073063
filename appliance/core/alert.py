"""What people are told of: an alert, its kind, how bad it is."""

from __future__ import annotations

import enum
from dataclasses import dataclass

_SUBJECT_LENGTH = 150
_TEXT_LENGTH = 2000


class Severity(enum.Enum):
    """How bad. The number is syslog's (RFC 5424, 6.2.1)."""

    CRITICAL = 2
    WARNING = 4
    NOTICE = 5

    @property
    def word(self) -> str:
        """For people."""
        return self.name.lower()


class Kind(enum.Enum):
    """What an alert is about. The number is the notification's in docs/ASHA-MIB.txt and never changes its meaning."""

    TEST = 1
    FAILOVER_BEGUN = 2
    FAILOVER_DONE = 3
    LINE_BLOCKED = 4
    LINE_UNVERIFIABLE = 5
    SERVICE_TROUBLED = 6
    NODE_UNFIT = 7
    PEER_LOST = 8
    PEER_SILENT = 9
    DATA_STALE = 10
    DATA_TROUBLED = 11
    TELEPHONY_MISFIT = 12
    CARD_LOST = 13
    LINK_LOST = 14
    SPLIT_BRAIN = 15
    AGENT_STARTED = 16
    NODE_STOOD_STILL = 17
    MAINTENANCE = 18
    ITEM_HELD_BACK = 19
    FILE_SPOILT = 20

    @property
    def word(self) -> str:
        """For machines: `card lost`."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell. `key` is what it is about, so that the same thing is not told twice.

    `over`: the problem that was told under this key has ended.
    """

    key: str
    kind: Kind
    severity: Severity
    subject: str
    text: str
    over: bool = False


def one_line(text: str, length: int = _SUBJECT_LENGTH) -> str:
    """`text` fit for a header: a single line, nothing in it that a program would obey, not longer than `length`."""
    words = "".join(char if char.isprintable() else " " for char in text).split()
    line = " ".join(words)
    return line if len(line) <= length else line[: length - 1] + "…"


def plain(text: str) -> str:
    """`text` fit for a body: lines of printable characters."""
    return "\n".join(one_line(line, _TEXT_LENGTH) for line in text.split("\n"))[:_TEXT_LENGTH]
