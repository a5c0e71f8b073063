"""The telephones as the rack has them: their process in the outside namespace, and all that it has told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence

from hwsim.nodes.errors import RackError
from hwsim.nodes.network import CLUSTER_ADDRESS, LAN, Network
from hwsim.nodes.outside_program import OutsideProgram
from hwsim.telephones.event import Event

# The LAN's addresses of the telephones, and of the trunk's far end.
PHONES_AT, TRUNK_AT = "10.77.0.50", "10.77.0.60"
_START_DEADLINE = 15.0


class Telephones:
    """`count` telephones and a trunk outside of the pair.

    `connected`: each telephone takes answers from the cluster address alone.
    """

    def __init__(self, network: Network, count: int, *, connected: bool = False) -> None:
        self.count = count
        self.events: list[Event] = []
        self._network = network
        self._sockets = "connected" if connected else "open"
        self._house = OutsideProgram("telephones", self._saw)

    async def start(self) -> None:
        """Plug them in. The network must be up. Raises RackError."""
        space = self._network.namespace("outside")
        for ip in (PHONES_AT, TRUNK_AT):
            add = ["ip", "-n", space, "addr", "replace", f"{ip}/24", "dev", LAN]
            await asyncio.to_thread(subprocess.run, add, check=True)
        words = (CLUSTER_ADDRESS, PHONES_AT, TRUNK_AT, str(self.count), self._sockets)
        argv = [sys.executable, "-m", "hwsim.telephones.program", *words]
        await self._house.start(self._network, argv, _START_DEADLINE)

    async def stop(self) -> None:
        """Unplug them. Harmless when they were not started."""
        await self._house.stop()

    def register(self, within: float = 0.0) -> None:
        """Have all register, spread over so many seconds, and ask again until they are answered."""
        self._tell("register", within)

    def subscribe(self, within: float = 0.0) -> None:
        """Have all subscribe within so many seconds: to the next one's lamp, and each odd one to its mailbox's light.

        Subscriptions there are already are renewed, as telephones do at half of their time.
        """
        self._tell("subscribe", within)

    def leave_message(self, number: int) -> None:
        """Have the trunk leave a message in that telephone's mailbox."""
        self._tell("leave", number)

    def ask(self, each: float) -> None:
        """Have OPTIONS asked each so many seconds; 0 ends it."""
        self._tell("ask", each)

    def call(self, each: float) -> None:
        """Have the next telephone call the trunk each so many seconds; 0 ends it."""
        self._tell("call", each)

    def ring(self, each: float) -> None:
        """Have the trunk call the next telephone each so many seconds; 0 ends it."""
        self._tell("ring", each)

    def since(self, at: float, what: str) -> list[Event]:
        """Return what was seen of one kind later than `at`, oldest first."""
        return [event for event in self.events if event.t > at and event.what == what]

    def registered(self, at: float) -> dict[str, float]:
        """Return when each telephone that has registered later than `at` first did so."""
        first: dict[str, float] = {}
        for event in self.since(at, "registered"):
            first.setdefault(event.who, event.t)
        return first

    async def seen(self, what: str, after: float, deadline: float = 30.0) -> Event:
        """Return the first event of a kind later than `after`, waiting for it up to `deadline` seconds.

        Raises RackError when none comes.
        """
        await self.until(lambda: self.since(after, what), deadline, what)
        return self.since(after, what)[0]

    async def hears(self, what: str, after: float, seconds: float) -> bool:
        """Listen for so many seconds at the most; return whether there was an event of that kind later than `after`."""
        try:
            await self.seen(what, after, seconds)
        except RackError:
            return False
        return True

    async def until(self, true: Callable[[], object], deadline: float, what: str) -> None:
        """Wait until `true` is so.

        Raises RackError after `deadline` seconds, saying that no `what` was seen, and what was seen meanwhile.
        """
        told = len(self.events)
        try:
            await self._house.until(true, deadline, what)
        except RackError as missed:
            raise RackError(f"{missed} Meanwhile: {_summary(self.events[told:]) or 'nothing'}.") from None

    def last(self, what: str, who: str, after: float = 0.0) -> Event | None:
        """Return the last event of one kind that a telephone has seen later than `after`; None without one."""
        seen = [event for event in self.since(after, what) if event.who == who]
        return seen[-1] if seen else None

    def _tell(self, word: str, argument: float) -> None:
        self._house.tell(f"{word} {argument}")

    def _saw(self, line: bytes) -> None:
        self.events.append(Event(**json.loads(line)))


def _summary(events: Sequence[Event]) -> str:
    """Return how many of each kind there were, by how many telephones, and when the last was, in monotonic seconds."""
    kinds: dict[str, list[Event]] = {}
    for event in events:
        kinds.setdefault(f"{event.what} {event.code}" if event.code else event.what, []).append(event)
    return ", ".join(
        f"{len(seen)} {kind} by {len({event.who for event in seen})}, the last at {seen[-1].t:.1f}"
        for kind, seen in sorted(kinds.items())
    )
