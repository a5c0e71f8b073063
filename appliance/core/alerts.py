"""The record of which alerts have been sent, and the decision which ones to send now.

Each thing is told once, not too often, and people are told the true state in the end.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Alerts: what people are told, of which kind, and how severe.


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
    PAIR_TROUBLED = 21
    LAN_LOST = 22
    ADDRESS_TAKEN = 23
    DRILL_FAILED = 24
    PEER_FENCED = 25
    RELAY_MOVED = 26

    @property
    def word(self) -> str:
        """The name of the kind as machines read it, such as `card lost`."""
        return self.name.lower().replace("_", " ")

    @property
    def page(self) -> str:
        """Where the page of either node says what an alert of this kind means and what to do."""
        return f"/alarm/{self.word.replace(' ', '-')}"


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


# Upper bounds on alerts within WINDOW seconds: about one thing (one key), and in total.
WINDOW = 600.0
MOST_OF_ONE = 4
MOST_OF_ALL = 40
# A problem counts as ended only after it has not been seen for this many seconds.
CLEAR_DWELL = 10.0


@dataclass(frozen=True, slots=True)
class Condition:
    """A problem that is present now; people are told of it once it has been present for `dwell` seconds."""

    alert: Alert
    dwell: float


@dataclass(frozen=True, slots=True)
class AlertState:
    """The alerts sent so far and those that wait, by key; all times are monotonic seconds.

    `told`: problems that people have been told of and not yet been told the end of. `sent`: when alerts were
    last made. `held`: events that could not be told yet, each with how many of them it stands for. `since`:
    since when a problem is present. `gone`: since when a problem that was told is absent.
    """

    told: Mapping[str, Alert] = field(default_factory=dict)
    sent: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    held: Mapping[str, tuple[Alert, int]] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
    gone: Mapping[str, float] = field(default_factory=dict)


def tell(
    memory: AlertState, problems: Iterable[Condition], happened: Iterable[Alert], now: float
) -> tuple[AlertState, tuple[Alert, ...]]:
    """Return what to remember, and the alerts to send at `now` (monotonic seconds).

    A problem that comes and goes faster than the limits allow is told as it stands when the window has room
    again.
    """
    standing = {problem.alert.key: problem for problem in problems}
    memory = _watched(memory, standing, now)
    budget = _Budget(memory.sent, now)
    told = dict(memory.told)
    held, news = _events(memory.held, happened, budget)
    for alert in _due(memory, standing, now):
        if budget.take(alert.key):
            news.append(alert)
            told.pop(alert.key, None)
            if not alert.over:
                told[alert.key] = alert
    return replace(memory, told=told, held=held, sent=budget.sent), tuple(news)


class _Budget:
    """The number of alerts that may still be sent within the window."""

    def __init__(self, sent: Mapping[str, tuple[float, ...]], now: float) -> None:
        self._now = now
        # A time in the future was recorded before the last boot: the monotonic clock has restarted at zero
        # since.
        fresh = {key: tuple(at for at in times if now - WINDOW < at <= now) for key, times in sent.items()}
        self.sent = {key: times for key, times in fresh.items() if times}

    def take(self, key: str) -> bool:
        """Count one more alert on `key` and return True; return False when the limits forbid it."""
        times = self.sent.get(key, ())
        if len(times) >= MOST_OF_ONE or sum(map(len, self.sent.values())) >= MOST_OF_ALL:
            return False
        self.sent[key] = (*times, self._now)
        return True


def _watched(memory: AlertState, standing: Mapping[str, Condition], now: float) -> AlertState:
    since = {key: memory.since.get(key, now) for key in standing}
    gone = {key: memory.gone.get(key, now) for key in memory.told if key not in standing}
    return replace(memory, since=since, gone=gone)


def _due(memory: AlertState, standing: Mapping[str, Condition], now: float) -> Iterator[Alert]:
    for key, problem in standing.items():
        if key not in memory.told and now - memory.since[key] >= problem.dwell:
            yield problem.alert
    for key, at in memory.gone.items():
        if now - at >= CLEAR_DWELL:
            yield _ended(memory.told[key])


def _ended(alert: Alert) -> Alert:
    subject, text = f"over: {alert.subject}", f"This is over: {alert.text}"
    return replace(alert, severity=Severity.NOTICE, subject=subject, text=text, over=True)


def _events(
    held: Mapping[str, tuple[Alert, int]], happened: Iterable[Alert], budget: _Budget
) -> tuple[dict[str, tuple[Alert, int]], list[Alert]]:
    """Return the events that still wait, and the alerts to send for events.

    An event is told at once. Beyond the limits only the last event of its key waits, with how many it stands
    for.
    """
    waiting, news = dict(held), []
    for alert in happened:
        if alert.key not in waiting and budget.take(alert.key):
            news.append(alert)
        else:
            waiting[alert.key] = (alert, waiting.get(alert.key, (alert, 0))[1] + 1)
    for key, (alert, count) in list(waiting.items()):
        if budget.take(key):
            del waiting[key]
            news.append(_for_many(alert, count))
    return waiting, news


def _for_many(alert: Alert, count: int) -> Alert:
    if count < 2:
        return alert
    return replace(
        alert, text=f"{alert.text}\nThis is the last of {count} such alerts, held back as too many."
    )


def remembered(memory: AlertState) -> dict[str, Any]:
    """Return the part of `memory` that must survive a restart of the agent, as JSON."""
    return {
        "told": {key: _to_json(alert) for key, alert in memory.told.items()},
        "sent": {key: list(times) for key, times in memory.sent.items()},
        "held": {key: [_to_json(alert), count] for key, (alert, count) in memory.held.items()},
    }


def recall(document: Any) -> AlertState:
    """Return the memory that `remembered` wrote; an empty one when `document` is unusable."""
    try:
        return AlertState(
            told={key: alert_from(alert) for key, alert in document["told"].items()},
            sent={key: tuple(map(float, times)) for key, times in document["sent"].items()},
            held={key: (alert_from(alert), int(count)) for key, (alert, count) in document["held"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return AlertState()


def _to_json(alert: Alert) -> dict[str, Any]:
    return alert_fields(alert)


def alert_fields(alert: Alert) -> dict[str, Any]:
    """Return the fields of `alert` as JSON."""
    return {
        "key": alert.key,
        "kind": alert.kind.word,
        "severity": alert.severity.word,
        "subject": alert.subject,
        "text": alert.text,
        "over": alert.over,
    }


def alert_from(fields: Mapping[str, Any]) -> Alert:
    """Return the alert that `alert_fields` wrote.

    Raises KeyError, TypeError or ValueError for anything else.
    """
    return Alert(
        key=str(fields["key"]),
        kind=_KINDS[fields["kind"]],
        severity=_SEVERITIES[fields["severity"]],
        subject=str(fields["subject"]),
        text=str(fields["text"]),
        over=fields["over"] is True,
    )


_KINDS = {kind.word: kind for kind in AlertKind}
_SEVERITIES = {severity.word: severity for severity in Severity}
