"""One telephone line that a relay leads to one of two servers; pure, it runs on any Scheduler.

Layer 1 and Q.921 are kept apart, as in the real thing: HDLC is not gated by alarms, so the D-channel can come
up while the driver still holds its settle time; a PBX uses the span only when both are good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from hwsim.line.profiles import Profile
from hwsim.line.q921 import Cure, Exchange
from hwsim.line.span_side import Signal, SpanSide
from hwsim.simtime import Scheduler


@dataclass(frozen=True, slots=True)
class LineEvent:
    """A change of one side of the line.

    `what` is alarm (value OK, RED, RECOVERING, BLUE, YELLOW), dchannel (up, down, none) or in_service (yes,
    no).
    """

    at: float
    side: str
    what: str
    value: str


Listener = Callable[[LineEvent], None]


class TelephoneLine:
    """The line, its provider, and the two spans it may lead to.

    Every delay has its typical value, unless `chance` (seeded, so that a run can be repeated) spreads the
    delays.
    """

    def __init__(
        self, scheduler: Scheduler, profiles: Mapping[str, Profile], chance: Random | None = None
    ) -> None:
        self._scheduler = scheduler
        self._listeners: list[Listener] = []
        self._sent = Signal.GOOD
        self._connected: str | None = None
        self._in_service: dict[str, bool] = dict.fromkeys(profiles, False)
        self.trace: list[LineEvent] = []
        exchange = Exchange()
        self.sides = {
            side: SpanSide(profile, scheduler, exchange, self._teller(side), chance)
            for side, profile in profiles.items()
        }

    def on_change(self, listener: Listener) -> None:
        """Have `listener` called at every event."""
        self._listeners.append(listener)

    @property
    def telco_alive(self) -> bool:
        """True when the provider sends a usable signal."""
        return self._sent is Signal.GOOD

    def connect(self, side: str | None) -> None:
        """Lead the line to `side`, as the relay does; None while the armature moves."""
        self._connected = side
        self._pass_on()

    def send(self, signal: Signal) -> None:
        """Have the provider send `signal` from now on; AIS and RAI are faults without silence."""
        self._sent = signal
        self._pass_on()

    def cut(self) -> None:
        """End the provider's signal."""
        self.send(Signal.NOTHING)

    def restore(self) -> None:
        """Resume the provider's signal."""
        self.send(Signal.GOOD)

    def attach_pbx(self, side: str) -> None:
        """Attach the PBX on `side`: Asterisk opens its span. Harmless when repeated."""
        self.sides[side].attach()
        self._tell(side, "dchannel", self.sides[side].dchannel)

    def detach_pbx(self, side: str) -> None:
        """Detach the PBX on `side`: Asterisk is gone."""
        self.sides[side].detach()
        self._tell(side, "dchannel", self.sides[side].dchannel)

    def restart_span(self, side: str) -> None:
        """Restart the link of the span on `side`, as Asterisk does."""
        self.sides[side].link.restart()

    def stick_dchannel(self, side: str, needs: Cure = Cure.SPAN_RESTART) -> None:
        """Make Q.921 on `side` stick, a fault that lasts until what it `needs` has happened."""
        self.sides[side].link.stick(needs)

    def works(self, side: str) -> bool:
        """Return True when a call can be made from `side` now."""
        return self.sides[side].works

    def _pass_on(self) -> None:
        """Take the signal from one side before giving it to the other: it is never at both."""
        for name in sorted(self.sides, key=lambda name: name == self._connected):
            self.sides[name].receive(self._sent if name == self._connected else Signal.NOTHING)
            self._check_service(name)

    def _teller(self, side: str) -> Callable[[str, str], None]:
        return lambda what, value: self._tell(side, what, value)

    def _tell(self, side: str, what: str, value: str) -> None:
        event = LineEvent(self._scheduler.now(), side, what, value)
        self.trace.append(event)
        for listener in self._listeners:
            listener(event)
        if what != "in_service":
            self._check_service(side)

    def _check_service(self, side: str) -> None:
        works = self.sides[side].works
        if works != self._in_service[side]:
            self._in_service[side] = works
            self._tell(side, "in_service", "yes" if works else "no")
