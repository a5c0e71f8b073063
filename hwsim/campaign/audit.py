"""What an observer of a round finds wrong, whatever its faults were; the rules are those of the model's observer.

It looks at the kernel's tables, at the wire, at the cables, at Heartbeat's own log, and at the mail that has come. Of
the agents it asks nothing, except whether a mail still waits for its way out (hwsim/virtual/audit.py is the same in
virtual time).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field

from hwsim.mailbox import Mailbox
from hwsim.nodes import Network, NodeError
from hwsim.nodes.network import LINKS
from hwsim.rack import SIDES, Rack
from hwsim.service_log import ServiceLog
from hwsim.virtual.audit import APART_BOUND, NOBODY_BOUND, TWO_BOUND

_PERIOD = 0.25
_LOGS = ("/var/log/ha-log.1", "/var/log/ha-log")
_CALL = re.compile(
    r"^(?P<at>\S+) +ResourceManager\S+ +info: (?P<word>Acquiring|Releasing) resource group: .*\basha\b"
    r"|^(?P<stamp>\w{3} [ \d]\d [\d:]{8}) .* info: (?P<master>Resources being acquired from"
    r"|Configuration validated\. Starting heartbeat)",
    re.MULTILINE,
)
# What the master decides counts as what its script does: it has been seen to lose the script (docs/facts/heartbeat.md).
_MASTER = {
    "Resources being acquired from": "Acquiring",
    "Configuration validated. Starting heartbeat": "born",
}
_LATE = re.compile(
    r"^(?P<stamp>\w{3} [ \d]\d [\d:]{8}) .* Late heartbeat: Node \S+ interval (?P<ms>\d+) ms \(> deadtime\)",
    re.MULTILINE,
)
_CALLED_AT, _STAMP = "%Y/%m/%d_%H:%M:%S", "%Y %b %d %H:%M:%S"
_COARSE = (
    1.0  # Heartbeat's log has whole seconds: what it did within the second of a move may have been after it
)


# A command on its way to the card when the grant ends may still move the relay, which then goes back at once.
_UNDER_WAY = 3.0


@dataclass
class RoundAudit:
    """What was found wrong so far. `stopped`: the sides whose engine an operator has stopped."""

    rack: Rack
    log: ServiceLog
    mail: Mailbox
    stopped: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    _two: float | None = None
    _heard: float | None = None
    _nobody: float | None = None
    _told: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_PERIOD)

    async def look(self) -> None:
        """Look once at who serves the telephones, and for how long that is wrong."""
        now = self.rack.now()
        two = all(map(self.log.reaches_telephones, SIDES))
        nobody = not self.log.samples[-1].answered and not self._switched_off()
        self._two = _since(self._two, two, now)
        self._heard = _since(self._heard, two and self._hear(), now)
        self._nobody = _since(self._nobody, nobody, now)
        if not two and not nobody:
            self._told.clear()
        if _lasts(self._heard, now, TWO_BOUND):
            self._tell(f"both nodes serve for more than {TWO_BOUND:g} s although they can hear each other")
        if _lasts(self._two, now, APART_BOUND):
            await self._must_be_said("both nodes serve")
        if _lasts(self._nobody, now, NOBODY_BOUND):
            await self._must_be_said("nobody serves")

    def moves_without_grant(self) -> list[str]:
        """Return the moves of the relay to the primary while Heartbeat there, by its own log, had no resources."""
        calls = self._calls()
        relay = [one for one in self.rack.history.happenings if one.kind == "relay"]
        moves = [(self.rack.wall_time(one.at), one.side) for one in relay]
        return [
            f"the relay moved to the primary without a grant, at {time.ctime(at)}"
            for at, side in moves
            if side == "primary" and not _granted(calls, at) and not _was_under_way(calls, moves, at)
        ]

    def silences(self, since: float) -> list[float]:
        """Return the silences beyond deadtime, in seconds, that Heartbeat heard of and that began after `since`."""
        after = self.rack.wall_time(since)
        late = [
            (_at_stamp(found["stamp"]), int(found["ms"]) / 1000)
            for side in SIDES
            for text in self._texts(side)
            for found in _LATE.finditer(text)
        ]
        return [seconds for at, seconds in late if at - seconds > after]

    def _calls(self) -> list[tuple[float, str]]:
        """Return when Heartbeat acquired and released the resources on the primary, and when it began itself."""
        return [_call(found) for text in self._texts("primary") for found in _CALL.finditer(text)]

    def _texts(self, side: str) -> list[str]:
        """Return the logs of Heartbeat on `side`, the older one first."""
        texts = []
        for path in _LOGS:
            with contextlib.suppress(OSError, NodeError):
                texts.append(self.rack.servers[side].node.path(path).read_text(errors="replace"))
        return texts

    def _hear(self) -> bool:
        return any(self.rack.network.whole(link, *SIDES) for link in LINKS)

    def _switched_off(self) -> bool:
        servers = self.rack.servers
        return all(not servers[side].powered or side in self.stopped for side in SIDES)

    async def _must_be_said(self, what: str) -> None:
        """Find it wrong when a node that could has not told people of anything."""
        silent = [side for side in SIDES if not await self._says(side)]
        if silent:
            self._tell(f"{what} for long, and no alert has come from the {' and the '.join(silent)}")

    async def _says(self, side: str) -> bool:
        """Tell whether a node has sent an alert or has one on its way, or is in no state to."""
        server = self.rack.servers[side]
        if Network.address(side) in self.mail.senders or side in self.stopped or not server.powered:
            return True
        status = await server.status()
        return status is None or bool(status["notify"]["waiting"])

    def _tell(self, says: str) -> None:
        if says not in self._told:
            self._told.add(says)
            self.found.append(says)


def _since(before: float | None, holds: bool, now: float) -> float | None:
    return (now if before is None else before) if holds else None


def _lasts(since: float | None, now: float, bound: float) -> bool:
    return since is not None and now - since > bound


def _last(calls: list[tuple[float, str]], until: float) -> str:
    return ([word for at, word in calls if at <= until] or [""])[-1]


def _granted(calls: list[tuple[float, str]], at: float) -> bool:
    return "Acquiring" in (_last(calls, at), _last(calls, at - _COARSE))


def _was_under_way(calls: list[tuple[float, str]], moves: list[tuple[float, str]], at: float) -> bool:
    """Tell whether the move at `at` can be of an order from before the grant ended, and was undone at once."""
    undone = any(side == "secondary" and at < later <= at + _UNDER_WAY for later, side in moves)
    return undone and _last(calls, at - _UNDER_WAY) == "Acquiring"


def _call(found: re.Match[str]) -> tuple[float, str]:
    if found["word"]:
        return time.mktime(time.strptime(found["at"], _CALLED_AT)), found["word"]
    return _at_stamp(found["stamp"]), _MASTER[found["master"]]


def _at_stamp(stamp: str) -> float:
    return time.mktime(time.strptime(f"{time.localtime().tm_year} {stamp}", _STAMP))
