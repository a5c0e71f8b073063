"""Alerts: what people are told, of which kind, and how severe."""

from __future__ import annotations

import enum
from dataclasses import dataclass

_SUBJECT_LENGTH = 150
_TEXT_LENGTH = 2000


class Severity(enum.Enum):
    """The severity of an alert; the number is that of syslog (RFC 5424, 6.2.1)."""

    CRITICAL = 2
    WARNING = 4
    NOTICE = 5

    @property
    def word(self) -> str:
        """The name of the severity as people read it."""
        return self.name.lower()


class AlertKind(enum.Enum):
    """The subject matter of an alert.

    The number is that of the notification in docs/ASHA-MIB.txt and never changes its meaning.
    """

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
        """The name of the kind as machines read it, such as `card lost`."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    `key` names the thing that the alert is about, so that the same thing is not told twice. `over`: the
    problem that was told under this key has ended.
    """

    key: str
    kind: AlertKind
    severity: Severity
    subject: str
    text: str
    over: bool = False


def one_line(text: str, length: int = _SUBJECT_LENGTH) -> str:
    """Return `text` as a single line fit for a mail header.

    The line holds only printable characters, so no program obeys anything in it, and at most `length` of
    them.
    """
    words = "".join(char if char.isprintable() else " " for char in text).split()
    line = " ".join(words)
    return line if len(line) <= length else line[: length - 1] + "…"


def plain(text: str) -> str:
    """Return `text` fit for the body of a message: lines of printable characters, bounded in length."""
    return "\n".join(one_line(line, _TEXT_LENGTH) for line in text.split("\n"))[:_TEXT_LENGTH]
