"""One telephone line that a relay leads to one of two servers. Pure: it runs on any Scheduler.

Layer 1 and Q.921 are kept apart, as in the real thing: HDLC is not gated by alarms, so the D-channel can come
up while the driver still holds its settle time; a PBX uses the span only when both are good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hwsim.line.profiles import Profile
from hwsim.line.q921 import Link
from hwsim.simtime import Scheduler, Timer


@dataclass(frozen=True, slots=True)
class LineEvent:
    """`what` is alarm (value OK, RED, RECOVERING, BLUE), dchannel (up, down, none) or in_service (yes, no)."""

    at: float
    side: str
    what: str
    value: str


Listener = Callable[[LineEvent], None]


class SpanSide:
    """The line as the span of one server has it."""

    def __init__(
        self, side: str, profile: Profile, scheduler: Scheduler, say: Callable[[str, str], None]
    ) -> None:
        self.side = side
        self.profile = profile
        self.alarm = "RED" if profile.alarms else "OK"
        self.carrier = False
        self.pbx = False
        self.link = Link(scheduler, lambda word: say("dchannel", word))
        self._scheduler = scheduler
        self._say = say
        self._timer: Timer | None = None

    @property
    def dchannel(self) -> str:
        """What the PBX believes of the D-channel."""
        if not self.profile.digital or not self.pbx:
            return "none" if not self.profile.digital else "down"
        return "up" if self.link.believed_up else "down"

    @property
    def works(self) -> bool:
        """A call can be made: PBX there, signal there, alarm clear, both ends of the D-channel agree."""
        linked = self.link.really_up if self.profile.digital else True
        return self.pbx and self.carrier and self.alarm == "OK" and linked

    def set_carrier(self, carrier: bool) -> None:
        """The signal came or went."""
        if carrier == self.carrier:
            return
        self.carrier = carrier
        self.link.set_carrier(carrier)
        if self.profile.alarms:
            self._cancel()
            delay = self.profile.reframe if carrier else self.profile.loss_to_red
            self._timer = self._scheduler.call_later(delay, self._framed if carrier else self._lost)

    def attach(self) -> None:
        """A PBX opens the span: Q.921 begins to be played."""
        self.pbx = True
        if self.profile.digital:
            self.link.attach()

    def detach(self) -> None:
        """The PBX is gone, and its end of Q.921 with it."""
        self.pbx = False
        self.link.detach()

    def _framed(self) -> None:
        if self.profile.settle and self.alarm != "OK":
            self._set_alarm("RECOVERING")
            self._timer = self._scheduler.call_later(self.profile.settle, lambda: self._set_alarm("OK"))
        else:
            self._set_alarm("OK")

    def _lost(self) -> None:
        self._set_alarm("RED")

    def _set_alarm(self, alarm: str) -> None:
        if alarm != self.alarm:
            self.alarm = alarm
            self._say("alarm", alarm)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class TelephoneLine:
    """The line, its provider, and the two spans it may lead to."""

    def __init__(self, scheduler: Scheduler, profiles: Mapping[str, Profile]) -> None:
        self._scheduler = scheduler
        self._listeners: list[Listener] = []
        self._telco = True
        self._connected: str | None = None
        self._in_service: dict[str, bool] = dict.fromkeys(profiles, False)
        self.trace: list[LineEvent] = []
        self.sides = {
            side: SpanSide(side, profile, scheduler, self._teller(side)) for side, profile in profiles.items()
        }

    def on_change(self, listener: Listener) -> None:
        """Have `listener` called at every event."""
        self._listeners.append(listener)

    @property
    def telco_alive(self) -> bool:
        """The provider sends a signal."""
        return self._telco

    def connect(self, side: str | None) -> None:
        """The relay leads to `side`; None while its armature flies."""
        self._connected = side
        self._settle()

    def cut(self) -> None:
        """The provider's signal dies."""
        self._telco = False
        self._settle()

    def restore(self) -> None:
        """The provider's signal is back."""
        self._telco = True
        self._settle()

    def attach_pbx(self, side: str) -> None:
        """Asterisk on `side` opens its span."""
        self.sides[side].attach()
        self._tell(side, "dchannel", self.sides[side].dchannel)

    def detach_pbx(self, side: str) -> None:
        """Asterisk on `side` is gone."""
        self.sides[side].detach()
        self._tell(side, "dchannel", self.sides[side].dchannel)

    def restart_span(self, side: str) -> None:
        """Asterisk restarts the link of its span."""
        self.sides[side].link.restart()

    def stick_dchannel(self, side: str) -> None:
        """Fault: Q.921 on `side` is stuck until the span or the PBX is restarted."""
        self.sides[side].link.stick()

    def works(self, side: str) -> bool:
        """A call can be made from `side` now."""
        return self.sides[side].works

    def _settle(self) -> None:
        for name, side in self.sides.items():
            side.set_carrier(self._telco and self._connected == name)
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
