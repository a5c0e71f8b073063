"""Layer 1 of one server's span: what the driver makes of the signal, and when it says so."""

from __future__ import annotations

import enum
from collections.abc import Callable
from random import Random

from hwsim.line.profiles import Profile
from hwsim.line.q921 import Exchange, Link
from hwsim.simtime import Scheduler, Timer


class Signal(enum.Enum):
    """What comes in from the provider."""

    NOTHING = "nothing"
    GOOD = "good"
    AIS = "ais"  # all ones: something on the way is broken → BLUE
    RAI = "rai"  # the provider does not hear us → YELLOW


class SpanSide:
    """The line as the span of one server has it."""

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
        self._to_settle = profile.alarms  # RED or BLUE since the last time all was well
        self.signal = Signal.NOTHING
        self.pbx = False
        self.link = Link(scheduler, exchange, lambda word: say("dchannel", word), chance)
        self._scheduler = scheduler
        self._say = say
        self._chance = chance
        self._timer: Timer | None = None

    @property
    def dchannel(self) -> str:
        """What the PBX believes of the D-channel: up, down, or none for analog."""
        if not self.profile.digital:
            return "none"
        return "up" if self.link.believed_up else "down"

    @property
    def works(self) -> bool:
        """A call can be made: PBX there, signal there, alarm clear, both ends of the D-channel agree."""
        linked = self.link.really_up if self.profile.digital else True
        return self.pbx and self.signal is Signal.GOOD and self.alarm == "OK" and linked

    def receive(self, signal: Signal) -> None:
        """The signal changed."""
        if signal is self.signal:
            return
        self.signal = signal
        self.link.set_carrier(signal is Signal.GOOD)  # with RAI our own frames do not arrive
        if self.profile.alarms:
            self._react(signal)

    def attach(self) -> None:
        """A PBX opens the span: Q.921 begins to be played."""
        if self.pbx:
            return
        self.pbx = True
        if self.profile.digital:
            self.link.attach()

    def detach(self) -> None:
        """The PBX is gone, and its end of Q.921 with it."""
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
        """RED and BLUE are left through RECOVERING; YELLOW alone is not (wct4xxp masks it before it looks)."""
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
