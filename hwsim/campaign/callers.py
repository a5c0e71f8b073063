"""Callers who leave a message wherever a telephone is answered, and the count of what is on both disks in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass

from hwsim.nodes import NodeError
from hwsim.pbxdata import MAIL
from hwsim.rack import SIDES, Rack
from hwsim.service_log import ServiceLog
from hwsim.voicemail import Mailboxes

_EACH = 2.0  # seconds between two callers
_MAILBOXES = ("100", "101")
_TOLD = 4  # messages that are named, of those that are missing


@dataclass
class Callers:
    """The callers of a round. `left`: the messages that an Asterisk has stored whole, by the caller's name."""

    rack: Rack
    log: ServiceLog
    left: int = 0

    async def run(self) -> None:
        """Call until cancelled."""
        while True:
            for side in SIDES:
                self.call(side)
            await asyncio.sleep(_EACH)

    def call(self, side: str) -> None:
        """Leave a message on `side` if it answers; what its disk does not take is no message."""
        if side not in self.log.samples[-1].answered or not self.log.reaches_telephones(side):
            return
        with contextlib.suppress(OSError, NodeError):
            boxes = Mailboxes(self.rack.servers[side].node.path(MAIL))
            boxes.deliver(_MAILBOXES[self.left % len(_MAILBOXES)], _name(self.left))
            self.left += 1

    def account(self) -> list[str]:
        """Return what is lost or there too often, in a sentence for each disk; empty when the account is even."""
        expected = Counter(_name(number) for number in range(self.left))
        return [said for side in SIDES if (said := _uneven(side, expected, self._found(side)))]

    def _found(self, side: str) -> Counter[str]:
        boxes = Mailboxes(self.rack.servers[side].node.path(MAIL))
        return Counter(who for box in boxes.folders() for who in boxes.callers(*box))


def _name(number: int) -> str:
    return f"caller-{number:03d}"


def _uneven(side: str, expected: Counter[str], found: Counter[str]) -> str:
    lost, more = sorted((expected - found).elements()), sorted((found - expected).elements())
    if not lost and not more:
        return ""
    named = ", ".join((lost + more)[:_TOLD])
    return f"on the {side}'s disk {len(lost)} messages are missing and {len(more)} are doubled or strange: {named}"
