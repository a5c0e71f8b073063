"""The data link of a D-channel between PBXs and their exchange, as libpri was seen to play it.

While the link is down, a PBX sends SABME at 0, 1, 2, 3 s, pauses, and begins again. While it is up, the PBX
polls after a long silence, so a lost link is noticed only seconds later. A line that comes back before the
last poll still has its link, unless another PBX has taken the exchange's end meanwhile: then the link is a
*ghost*, and the first PBX believes in a link that belongs to the other. Source: docs/facts/pri-timing.md.
tests/hwsim/line/test_line_against_libpri.py plays the same stories with real libpri. That only a restart ends
a ghost is the worst that was seen, and what the facts ask for.

A link can also stick: it is down, and no SABME is answered until what `Cure` names has happened.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hwsim.line.profiles import Q921
from hwsim.simtime import Scheduler, Timer


class Cure(enum.Enum):
    """What a stuck link needs; each one that stands further down helps a link that needs less, too."""

    TIME = 0  # the exchange believes in the old link until its T203 and its repeats are over
    SPAN_RESTART = 1  # this end is stuck: chan_dahdi closes the channel and opens it again
    CARRIER_FALLS = 2  # the exchange is stuck until it sees an alarm
    PBX_RESTART = 3  # this end is stuck, and only a new process helps
    NONE = 4


@dataclass(slots=True)
class Exchange:
    """The provider's end, with one data link: that of the PBX which called last."""

    holder: Link | None = None


class Link:
    """One PBX's end of Q.921."""

    def __init__(
        self,
        scheduler: Scheduler,
        exchange: Exchange,
        say: Callable[[str], None],
        chance: Random | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._exchange = exchange
        self._say = say
        self._chance = chance
        self._timers = Q921()
        self._attached = False
        self._carrier = False
        self._needs: Cure | None = None
        self._tries = 0
        self._timer: Timer | None = None
        self.believed_up = False

    @property
    def really_up(self) -> bool:
        """True when both ends mean the same link, and the line is there."""
        return self.believed_up and self._carrier and self._exchange.holder is self

    def attach(self) -> None:
        """Start the PBX: it knows nothing, and calls."""
        self._attached = True
        self._cure(Cure.SPAN_RESTART, Cure.PBX_RESTART)
        self._begin()

    def detach(self) -> None:
        """End the PBX, and its end of the link with it."""
        self._attached = False
        self._cancel()
        self._let_go()

    def restart(self) -> None:
        """Drop the link and call again, as a PBX does."""
        if self._attached:
            self._cure(Cure.SPAN_RESTART)
            self._drop()
            self._begin()

    def stick(self, needs: Cure = Cure.SPAN_RESTART) -> None:
        """Keep the link down as a fault, until what it `needs` has happened."""
        self._needs = needs
        self._cancel()
        self._drop()
        if needs is Cure.TIME:
            self._scheduler.call_later(self._timers.believes, self._forgotten)

    def set_carrier(self, carrier: bool) -> None:
        """Note that the line came or went."""
        self._carrier = carrier
        if not carrier and self._needs is Cure.CARRIER_FALLS:
            self._needs = None
            self._begin()
        if not carrier and self.believed_up:
            self._set_timer(self._timers.last_poll(self._chance), self._polled_in_vain)

    def _begin(self) -> None:
        self._tries = 0
        self._call()

    def _cure(self, *cures: Cure) -> None:
        self._needs = None if self._needs in cures else self._needs

    def _forgotten(self) -> None:
        """Note that the exchange has found out that the old link is gone."""
        self._cure(Cure.TIME)
        if self._attached:
            self._begin()

    def _call(self) -> None:
        if self._needs is not None or not self._attached:
            return
        self._tries += 1
        if self._carrier:
            self._set_timer(self._timers.handshake, self._answered)
        elif self._tries % self._timers.tries:
            self._set_timer(self._timers.t200, self._call)
        else:
            self._set_timer(self._timers.gap, self._call)

    def _answered(self) -> None:
        if not self._carrier:
            self._set_timer(self._timers.t200, self._call)
            return
        self.believed_up = True
        self._exchange.holder = self
        self._say("up")

    def _polled_in_vain(self) -> None:
        if self._carrier:
            return  # The line is back in time. If another PBX holds the link by now, this end never notices.
        self._set_timer(self._timers.t200, self._notice)

    def _notice(self) -> None:
        """Give the link up, whether or not the line is back: nothing polls any more."""
        self._drop()
        self._begin()

    def _drop(self) -> None:
        was_up = self.believed_up
        self._let_go()
        if was_up:
            self._say("down")

    def _let_go(self) -> None:
        self.believed_up = False
        if self._exchange.holder is self:
            self._exchange.holder = None

    def _set_timer(self, delay: float, action: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self._scheduler.call_later(delay, action)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
