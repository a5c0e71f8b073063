"""A telephone, or the far end of the trunk: registers, calls, is called, and is told of mailboxes and lamps."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from typing import cast

from hwsim.telephones.event import tell
from hwsim.telephones.sip import (
    EXPIRY,
    REFRESH,
    RETRY,
    Message,
    Party,
    Request,
    answered,
    audio,
    authorization,
    parse,
    random_id,
    silence,
    sound_address,
    spoken,
)
from hwsim.telephones.subscription import VOICEMAIL, Subscription, tell_notified

ANSWERED_WITHIN = 8.0
LASTS, SPEAKS = 0.3, 1.0  # seconds a call stays up, and one in which something is said
SIP_PORT = 5060
_PACKET = 0.020


class Call:
    """A call that was made: to whom, what it is told as, under which tag, and how far it is."""

    def __init__(self, uri: str, kind: str) -> None:
        self.uri = uri
        self.kind = kind
        self.tag = random_id()
        self.branch = random_id()
        self.number = 1
        self.up = False


class Telephone(asyncio.DatagramProtocol):
    """One user on one socket. `kind` is what its calls are told as."""

    def __init__(self, party: Party, kind: str = "call", *, connected: bool = False) -> None:
        self._party = party
        self._kind = kind
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
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
        elif heard.method == "SUBSCRIBE" and (known := self._subscription(heard)):
            known.answered(heard, addr[0])

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
        self._make(number, self._kind)

    def leave_message(self, mailbox: str) -> None:
        """Call a mailbox, say something, and hang up."""
        self._make(f"*{mailbox}", "left")

    def _make(self, number: str, kind: str) -> None:
        made = Call(f"sip:{number}@{self._party.server}", kind)
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
                self._talk(call, made, heard, by[0])
            return
        self._acknowledge(call, made, heard.to_tag, made.branch)
        if heard.code in (401, 407) and made.number == 1:
            made.number, made.branch = 2, random_id()
            challenge = heard.field("www-authenticate") or heard.field("proxy-authenticate")
            self._invite(call, made, (authorization(self._party, challenge, "INVITE", made.uri),))
            return
        tell(f"{made.kind} failed", who=self._party.user, code=heard.code, by=by[0])
        del self._calls[call]

    def _acknowledge(self, call: str, made: Call, to_tag: str, branch: str) -> None:
        self._send(Request("ACK", made.uri, made.uri, call, made.number, made.tag, to_tag, branch))

    def _talk(self, call: str, made: Call, heard: Message, by: str) -> None:
        """Hang up in a moment; what is left in a mailbox is said before, and told of after."""
        loop = asyncio.get_running_loop()
        sound = sound_address(heard.body)
        if made.kind != "left" or sound is None:
            tell(made.kind, who=self._party.user, by=by)
            loop.call_later(LASTS, self._hang_up, call, made, heard.to_tag)
            return
        voice = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        voice.bind((self._party.ip, 0))
        for n, packet in enumerate(silence(SPEAKS)):
            loop.call_later(n * _PACKET, voice.sendto, packet, sound)
        loop.call_later(SPEAKS, voice.close)
        loop.call_later(SPEAKS, self._hang_up, call, made, heard.to_tag)
        loop.call_later(SPEAKS, lambda: tell("left", who=self._party.user, by=by))

    def _hang_up(self, call: str, made: Call, to_tag: str) -> None:
        self._send(Request("BYE", made.uri, made.uri, call, made.number + 1, made.tag, to_tag))

    # -- what it is told ------------------------------------------------------------------------------------

    def subscribe(self, event: str, about: str) -> None:
        """Subscribe to `event` of the telephone `about`; renew the subscription there is."""
        if (event, about) not in self._subscriptions:
            self._subscriptions[event, about] = Subscription(self._party, event, about, self._send)
        self._subscriptions[event, about].ask()

    def _subscription(self, heard: Message) -> Subscription | None:
        call = heard.field("call-id")
        return next((kept for kept in self._subscriptions.values() if kept.call == call), None)

    def _asked(self, heard: Message, by: tuple[str, int]) -> None:
        if heard.method == "ACK":
            return
        known = self._subscription(heard)
        unasked = heard.method == "NOTIFY" and known is None
        if unasked and heard.to_tag:  # it is about a subscription that this telephone no longer has
            self._reply(heard, by, says="481 Subscription Does Not Exist")
            return
        self._reply(heard, by, audio(self._party.ip) if heard.method == "INVITE" else "")
        if known is not None:
            known.notified(heard, by[0])
        elif unasked and heard.field("event").startswith(VOICEMAIL):
            tell_notified(self._party.user, self._party.user, heard, by[0])
        elif heard.method == "INVITE":
            tell("rung", who=self._party.user, by=by[0])

    def _reply(self, heard: Message, by: tuple[str, int], body: str = "", says: str = "200 OK") -> None:
        with contextlib.suppress(OSError):
            self._transport.sendto(answered(self._party, heard, body, says), None if self._connected else by)

    def _send(self, request: Request) -> None:
        to = None if self._connected else (self._party.server, SIP_PORT)
        with contextlib.suppress(OSError):
            self._transport.sendto(spoken(self._party, request), to)
