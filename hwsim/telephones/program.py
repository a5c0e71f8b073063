"""The process of the telephones: run in the outside namespace, told what to do on stdin, tells on stdout what it saw.

    program.py SERVER OWN-IP TRUNK-IP COUNT connected|open

Telephones 1000, 1001 ... register from OWN-IP, each with a port of its own, and the trunk's far end, whom Asterisk
knows by its address, is at TRUNK-IP, port 5080. `connected`: each takes answers from the server's own address alone, as
a telephone behind a stateful firewall does, and many by themselves.

Commands, one a line: `register SECONDS` (all register within that time); `ask SECONDS`, `call SECONDS` and
`ring SECONDS`: an OPTIONS, a call to the trunk, a call from the trunk to the next telephone each so many seconds; 0
ends it. What happens is told as one JSON object a line (hwsim/telephones/house.py says what); `t` is CLOCK_MONOTONIC,
`by` the address it came from.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from hwsim.telephones.sip import (
    Message,
    Party,
    Request,
    answered,
    audio,
    authorization,
    parse,
    random_id,
    spoken,
)

EXPIRY, REFRESH = (
    120,
    60.0,
)  # seconds: what Debian's Asterisk and most telephones agree on, and when it is renewed
RETRY = (1.0, 2.0)  # a request without an answer is made anew after so many seconds
ANSWERED_WITHIN = 8.0
LASTS = 0.3  # seconds a call stays up
FIRST_PORT, SIP_PORT, TRUNK_PORT = 20000, 5060, 5080
# Real telephones have processors of their own: here they go before what keeps this machine's busy.
_AHEAD = -10
FIRST_NUMBER = 1000


def tell(what: str, **more: object) -> None:
    """Tell what has happened."""
    os.write(1, (json.dumps({"t": round(time.monotonic(), 5), "what": what, **more}) + "\n").encode())


class Call:
    """A call that was made: when, to whom, under which tag, and how far it is."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.tag = random_id()
        self.branch = random_id()
        self.number = 1
        self.up = False


class Telephone(asyncio.DatagramProtocol):
    """One user on one socket. `kind` is what its calls are told as."""

    def __init__(self, party: Party, kind: str = "call", *, connected: bool = False) -> None:
        self._party = party
        self._kind = kind
        self._connected = connected
        self._calls: dict[str, Call] = {}
        self._registration = random_id()
        self._number = 0
        self._awaited = 0
        self._timer: asyncio.TimerHandle | None = None

    async def plug_in(self) -> None:
        """Open the socket."""
        server = (self._party.server, SIP_PORT)
        await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self,
            local_addr=(self._party.ip, self._party.port),
            remote_addr=server if self._connected else None,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._party = self._party._replace(port=transport.get_extra_info("sockname")[1])

    def error_received(self, exc: Exception) -> None:
        """Take no notice: a server that is away is asked again."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hear an answer or a request."""
        heard = parse(data)
        if not heard.code:
            self._asked(heard, addr)
        elif heard.method == "REGISTER":
            self._registered(heard, addr)
        elif heard.method == "OPTIONS":
            tell("options", code=heard.code, by=addr[0])
        elif heard.method == "INVITE":
            self._called(heard, addr)

    # -- registration -------------------------------------------------------------------------------------

    def register(self, headers: tuple[str, ...] = ()) -> None:
        """Register, again and again until it is answered."""
        self._number += 1
        self._awaited = self._number
        server = f"sip:{self._party.server}"
        aor = f"sip:{self._party.user}@{self._party.server}"
        expires = (f"Expires: {EXPIRY}",)
        self._send(
            Request("REGISTER", server, aor, self._registration, self._number, "r", headers=headers + expires)
        )
        self._later(random.uniform(*RETRY), self.register)

    def _registered(self, heard: Message, by: tuple[str, int]) -> None:
        if heard.number != self._awaited:
            return
        if heard.code == 401:
            challenge = heard.field("www-authenticate")
            self.register((authorization(self._party, challenge, "REGISTER", f"sip:{self._party.server}"),))
        elif heard.code == 200:
            self._awaited = 0
            tell("registered", who=self._party.user, by=by[0])
            self._later(REFRESH * random.uniform(0.9, 1.0), self.register)
        elif heard.code >= 300:
            tell("refused", who=self._party.user, code=heard.code, by=by[0])

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, action)

    # -- calls --------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for the server's options."""
        server = f"sip:{self._party.server}"
        self._send(Request("OPTIONS", server, server, random_id(), 1, "o"))

    def call(self, number: str) -> None:
        """Call `number`, and end the call a moment after it was answered."""
        made = Call(f"sip:{number}@{self._party.server}")
        call = random_id()
        self._calls[call] = made
        self._invite(call, made)
        asyncio.get_running_loop().call_later(ANSWERED_WITHIN, self._calls.pop, call, None)

    def _invite(self, call: str, made: Call, headers: tuple[str, ...] = ()) -> None:
        body = audio(self._party.ip)
        self._send(
            Request("INVITE", made.uri, made.uri, call, made.number, made.tag, "", made.branch, headers, body)
        )

    def _called(self, heard: Message, by: tuple[str, int]) -> None:
        call = heard.field("call-id")
        made = self._calls.get(call)
        if made is None or heard.number != made.number or heard.code < 200:
            return
        if heard.code == 200:
            self._acknowledge(call, made, heard.to_tag, random_id())
            if not made.up:
                made.up = True
                tell(self._kind, who=self._party.user, by=by[0])
                asyncio.get_running_loop().call_later(LASTS, self._hang_up, call, made, heard.to_tag)
            return
        self._acknowledge(call, made, heard.to_tag, made.branch)
        if heard.code in (401, 407) and made.number == 1:
            made.number, made.branch = 2, random_id()
            challenge = heard.field("www-authenticate") or heard.field("proxy-authenticate")
            self._invite(call, made, (authorization(self._party, challenge, "INVITE", made.uri),))
            return
        tell(f"{self._kind} failed", who=self._party.user, code=heard.code, by=by[0])
        del self._calls[call]

    def _acknowledge(self, call: str, made: Call, to_tag: str, branch: str) -> None:
        self._send(Request("ACK", made.uri, made.uri, call, made.number, made.tag, to_tag, branch))

    def _hang_up(self, call: str, made: Call, to_tag: str) -> None:
        self._send(Request("BYE", made.uri, made.uri, call, made.number + 1, made.tag, to_tag))

    def _asked(self, heard: Message, by: tuple[str, int]) -> None:
        if heard.method == "ACK":
            return
        body = audio(self._party.ip) if heard.method == "INVITE" else ""
        self._transport.sendto(answered(self._party, heard, body), None if self._connected else by)
        if heard.method == "INVITE":
            tell("rung", who=self._party.user, by=by[0])

    def _send(self, request: Request) -> None:
        to = None if self._connected else (self._party.server, SIP_PORT)
        with contextlib.suppress(OSError):
            self._transport.sendto(spoken(self._party, request), to)


class House:
    """All telephones, the one that only asks, and the trunk's far end."""

    def __init__(self, server: str, own: str, trunk: str, count: int, *, connected: bool) -> None:
        self.phones = [
            Telephone(
                Party(str(FIRST_NUMBER + n), f"s{FIRST_NUMBER + n}", own, FIRST_PORT + n, server),
                connected=connected,
            )
            for n in range(count)
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
        if word == "register":
            for phone in self.phones:
                asyncio.get_running_loop().call_later(random.uniform(0, seconds), phone.register)
            return
        if word not in actions:
            raise ValueError(f"there is no command {word!r}")
        if before := self._turns.pop(word, None):
            before.cancel()
        if seconds:
            self._turns[word] = asyncio.create_task(self._again(actions[word], seconds))

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
