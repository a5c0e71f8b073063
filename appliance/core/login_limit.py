"""The limit on logins: who may try, and in which order.

Guesses, the wait for the right password, and the memory used are all bounded. Times are monotonic seconds. A
flood of wrong passwords can use up two things: processor time for the hash of a password (passwords.py), and
the patience of somebody who has the right password. Three rules hold against that.

Each *visitor* has a limit of its own: from the FREE-th failure within WINDOW on, a wait follows each failure,
and doubles. A visitor is an address (of IPv6 a /64), or a browser that is *known*: the browser carries the
cookie of an earlier login as the same user, or root has just given its user a code. A known browser is not
counted by its address, so no neighbour keeps it out.

All *strangers* together, whatever their number, make one try in PACE seconds. That bounds the processor's
time, and how many guesses a botnet has. The same pace could keep everybody else out, so strangers are not
served first come, first served: known browsers come first and wait for no pace; then the stranger who has
failed least on that day; among equals, the one who asked first. A stranger who is sent away keeps the time of
the first asking. So a flood from M addresses is ahead of somebody with the right password by at most one try
of each address that asked earlier: M x PACE seconds, or M times what a hash takes here when that is longer;
and by none of the addresses that have failed already. Only LINE tries wait at a time; everybody else is told
when to come again.

A try counts as failed from the moment it begins, so that many tries at once are not all free; a success takes
the count back.
"""

from __future__ import annotations

import bisect
import ipaddress
from dataclasses import dataclass, field
from typing import TypeVar

WINDOW = 600.0
# From this number of failures of one visitor within the window on, each failure is followed by a wait.
FREE = 5
FIRST_WAIT = 30.0
LONGEST_WAIT = 900.0
# Strangers: seconds from one try of any stranger to the next, and how many tries may follow at once before
# that.
PACE = 1.0
BURST = 5
# How many tries may wait for their turn at the same time, and for how many seconds each may wait.
LINE = 8
PATIENCE = 8.0
# A stranger who was sent away keeps the time of the first asking for so many seconds after the wait it was
# told.
KEPT = 60.0
# The failures of a visitor are remembered for so many seconds, so that others go before it.
REMEMBERED = 24 * 3600.0
# How many visitors are remembered.
MOST = 4096

K = TypeVar("K")
V = TypeVar("V")
_NEVER = float("-inf")


@dataclass(slots=True)
class _Record:
    failures: list[float] = field(default_factory=list)
    count: int = 0  # failures, including those before the window
    last: float = _NEVER
    waits: int = 0
    until: float = _NEVER
    made_by: float = _NEVER  # the time of the failure that set `until`


@dataclass(slots=True, eq=False)
class Ticket:
    """One try that waits for its turn or is being made. `since`: when its visitor first asked."""

    visitor: str
    known: bool
    since: float
    joined: float
    failed: int
    began: float | None = None

    @property
    def rank(self) -> tuple[bool, int, float]:
        """The sort key of the queue; the ticket with the smallest rank is the next."""
        return (not self.known, 0 if self.known else self.failed, self.since)


@dataclass(frozen=True, slots=True)
class SentAway:
    """The refusal of a try for now.

    `wait`: seconds until the next try is allowed; `own`: the reason is the failures of this visitor itself.
    """

    wait: float
    own: bool


class LoginLimit:
    """The record of failures and the queue of tries; for use by one thread at a time."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        # For each stranger sent away: when it first asked, until when that is kept, and how often it has
        # failed.
        self._first_asked: dict[str, tuple[float, float, int]] = {}
        self._line: list[Ticket] = []
        self._in_hand: Ticket | None = None
        self._paid_until = _NEVER
        self._swept = _NEVER
        self._sent: list[tuple[int, float]] = []

    def join(self, address: str, now: float, known: str = "") -> Ticket | SentAway:
        """Queue a try from `address` and return its ticket, or refuse it.

        `known`: the name of the known browser, "" for a stranger.
        """
        for visitor in filter(None, (known and f"known {known}", place_of(address))):
            record = self._record(visitor, now)
            if record.until <= now:
                return self._admit(self._ticket(visitor, record, now), now)
        return SentAway(record.until - now, own=True)

    def turn(self, ticket: Ticket, now: float) -> float | SentAway:
        """Begin the try of `ticket` and return 0.0 when its turn has come; the try then counts as failed.

        Otherwise return the seconds after which to ask again, or the refusal.
        """
        if ticket not in self._line:  # a ticket of better rank has taken its place
            return self._sent_away(ticket, now)
        left = ticket.joined + PATIENCE - now
        if left <= 0:
            self._line.remove(ticket)
            return self._sent_away(ticket, now)
        if self._in_hand is not None or ticket is not min(self._line, key=lambda one: one.rank):
            return left
        pace = 0.0 if ticket.known else self._paid_until - (BURST - 1) * PACE - now
        if pace > 0:
            return min(pace, left)
        self._begin(ticket, now)
        return 0.0

    def end(self, ticket: Ticket, *, right: bool) -> None:
        """End a try; `right`: the password was right.

        A right password takes back the failure of this try only: earlier failures stay counted.
        """
        self._in_hand = None
        if not right:
            return
        if not ticket.known:
            self._paid_until -= PACE
        if record := self._records.get(ticket.visitor):
            record.failures = [at for at in record.failures if at != ticket.began]
            record.count -= 1
            if record.made_by == ticket.began:
                record.waits, record.until = record.waits - 1, record.made_by

    def _record(self, visitor: str, now: float) -> _Record:
        record = self._records.get(visitor)
        if record is None or now >= record.last + REMEMBERED:
            return _Record()
        if now >= max([record.until, *record.failures]) + WINDOW:
            return _Record(count=record.count, last=record.last)
        return record

    def _ticket(self, visitor: str, record: _Record, now: float) -> Ticket:
        since, kept_until, _ = self._first_asked.get(visitor, (now, now, 0))
        known = visitor.startswith("known ")
        return Ticket(visitor, known, since if now <= kept_until else now, now, record.count)

    def _admit(self, ticket: Ticket, now: float) -> Ticket | SentAway:
        """Put a ticket into the queue, if necessary in the place of a ticket with a worse rank."""
        if any(one.visitor == ticket.visitor for one in (*self._line, *filter(None, [self._in_hand]))):
            return SentAway(PACE, own=False)  # one try at a time for each visitor
        if len(self._line) >= LINE:
            last = max(self._line, key=lambda one: one.rank)
            if last.rank <= ticket.rank:
                return self._sent_away(ticket, now)
            self._line.remove(last)
        self._line.append(ticket)
        return ticket

    def _sent_away(self, ticket: Ticket, now: float) -> SentAway:
        wait = min(PACE * (1 + self._ahead_of(ticket, now)), LONGEST_WAIT)
        # The time of the first asking is kept for those who asked first: a newcomer is not remembered in a
        # full table.
        if not ticket.known and (ticket.visitor in self._first_asked or len(self._first_asked) < MOST):
            self._first_asked[ticket.visitor] = (ticket.since, now + wait + KEPT, ticket.failed)
        return SentAway(wait, own=False)

    def _ahead_of(self, ticket: Ticket, now: float) -> int:
        """Return roughly how many tries come before this ticket.

        Counted are those in the queue, and those sent away that may come again.
        """
        if ticket.known:
            return 0
        if now - self._swept > 1.0:  # at most once a second, because it goes through the whole table
            self._swept = now
            self._first_asked = {one: kept for one, kept in self._first_asked.items() if now <= kept[1]}
            self._sent = sorted((failed, since) for since, _, failed in self._first_asked.values())
        in_line = sum(one.rank < ticket.rank for one in self._line)
        return in_line + bisect.bisect_left(self._sent, (ticket.failed, ticket.since))

    def _begin(self, ticket: Ticket, now: float) -> None:
        self._line.remove(ticket)
        self._first_asked.pop(ticket.visitor, None)
        self._in_hand, ticket.began = ticket, now
        if not ticket.known:
            self._paid_until = max(self._paid_until, now) + PACE
        record = self._record(ticket.visitor, now)
        record.failures = [*(at for at in record.failures if now - WINDOW < at), now][-FREE:]
        record.count, record.last = record.count + 1, now
        if len(record.failures) >= FREE or record.waits:
            record.until = now + min(FIRST_WAIT * 2.0**record.waits, LONGEST_WAIT)
            record.made_by = now
            record.waits = min(record.waits + 1, 32)
        _remember(self._records, ticket.visitor, record)


def _remember(table: dict[K, V], key: K, value: V) -> None:
    """Store the entry as the newest one; the oldest entries go when there are more than MOST."""
    table.pop(key, None)
    table[key] = value
    while len(table) > MOST:
        del table[next(iter(table))]


def place_of(address: str) -> str:
    """Return the part of an address that one visitor owns: an IPv4 address, or a whole IPv6 /64.

    An IPv4 address may also be written as an IPv6 one (mapped).
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if known.version == 4 or known.ipv4_mapped:
        return str(getattr(known, "ipv4_mapped", None) or known)
    return ipaddress.IPv6Address(int(known) >> 64 << 64).exploded[:19]
