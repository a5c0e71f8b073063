"""Three ways to ask whether Asterisk answers, each with its own deadline; no answer is Unknown, never dead."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from appliance.config import Conf
from appliance.core.errors import AshaError, HostError
from appliance.core.ip_address import version_of, with_port
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.process import find_program, run
from appliance.pbx.control_socket import control_socket

Now = Callable[[], float]
LOOPBACK = "127.0.0.1"
_LONGEST = 64 * 1024  # bytes of one AMI message or SIP reply


class Probe(Protocol):
    """One way to ask: Known holds the answer, Unknown the reason why there was none."""

    @property
    def name(self) -> str:
        """The name: ami, cli or sip."""
        ...

    async def ask(self, now: Now) -> Reading[str]:
        """Ask once. Never raises, and ends within the deadline given at creation."""
        ...

    def close(self) -> None:
        """Give up what is held between questions."""
        ...


def probes_for(conf: Conf) -> tuple[Probe, ...]:
    """Return the probes that are switched on: AMI needs a user, SIP a port; the console is always used."""
    probes: list[Probe] = [
        CliProbe(conf.pbx_program, conf.probe_deadline, place=lambda: control_socket(conf))
    ]
    if conf.ami_user:
        probes.append(AmiProbe(conf.ami_port, conf.ami_user, conf.ami_secret, conf.probe_deadline))
    if conf.sip_port:
        bound_to = conf.main_address.ip if conf.lan_source == "bind" else ""
        host = bound_to or LOOPBACK
        probes.append(SipProbe(conf.sip_port, conf.probe_deadline, host=host, own=host))
    return tuple(probes)


def probe_names(conf: Conf) -> tuple[str, ...]:
    """Return the names of the probes that are switched on, by the conf file alone."""
    asked = {"ami": bool(conf.ami_user), "cli": True, "sip": bool(conf.sip_port)}
    return tuple(name for name, wanted in asked.items() if wanted)


class AmiProbe:
    """A probe by `Action: Ping` over a connection that is kept open, to save a login each time."""

    name = "ami"

    def __init__(self, port: int, user: str, secret: str, deadline: float) -> None:
        self._port = port
        self._login = {"Username": user, "Secret": secret}
        self._deadline = deadline
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, now: Now) -> Reading[str]:
        try:
            async with asyncio.timeout(self._deadline):
                return Known(await self._ping(), now())
        except TimeoutError:
            reason = f"AMI did not answer within {self._deadline:g} s"
        except ConnectionRefusedError:
            reason = f"nothing listens on AMI port {self._port}"
        except asyncio.LimitOverrunError:
            reason = f"AMI said more than {_LONGEST} bytes in one message"
        except (OSError, ValueError, asyncio.IncompleteReadError) as problem:
            reason = f"AMI broke off: {problem}"
        self.close()
        return Unknown(reason, now())

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _ping(self) -> str:
        if self._reader is None or self._writer is None:
            await self._connect()
        return await self._request("Ping", {})

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(LOOPBACK, self._port, limit=_LONGEST)
        await self._reader.readline()
        await self._request("Login", {**self._login, "Events": "off"})

    async def _request(self, action: str, fields: dict[str, str]) -> str:
        if self._reader is None or self._writer is None:
            raise ConnectionResetError("not connected")
        identity = uuid.uuid4().hex
        lines = {"Action": action, "ActionID": identity, **fields}
        self._writer.write("".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode() + b"\r\n")
        while True:  # events may come in between
            answer = (await self._reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
            if f"ActionID: {identity}" in answer:
                return _accepted(action, answer)


def _accepted(action: str, answer: str) -> str:
    if "Response: Error" in answer:
        message = next((line for line in answer.splitlines() if line.startswith("Message:")), "no reason")
        # A refused login is still an answer: Asterisk lives, the conf file is wrong.
        if action == "Login":
            raise ValueError(
                f"login refused ({message.removeprefix('Message:').strip()}): check AMIUSER, AMISECRET"
            )
    return answer.splitlines()[0]


_UPTIME = "core show uptime"


class CliProbe:
    """A probe by `core show uptime` on the console, said to Asterisk's control socket without a program.

    Asterisk greets who connects and then answers what ends with a zero byte (docs/facts/asterisk.md). Where its socket
    is not found, or has never answered so, `asterisk -rx` is asked, which costs the start of a program.
    """

    name = "cli"

    def __init__(
        self, program: str, deadline: float, place: Callable[[], Path | None] = lambda: None
    ) -> None:
        self._program = program
        self._deadline = deadline
        self._place = place
        self._spoken = False

    async def ask(self, now: Now) -> Reading[str]:
        place = self._place()
        try:
            if place is not None:
                reading = await self._say(place, now)
                self._spoken = self._spoken or isinstance(reading, Known)
                if self._spoken:
                    return reading
            return await asyncio.to_thread(self._run, now)
        except AshaError as problem:
            return Unknown(str(problem), now())

    def close(self) -> None:
        pass

    def _run(self, now: Now) -> Reading[str]:
        finished = run([find_program(self._program), "-rx", _UPTIME], deadline=self._deadline)
        words = finished.output.strip().splitlines()
        if finished.ok and words:
            return Known(words[0], now())
        return Unknown(finished.explain() if not finished.ok else "the console said nothing", now())

    async def _say(self, place: Path, now: Now) -> Reading[str]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            try:
                connection.connect(str(place))  # which the kernel does or refuses at once
                answer = await self._answer(connection)
            except BlockingIOError:
                return Unknown("its console takes nobody in: others wait there", now())
            except OSError as problem:
                return Unknown(f"its console could not be asked at {place}: {problem.strerror}", now())
        return Known(answer, now()) if answer else Unknown(_late("the console", self._deadline), now())

    async def _answer(self, connection: socket.socket) -> str:
        dialogue = _Dialogue(connection)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._deadline):
                while not (answer := dialogue.answer()):
                    await _readable(connection)
                return answer
        return dialogue.answer()  # it may have come while this agent itself was late


def _late(who: str, deadline: float) -> str:
    return f"{who} did not answer within {deadline:g} s"


class _Dialogue:
    """What a console says on a connection: a greeting, then the answer to the one command that is said after it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._heard = b""
        self._said = False

    def answer(self) -> str:
        """Take in what has come; return the first line behind the greeting, "" while there is none.

        Raises OSError when it is broken off, HostError when it is too much.
        """
        while not (found := self._found()):
            if len(self._heard) > _LONGEST:
                raise HostError(f"The console said more than {_LONGEST} bytes and no line.")
            try:
                data = self._connection.recv(4096)
            except BlockingIOError:
                return ""
            if not data:
                raise ConnectionResetError(errno.ECONNRESET, "it broke off")
            self._heard += data
            if not self._said:
                self._connection.sendall(f"{_UPTIME}\0".encode())
                self._said = True
        return found

    def _found(self) -> str:
        lines = self._heard.decode(errors="replace").splitlines()
        return next((line for line in lines[1:] if line.strip()), "")


async def _readable(connection: socket.socket) -> None:
    """Wait until something can be read from `connection`. Nothing is read, so nothing is lost when that is given up."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)


class SipProbe:
    """A probe by SIP over UDP: a BYE to a call that there is none of. Any SIP reply means that the stack lives.

    Asterisk refuses such a BYE (481) before it looks who asks, and writes nothing of it; for an OPTIONS of somebody
    unknown PJSIP logs three lines each time, by which fail2ban would ban this node (docs/facts/asterisk.md).

    Without more it asks this node's own Asterisk. `host`: another address to be asked, from the own address `own`, over
    the interface `device` and no other way. Its answer may come from another address: an Asterisk that listens on every
    address answers from the first one of the interface, and most telephones take that.
    """

    name = "sip"

    def __init__(
        self, port: int, deadline: float, *, host: str = LOOPBACK, own: str = LOOPBACK, device: str = ""
    ) -> None:
        self._port = port
        self._deadline = deadline
        self._host, self._own, self._device = host, own, device

    async def ask(self, now: Now) -> Reading[str]:
        family = socket.AF_INET6 if version_of(self._host) == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.setblocking(False)
            try:
                if self._device:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._device.encode())
                connection.bind((self._own, 0))
                if self._host == self._own:
                    connection.connect((self._host, self._port))  # so that a closed port is told at once
                return await self._exchange(connection, now)
            except ConnectionRefusedError:
                return Unknown(f"nothing listens on SIP port {self._port}", now())
            except OSError as problem:
                return Unknown(f"SIP could not be asked: {problem.strerror}", now())

    def close(self) -> None:
        pass

    async def _exchange(self, connection: socket.socket, now: Now) -> Reading[str]:
        call = uuid.uuid4().hex
        own = with_port(self._own, connection.getsockname()[1])
        connection.sendto(bye(own, with_port(self._host, self._port), call), (self._host, self._port))
        try:
            async with asyncio.timeout(self._deadline):
                while not (answer := self._answer(connection, call)):
                    await _readable(connection)
        except TimeoutError:
            answer = self._answer(connection, call)  # it may have come while this agent itself was late
        return Known(answer, now()) if answer else Unknown(_late("SIP", self._deadline), now())

    def _answer(self, connection: socket.socket, call: str) -> str:
        """Return the first line of the answer to `call` among what has come; "" without one. Raises OSError."""
        try:
            while True:
                data, (source, *_) = connection.recvfrom(_LONGEST)
                reply = data.decode(errors="replace")
                if reply.startswith("SIP/2.0 ") and call in reply:
                    return reply.splitlines()[0] + ("" if source == self._host else f" from {source}")
        except BlockingIOError:
            return ""


def bye(own: str, asked: str, call: str) -> bytes:
    """Return a SIP BYE from `own` to `asked`, each as address:port, outside of any call, with `call` in its Call-ID.

    Source: RFC 3261, 15.1.2: what matches no call is answered with 481.
    """
    return (
        f"BYE sip:{asked} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {own};branch=z9hG4bK{call[:16]};rport\r\n"
        "Max-Forwards: 70\r\n"
        f"From: <sip:asha@{own}>;tag={call[:8]}\r\n"
        f"To: <sip:{asked}>\r\n"
        f"Call-ID: {call}@{own.rpartition(':')[0]}\r\n"
        "CSeq: 1 BYE\r\n"
        f"Contact: <sip:asha@{own}>\r\n"
        "User-Agent: asha\r\nContent-Length: 0\r\n\r\n"
    ).encode()
