"""Layer 1 of one server's span: how the driver interprets the signal, and when it reports that."""

from __future__ import annotations

import enum
from collections.abc import Callable
from random import Random

from hwsim.line.profiles import Profile
from hwsim.line.q921 import Exchange, Link
from hwsim.simtime import Scheduler, Timer


class Signal(enum.Enum):
    """The signal that comes in from the provider."""

    NOTHING = "nothing"
    GOOD = "good"
    AIS = "ais"  # all ones: something on the way is broken → BLUE
    RAI = "rai"  # the provider receives no signal from here → YELLOW


class SpanSide:
    """The line as the span of one server sees it."""

    def __init__(
        self,
        profile: Profile,
        scheduler: Scheduler,
        exchange: Exchange,
        say: Callable[[str, str], None],
        chance: Random | None = None,
    ) -> None:
        self.profile = profile
        self.alarm = "RED" if profile.alarms else "OK"
        # true at the start and after RED or BLUE, until the alarm was OK (never, for a driver without alarms)
        self._to_settle = profile.alarms
        self.signal = Signal.NOTHING
        self.pbx = False
        self.link = Link(scheduler, exchange, lambda word: say("dchannel", word), chance)
        self._scheduler = scheduler
        self._say = say
        self._chance = chance
        self._timer: Timer | None = None

    @property
    def dchannel(self) -> str:
        """The D-channel as the PBX sees it: up, down, or none for analog."""
        if not self.profile.digital:
            return "none"
        return "up" if self.link.believed_up else "down"

    @property
    def works(self) -> bool:
        """True when a call can be made: PBX and signal there, no alarm, D-channel agreed by both ends."""
        linked = self.link.really_up if self.profile.digital else True
        return self.pbx and self.signal is Signal.GOOD and self.alarm == "OK" and linked

    def receive(self, signal: Signal) -> None:
        """Take note of a changed signal."""
        if signal is self.signal:
            return
        self.signal = signal
        self.link.set_carrier(signal is Signal.GOOD)  # with RAI this side's own frames do not arrive
        if self.profile.alarms:
            self._react(signal)

    def attach(self) -> None:
        """Open the span, as a PBX does: Q.921 begins."""
        if self.pbx:
            return
        self.pbx = True
        if self.profile.digital:
            self.link.attach()

    def detach(self) -> None:
        """Close the span: the PBX is gone, and its end of Q.921 with it."""
        self.pbx = False
        self.link.detach()

    def _react(self, signal: Signal) -> None:
        profile = self.profile
        if signal is Signal.NOTHING:
            self._after(profile.loss_to_red.pick(self._chance), lambda: self._set_alarm("RED"))
        elif signal is Signal.AIS:
            self._after(profile.ais_to_blue.pick(self._chance), lambda: self._set_alarm("BLUE"))
        elif signal is Signal.RAI:
            self._after(profile.rai_to_yellow.pick(self._chance), lambda: self._set_alarm("YELLOW"))
        else:
            self._after(profile.reframe.pick(self._chance), self._framed)

    def _framed(self) -> None:
        """Clear the alarm: RED and BLUE go through RECOVERING, YELLOW does not.

        The driver wct4xxp masks YELLOW before it checks whether to settle.
        """
        settle = self.profile.settle.pick(self._chance)
        if settle and self._to_settle:
            self._set_alarm("RECOVERING")
            self._after(settle, lambda: self._set_alarm("OK"))
        else:
            self._set_alarm("OK")

    def _set_alarm(self, alarm: str) -> None:
        self._to_settle = alarm in ("RED", "BLUE") or (self._to_settle and alarm != "OK")
        if alarm != self.alarm:
            self.alarm = alarm
            self._say("alarm", alarm)

    def _after(self, delay: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._scheduler.call_later(delay, action)
