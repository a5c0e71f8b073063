"""The data link of a D-channel between a PBX and its exchange, as libpri was seen to play it.

Down, a PBX sends SABME at 0, 1, 2, 3 s, pauses, and begins again. Up, it polls after a long silence, so a lost
link is noticed only seconds later; a line that leaves and returns sooner leaves a *ghost*: the PBX believes it
is up, the exchange has let it go. Source: facts/pri-timing.
"""

from __future__ import annotations

from collections.abc import Callable

from hwsim.line.profiles import Q921
from hwsim.simtime import Scheduler, Timer

# SABME on a good line → up: the answer and its way. Small against T200.
_HANDSHAKE = 0.05


class Link:
    """One PBX's end of Q.921, and the exchange's idea of it."""

    def __init__(self, scheduler: Scheduler, say: Callable[[str], None], timers: Q921 | None = None) -> None:
        self._scheduler = scheduler
        self._say = say
        self._timers = timers or Q921()
        self._attached = False
        self._carrier = False
        self._stuck = False
        self._tries = 0
        self._timer: Timer | None = None
        self.believed_up = False
        self._exchange_up = False

    @property
    def really_up(self) -> bool:
        """Both ends agree, and the line is there."""
        return self.believed_up and self._exchange_up and self._carrier

    def attach(self) -> None:
        """A PBX starts: it knows nothing, and calls."""
        self._attached = True
        self._stuck = False
        self._begin()

    def detach(self) -> None:
        """The PBX is gone; the exchange will notice by itself."""
        self._attached = self.believed_up = self._exchange_up = False
        self._cancel()

    def restart(self) -> None:
        """The PBX drops the link and calls anew."""
        if self._attached:
            self._stuck = False
            self._drop()
            self._begin()

    def stick(self) -> None:
        """Fault: down, and no SABME is sent any more."""
        self._stuck = True
        self._cancel()
        self._drop()

    def set_carrier(self, carrier: bool) -> None:
        """The line came or went."""
        self._carrier = carrier
        if not carrier:
            # The exchange's own end is cut off too: it begins anew, whatever this PBX believes.
            self._exchange_up = False
            if self.believed_up:
                self._set_timer(self._timers.notices_loss, self._notice)

    def _begin(self) -> None:
        self._tries = 0
        self._call()

    def _call(self) -> None:
        if self._stuck or not self._attached or self.believed_up:
            return
        self._tries += 1
        if self._carrier:
            self._set_timer(_HANDSHAKE, self._answered)
        elif self._tries % self._timers.tries:
            self._set_timer(self._timers.t200, self._call)
        else:
            self._set_timer(self._timers.gap, self._call)

    def _answered(self) -> None:
        if not self._carrier:
            self._set_timer(self._timers.t200, self._call)
            return
        self.believed_up = self._exchange_up = True
        self._say("up")

    def _notice(self) -> None:
        if self._carrier:
            return  # back in time: a ghost. Nothing here will ever notice
        self._drop()
        self._begin()

    def _drop(self) -> None:
        was_up = self.believed_up
        self.believed_up = self._exchange_up = False
        if was_up:
            self._say("down")

    def _set_timer(self, delay: float, action: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self._scheduler.call_later(delay, action)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
