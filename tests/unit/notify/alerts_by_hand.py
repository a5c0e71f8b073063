"""Alerts for the tests of the ways out, and a clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from appliance.core.alert import Alert, Kind, Severity
from appliance.notify.notice import Notice
from appliance.notify.transport import Undelivered

ALERT = Alert("card", Kind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.\nPlug it in.")
START = 1_700_000_000.0


def notice(number: int = 1, *, owed: tuple[str, ...] = ("mail",), **alert: Any) -> Notice:
    return Notice(f"{number:016x}", replace(ALERT, **alert), "primary", "pbx1", START + number, owed)


@dataclass
class HandClock:
    """Both clocks, `seconds` after START."""

    seconds: float = 10.0

    def now(self) -> float:
        return 1000.0 + self.seconds

    def wall(self) -> float:
        return START + self.seconds

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here may sleep")


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
