"""Heartbeat's master on one node, in virtual time: what it believes of itself and of its peer, and what it does next.

It is as unkind as the real one (docs/facts/heartbeat.md, and the protocol as its source has it):

- A life of the peer that was heard before, taken for dead and heard again, is the end of a partition: this master gives
  everything up and begins afresh. A life that was never heard before is not: two that have started apart own their
  resources for ever.
- A request to hand over is a conversation of two masters, each of which may drop a word of it. One that has taken a
  request and waits for the end of it ignores every other request for an hour, and does not stop when it is told to. It
  goes on to wait when the other master is replaced, and does not take over then; only a death that it notices ends it.
- A request in the instant in which two masters hear each other again is taken by the other one, which then finds that a
  partition is over and cancels it ("Other side is in flux"). The one that has asked goes through with it, and waits for
  the end of it for an hour; its own restart, by which a partition ends, waits too.
- A master that has released for its peer, and loses the peer before the peer has said that it took over, sometimes
  loses its own order to take the resources back.
- A master that starts alone on a slow machine sometimes loses its own start, and says for ever that something moves.
- What a resource script has done without being asked by the master is not noticed by it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from appliance.core.grant import Verb
from appliance.core.model import Node

DEADTIME = 2.0
LATE_DETECTION = 0.77  # the death is noticed at a tick: 1.99 to 2.77 s with a deadtime of 2 s
INITDEAD = 4.0
ALONE_AFTER = 1.0  # the first one alone acquires at initdead + 1 s
CHOOSING = 10.0  # two that start together wait for so long whether one of them is stable already
JOINS = (0.4, 2.0)  # from the start of a master until it is heard
AGAIN = 2.5  # from the end of a master that restarts itself until the next one runs
PARTITION_OVER = (2.3, 2.8)  # two that hear each other again are both active for so long
NOTICED = (
    0.5  # that a partition is over is noticed at a tick: what was asked so soon after it was taken before
)
CANCELLED = 10.0  # a request to a peer that does not answer
HOUR = 3600.0  # how long a request that was taken keeps the master from taking another one
STOP_HEEDED = 25.0  # a stop that is not heeded for so long is carried out by force
ORDER_LOST = (
    0.25  # how often the order to take resources back is lost, when the peer dies while it takes over
)

START_LOST = (
    0.02  # how often a slow machine's master, started alone, loses its own start: it moves something for ever
)


class Member(enum.Enum):
    """What a master thinks of its peer."""

    UNHEARD = "unheard"
    ALIVE = "alive"
    DEAD = "dead"


class Stage(enum.Enum):
    """How far a master is."""

    WAITING = "waiting"  # nobody was heard
    STARTING = "starting"  # the peer was heard, and neither is known to be stable
    STABLE = "stable"
    STOPPING = "stopping"


class Standby(enum.Enum):
    """Where a master is in the conversation about a request to hand over."""

    NOT = "not"
    ME = "me"
    OTHER = "other"
    DONE = "done"


class After(enum.Enum):
    """What a master does when a resource script has ended."""

    TELL = "tell what is held"
    DONE = "say that the hand-over is done"
    GO = "say that everything is let go, and end"


@dataclass(frozen=True)
class Word:
    """What one master says to the other, or to itself. `info`: a step of a hand-over; `in_flux`: it cancels it."""

    kind: str
    sender: Node
    info: str = ""
    holds: bool = False
    stable: bool = False
    in_flux: bool = False


@dataclass(frozen=True)
class Work:
    """A resource script that is to be run, and what comes after it."""

    verb: Verb
    after: After


@dataclass
class Engine:
    """One life of a master; `identity` is None while none runs. Times are virtual seconds.

    `back_at`: when it found that a partition was over. `alone`: it goes through with a hand-over that was cancelled.
    """

    node: Node
    dice: Random
    say: Callable[[Word], None]
    identity: int | None = None
    born: float = 0.0
    talks_at: float = 0.0
    stage: Stage = Stage.WAITING
    peer: Member = Member.UNHEARD
    peer_life: int | None = None
    heard_at: float = 0.0
    joined_at: float = 0.0
    holds: bool = False
    peer_holds: bool = False
    peer_stable: bool = False
    standby: Standby = Standby.NOT
    standby_until: float | None = None
    stop_at: float | None = None
    starts_again: bool = False
    deadtime: float = DEADTIME
    back_at: float = float("-inf")
    alone: bool = False
    work: list[Work] = field(default_factory=list)

    @property
    def stable(self) -> bool:
        """Nothing is on its way, as far as this master knows."""
        quiet = self.peer_stable and not self.work and self.stage is Stage.STABLE
        return quiet and self.standby is Standby.NOT and self.standby_until is None

    @property
    def _is_left_waiting(self) -> bool:
        """It waits for the end of a hand-over that the other one has cancelled."""
        return self.alone and self.standby is Standby.DONE

    # -- the peer -----------------------------------------------------------------------------------------

    def hear(self, life: int, now: float) -> None:
        """Take in a heartbeat of the peer's life `life`."""
        self.heard_at = now
        if self.peer is Member.ALIVE and life == self.peer_life:
            return
        if self.peer is Member.DEAD and life == self.peer_life:
            self.peer, self.peer_stable, self.back_at = Member.ALIVE, True, now
            self.stop_at, self.starts_again = now + self.dice.uniform(*PARTITION_OVER), True
            return
        if self.peer is Member.ALIVE and self.peer_holds and self.standby_until is None:
            self._lose_peer()  # one that waits for the end of a move goes on to wait, and takes nothing over
        self._meet(life, now)

    def _meet(self, life: int, now: float) -> None:
        self.peer, self.peer_life, self.peer_stable = Member.ALIVE, life, False
        self.deadtime = DEADTIME + self.dice.uniform(0.0, LATE_DETECTION)
        if self.stage is Stage.WAITING:
            self.stage, self.joined_at = Stage.STARTING, now
            self.say(Word("starting", self.node))

    def _lose_peer(self) -> None:
        released = self.standby is Standby.DONE and not self.holds and not self.work
        lost = released and self.dice.random() < ORDER_LOST
        self.peer, self.peer_holds, self.peer_stable = Member.DEAD, False, True
        self.standby, self.standby_until, self.alone = Standby.NOT, None, False
        if self.stage is Stage.STOPPING:
            return
        if self.stage is Stage.WAITING and self.dice.random() < START_LOST:
            lost, self.peer_stable = True, False
        self.stage = Stage.STABLE
        if not self.holds and not lost:
            self._take()

    def _take(self) -> None:
        self.holds = True
        self.work.append(Work(Verb.START, After.TELL))

    def _tell(self) -> None:
        stable = self.stage is Stage.STABLE
        self.say(Word("resources", self.node, holds=self.holds, stable=stable))

    # -- time ---------------------------------------------------------------------------------------------

    def turn(self, now: float) -> None:
        """Do what is due."""
        silent = self.peer is Member.ALIVE and now - self.heard_at >= self.deadtime
        if silent or (self.stage is Stage.WAITING and now - self.born >= INITDEAD + ALONE_AFTER):
            self._lose_peer()
        elif self.stage is Stage.STARTING and now - self.joined_at >= CHOOSING:
            self._settle()
        if self.standby_until is not None and now >= self.standby_until:
            self.standby, self.standby_until, self.peer_stable, self.alone = Standby.NOT, None, True, False
        if self.stop_at is not None and now >= self.stop_at and self._may_stop():
            self.stop_at, self.stage, self.holds = None, Stage.STOPPING, False
            self._tell()
            self.work.append(Work(Verb.STOP, After.GO))

    def _may_stop(self) -> bool:
        """Tell whether a stop is heeded now: not before the end of what is on its way, were it an hour."""
        idle = self.stage is Stage.STABLE and not self.work
        return self.stable or (self.starts_again and idle and not self._is_left_waiting)

    def seconds_dropped(self, now: float) -> float:
        """Return for how many seconds every request is dropped."""
        return 0.0 if self.standby_until is None else max(0.0, self.standby_until - now)

    def heeds_no_stop(self, now: float) -> bool:
        """Tell whether an operator's stop has waited for so long that the product ends this master by force."""
        waits = self.stop_at is not None and not self.starts_again and self.stage is not Stage.STOPPING
        return waits and self.stop_at is not None and now >= self.stop_at + STOP_HEEDED

    def _settle(self) -> None:
        """Become stable; the resources are the primary's unless the peer has them."""
        self.stage = Stage.STABLE
        if self.node is Node.PRIMARY and not self.peer_holds:
            self._take()
        self._tell()

    def due(self, now: float, *, carried: bool) -> float:
        """Return when, after `now`, this master does something by itself; `carried`: its peer is being heard."""
        if self.stage is Stage.STABLE and carried and self.standby_until is None and self.stop_at is None:
            return float("inf")
        times = [self.standby_until, self.stop_at]
        if self.stop_at is not None:
            times.append(self.stop_at + STOP_HEEDED)
        if self.peer is Member.ALIVE and not carried:
            times.append(self.heard_at + self.deadtime)
        if self.stage is Stage.WAITING:
            times.append(self.born + INITDEAD + ALONE_AFTER)
        elif self.stage is Stage.STARTING:
            times.append(self.joined_at + CHOOSING)
        return min((time for time in times if time is not None and time > now), default=float("inf"))

    # -- what is said -------------------------------------------------------------------------------------

    def read(self, word: Word, now: float) -> None:
        """Take in what a master said."""
        if word.kind == "ask":
            self._converse(word, now)
        elif word.sender is self.node:
            return
        elif word.kind == "starting":
            self.peer_stable = False
            self._tell()
        elif word.kind == "resources":
            self._read_resources(word)
        elif word.kind == "gone":
            self._read_gone(now)

    def _read_resources(self, word: Word) -> None:
        was_stable = self.peer_stable
        self.peer_holds, self.peer_stable = word.holds, word.stable
        if self.stage is Stage.STARTING and word.stable:
            self._settle()
        elif word.stable and not was_stable:
            self._tell()

    def _read_gone(self, now: float) -> None:
        self.peer, self.peer_life, self.peer_holds, self.peer_stable = Member.DEAD, None, False, True
        if self.stage is Stage.STARTING:
            self._settle()
        if self._is_left_waiting:
            return  # for the end of what it has gone through with
        if self.stage is Stage.STABLE and not self.holds:
            self.standby, self.standby_until = Standby.DONE, now + HOUR
            self.work.append(Work(Verb.START, After.DONE))

    def _converse(self, word: Word, now: float) -> None:
        """One word of a hand-over; `mine` when this master said it itself."""
        mine, asked = word.sender is self.node, word.info == "me"
        if self.stage is Stage.STOPPING or (asked and self.standby_until is not None):
            return  # the request is ignored, for as long as the last one is not over
        if self.standby is Standby.NOT and asked and self.peer_stable and self.stage is Stage.STABLE:
            self._take_request(mine=mine, now=now)
        elif self.standby is Standby.ME and word.info == "other" and not mine:
            self.standby_until, self.holds, self.alone = now + HOUR, False, word.in_flux
            self._tell_unstable()
            self.work.append(Work(Verb.STOP, After.DONE))
        elif self.standby is Standby.ME and word.info == "done" and mine:
            self.standby, self.standby_until = Standby.DONE, now + HOUR
        elif self.standby is Standby.OTHER and word.info == "done" and not mine:
            self.standby, self.standby_until = Standby.DONE, now + HOUR
            self.work.append(Work(Verb.START, After.DONE))
        elif self.standby is Standby.DONE and word.info == "done":
            self.standby, self.standby_until = Standby.NOT, None
            self.holds = self.holds or mine
            self._tell()

    def _take_request(self, *, mine: bool, now: float) -> None:
        self.peer_stable = False
        if mine:
            self.standby, self.standby_until = Standby.ME, now + CANCELLED
            return
        in_flux = now - self.back_at < NOTICED
        if not in_flux:
            self.standby, self.standby_until = Standby.OTHER, now + HOUR
        self.say(Word("ask", self.node, info="other", in_flux=in_flux))

    def _tell_unstable(self) -> None:
        self.peer_stable = False
        self.say(Word("resources", self.node, holds=self.holds, stable=False))
