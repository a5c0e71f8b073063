"""Which alarm each problem of a status belongs to, so that whoever reads the problem finds what to do about it.

The sentences of `Status.problems` and the alerts are made in different places from the same status, and often say the
same thing. A sentence that is part of an alert's text, or has it as a part, is that alert's problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from appliance.core.alert_rules import problems
from appliance.core.status import Status


class NamedProblem(NamedTuple):
    """A problem in a sentence, and the `alarm` that is made of it (`AlertKind.word`); "" when none is."""

    says: str
    alarm: str


def named_problems(status: Status, by_words: Callable[[str], str]) -> tuple[NamedProblem, ...]:
    """Return the problems of `status`, and then the alerts that stand now and that no problem has named.

    `by_words` is asked for the alarm of a sentence that no standing alert has; it returns "" when it knows none.
    """
    standing = [condition.alert for condition in problems(status)]
    alerts = [(alert.text, alert.kind.word) for alert in standing]
    found = [NamedProblem(says, _alarm(says, alerts) or by_words(says)) for says in status.problems]
    return (*found, *_others(found, alerts))


def _alarm(says: str, alerts: list[tuple[str, str]]) -> str:
    return next((alarm for text, alarm in alerts if says in text or text in says), "")


def _others(found: list[NamedProblem], alerts: list[tuple[str, str]]) -> Iterator[NamedProblem]:
    named = {problem.alarm for problem in found}
    return (NamedProblem(text, alarm) for text, alarm in alerts if alarm not in named)
