"""Alerts for the tests of the ways out, and a clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.notify.notice import Notice
from appliance.notify.transport import Undelivered
from tests.plugins.hand_clock import HandClock

ALERT = Alert(
    "card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.\nPlug it in."
)
START = 1_700_000_000.0


def clock_by_hand() -> HandClock:
    """A clock that shows 10 s after START."""
    return HandClock(1010.0, START - 1000.0)


def notice(number: int = 1, *, owed: tuple[str, ...] = ("mail",), **alert: Any) -> Notice:
    return Notice(f"{number:016x}", replace(ALERT, **alert), "primary", "pbx1", START + number, owed)


@dataclass
class FakeWay:
    """A way out that takes what it is given, or fails as `fails` says, by number of the alert or for all."""

    name: str = "mail"
    deadline: float = 5.0
    fails: dict[str, Undelivered] = field(default_factory=dict)
    broken: Undelivered | ValueError | None = None
    tried: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        self.tried.append(notice.id)
        if problem := self.broken or self.fails.get(notice.id):
            raise problem
        self.taken.append(notice.id)
