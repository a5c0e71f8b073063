"""The process of the telephones: run in the outside namespace, told what to do on stdin, tells on stdout what it saw.

    program.py SERVER OWN-IP TRUNK-IP COUNT connected|open

Telephones 1000, 1001 ... register from OWN-IP, each with a port of its own, and the trunk's far end, whom Asterisk
knows by its address, is at TRUNK-IP, port 5080. `connected`: each takes answers from the server's own address alone, as
a telephone behind a stateful firewall does, and many by themselves.

Commands, one a line: `register SECONDS` (all register within that time); `subscribe SECONDS` (within that time each
subscribes to the lamp of the next telephone, and those with an odd number to the light of their mailbox, or renew
that); `leave NUMBER` (the trunk leaves a message for that telephone); `ask SECONDS`, `call SECONDS` and `ring
SECONDS`: an OPTIONS, a call to the trunk, a call from the trunk to the next telephone each so many seconds; 0 ends it.
What happens is told as one JSON object a line (hwsim/telephones/event.py says what); `t` is CLOCK_MONOTONIC, `by` the
address it came from.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import random
import sys
from collections.abc import Callable
from typing import Any

from hwsim.telephones.event import tell
from hwsim.telephones.sip import Party
from hwsim.telephones.subscription import LAMP, VOICEMAIL
from hwsim.telephones.telephone import Telephone

FIRST_PORT, TRUNK_PORT = 20000, 5080
# Real telephones have processors of their own: here they go before what keeps this machine's busy.
_AHEAD = -10
FIRST_NUMBER = 1000


class House:
    """All telephones, the one that only asks, and the trunk's far end."""

    def __init__(self, server: str, own: str, trunk: str, count: int, *, connected: bool) -> None:
        self.numbers = [str(FIRST_NUMBER + n) for n in range(count)]
        self.phones = [
            Telephone(Party(number, f"s{number}", own, FIRST_PORT + n, server), connected=connected)
            for n, number in enumerate(self.numbers)
        ]
        self.asker = Telephone(Party("asker", "", own, 0, server), connected=connected)
        self.trunk = Telephone(Party("trunk", "", trunk, TRUNK_PORT, server), "rang")
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._next = self._rung = 0

    async def plug_in(self) -> None:
        """Open all sockets."""
        for telephone in (*self.phones, self.asker, self.trunk):
            await telephone.plug_in()

    def obey(self, line: str) -> None:
        """Carry a command out. Raises ValueError when there is no such command."""
        word, _, rest = line.partition(" ")
        seconds = float(rest)
        actions = {"ask": self.asker.ask, "call": self._call, "ring": self._ring}
        if word in ("register", "subscribe"):
            for n, phone in enumerate(self.phones):
                action = phone.register if word == "register" else functools.partial(self._subscribe, n)
                asyncio.get_running_loop().call_later(random.uniform(0, seconds), action)
            return
        if word == "leave":
            self.trunk.leave_message(rest)
            return
        if word not in actions:
            raise ValueError(f"there is no command {word!r}")
        if before := self._turns.pop(word, None):
            before.cancel()
        if seconds:
            self._turns[word] = asyncio.create_task(self._again(actions[word], seconds))

    def _subscribe(self, n: int) -> None:
        self.phones[n].subscribe(LAMP, self.numbers[(n + 1) % len(self.numbers)])
        if int(self.numbers[n]) % 2:
            self.phones[n].subscribe(VOICEMAIL, self.numbers[n])

    async def _again(self, action: Callable[[], None], seconds: float) -> None:
        while True:
            action()
            await asyncio.sleep(seconds)

    def _call(self) -> None:
        self._turn().call("0041445566")

    def _ring(self) -> None:
        self._rung += 1
        self.trunk.call(str(FIRST_NUMBER + self._rung % len(self.phones)))

    def _turn(self) -> Telephone:
        self._next += 7
        return self.phones[self._next % len(self.phones)]


async def main(server: str, own: str, trunk: str, count: str, sockets: str) -> None:
    """Run until stdin is closed."""
    with contextlib.suppress(OSError):
        os.nice(_AHEAD)
    house = House(server, own, trunk, int(count), connected=sockets == "connected")
    await house.plug_in()
    told = asyncio.StreamReader()
    reader: Any = asyncio.StreamReaderProtocol(told)
    await asyncio.get_running_loop().connect_read_pipe(lambda: reader, sys.stdin)
    tell("ready")
    while line := (await told.readline()).decode().strip():
        house.obey(line)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
