"""A flood of wrong passwords in virtual time, against the real limiter of core/login_limit."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from appliance.core.login_limit import LoginLimit, SentAway, Ticket

HASH = 0.25  # seconds that a password's hash takes here


@dataclass
class Server:
    """The limit in virtual time, as the server's threads use it: tries wait, one is hashed, others are sent away."""

    now: float = 0.0
    limit: LoginLimit = field(default_factory=LoginLimit)
    waiting: list[tuple[Ticket, bool]] = field(default_factory=list)
    running: tuple[Ticket, bool, float] | None = None
    began: list[tuple[float, Ticket]] = field(default_factory=list)
    sent_away: dict[Ticket, float] = field(default_factory=dict)
    let_in: list[Ticket] = field(default_factory=list)
    longest_line: int = 0

    def ask(self, address: str, known: str = "", *, right: bool = False) -> Ticket | SentAway:
        found = self.limit.join(address, self.now, known)
        if isinstance(found, Ticket):
            self.waiting.append((found, right))
            self.longest_line = max(self.longest_line, len(self.limit._line))
        self.step()
        return found

    def step(self) -> None:
        """Everything that is due now; whoever was sent away leaves."""
        if self.running is not None and self.now >= self.running[2]:
            ticket, right, _ = self.running
            self.limit.end(ticket, right=right)
            self.running = None
            if right:
                self.let_in.append(ticket)
        for one in list(self.waiting):
            again = self.limit.turn(one[0], self.now)
            if isinstance(again, SentAway):
                self.waiting.remove(one)
                self.sent_away[one[0]] = again.wait
            elif again == 0.0:
                assert self.running is None, "two hashes at once"
                self.waiting.remove(one)
                self.running = (*one, self.now + HASH)
                self.began.append((self.now, one[0]))

    def pass_time(self, seconds: float, tick: float = 0.1) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + tick, until)
            self.step()


def seconds_until_in(
    server: Server,
    addresses: list[str],
    rate: float,
    *,
    known: str = "",
    patience: float = 1e9,
    seed: int = 1,
) -> float:
    """Seconds from the operator's first asking until he is in, while `rate` tries a second come from `addresses`.

    He does what he is told: he asks, waits while he is let wait, and comes again when the answer says so.
    """
    chance = random.Random(seed)
    began, due, mine = server.now, server.now, None
    while server.now - began < patience:
        if mine is None and server.now >= due:
            asked = server.ask("198.51.100.7", known, right=True)
            if isinstance(asked, Ticket):
                mine = asked
            else:
                due = server.now + max(1.0, round(asked.wait))
        for _ in range(max(1, round(rate / 10))):
            server.ask(chance.choice(addresses))
        server.pass_time(0.1)
        if mine in server.let_in:
            return server.now - began
        if mine is not None and mine in server.sent_away:
            due, mine = server.now + max(1.0, round(server.sent_away[mine])), None
    raise AssertionError(f"not in after {patience} s")


def flood(server: Server, addresses: list[str], rate: float, seconds: float, seed: int = 0) -> None:
    chance = random.Random(seed)
    until = server.now + seconds
    while server.now < until:
        for _ in range(max(1, round(rate / 10))):
            server.ask(chance.choice(addresses))
        server.pass_time(0.1)


def bots(count: int) -> list[str]:
    return [f"203.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(count)]
