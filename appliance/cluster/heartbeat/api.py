"""The client of Heartbeat's API socket.

The socket carries what Heartbeat tells its clients, and the messages that the clients send each other. asha
signs on under the name `asha` (ha.cf grants it with `apiauth asha uid=root`). A named client's messages reach
the clients of the same name on every node, directly: no shell hook is run for them, and resource scripts do
not hold them up (both measured: a start that took four seconds delayed no message). Filter mask 1 keeps out
the heartbeats themselves: an idle cluster sends asha nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from appliance.core.errors import ClusterError

# The frames of Heartbeat's API: bytes into messages and back, without any I/O.
#
# A frame is two native 32-bit words, the length of the body and a magic number, then the body: `>>>`, one
# `name=value` a line, `<<<`. With `msgfmt netstring` the body is netstrings of `(type)name=value`. Source:
# Heartbeat 3.0.6 as run in the lab, and lib/clplumbing of its source.


_HEADER = struct.Struct("=II")
_MAGIC = 0xABCD
_START = b">>>\n"
_END = b"<<<\n"
_LONGEST = 256 * 1024  # MAXMSG of Heartbeat 2.x and 3.x; anything longer is not a frame

Fields = dict[str, str]


def encode(fields: Mapping[str, str]) -> bytes:
    """Return `fields` as one frame. Raises ValueError for a value with a newline or NUL."""
    lines = [f"{name}={value}\n" for name, value in fields.items()]
    if any("\0" in line or line.count("\n") != 1 for line in lines):
        raise ValueError("a field with a newline or NUL cannot travel in a Heartbeat message")
    body = _START + "".join(lines).encode("latin-1", errors="replace") + _END
    return _HEADER.pack(len(body), _MAGIC) + body


class Decoder:
    """A decoder that takes bytes in pieces of any size and returns the messages they complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Fields]:
        """Return the messages completed by `data`, in order. Raises ClusterError for bytes of no frame."""
        self._buffer += data
        return list(self._complete())

    def _complete(self) -> Iterator[Fields]:
        while len(self._buffer) >= _HEADER.size:
            length, magic = _HEADER.unpack_from(self._buffer)
            if magic != _MAGIC or length > _LONGEST:
                raise ClusterError("Heartbeat's API socket sent something that is not a Heartbeat message.")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield parse_body(body)


def parse_body(body: bytes) -> Fields:
    """Return the text fields of one body, in either form.

    Fields of other types (uuids, lists) are left out.
    """
    body = body.rstrip(b"\0")
    lines = body.split(b"\n") if body.startswith(_START) else _netstrings(body)
    fields: Fields = {}
    for line in lines:
        name, equals, value = line.partition(b"=")
        if equals and name and not name.startswith(b"("):
            fields[name.decode("latin-1")] = value.decode("latin-1")
    return fields


def _netstrings(body: bytes) -> Iterator[bytes]:
    """Yield the text fields from netstrings `LENGTH:(0)name=value,` behind a four byte start mark.

    Fields of other types are skipped.
    """
    rest = body[len(_START) :]
    while True:
        digits, colon, rest = rest.partition(b":")
        if not colon or not digits.isdigit() or len(digits) > 6:
            return
        length = int(digits)
        item, rest = rest[:length], rest[length + 1 :]
        if item.startswith(b"(0)"):
            yield item[3:]


CLIENT_NAME = "asha"
REPLY = "hbapi-resp"
_REQUEST = "hbapi-req"
_KEEP_ONLY = "1"  # KEEPIT: only messages with a meaning, not every heartbeat
_OUT_LIMIT = 64 * 1024
_CHUNK = 64 * 1024
_CHUNKS = 16  # pieces read in one `drain`
_ASKED_FIELDS = ("node", "ifname", "pname")


class HeartbeatApi:
    """One connection to Heartbeat; Heartbeat knows clients by pid, so at most one at a time in each process.

    Everything is non-blocking. Wait for `fileno()` to be readable, then call `drain()`; when `wants_write` is
    true, wait for writable too and call `flush()`. Replies arrive in order among the messages as
    `t=hbapi-resp`, with the fields of the request added. When Heartbeat goes away, `closed` turns true and
    `drain()` raises ClusterError; then make a new connection, for Heartbeat may only be restarting itself.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.setblocking(False)
        self._decoder = Decoder()
        self._out = bytearray()
        self._asked: deque[Fields] = deque()
        self.closed = False
        self.node = ""  # the name of this node; "" until signed on

    @classmethod
    def connect(cls, sockets: Sequence[Path]) -> Self:
        """Connect to the first of `sockets` on which Heartbeat listens, and begin to sign on.

        Raises ClusterError when there is none: Heartbeat is not running, or waits for the other node
        (initdead).
        """
        connection = _connect(sockets)
        if connection is not None:
            api = cls(connection)
            api._sign_on()
            return api
        raise ClusterError(
            f"Heartbeat does not answer on {' or '.join(map(str, sockets))}.",
            todo="It is not running, or still waits for the other node; see 'asha status'.",
        )

    @property
    def signed_on(self) -> bool:
        """True when Heartbeat has accepted this client; messages can be sent."""
        return bool(self.node) and not self.closed

    @property
    def wants_write(self) -> bool:
        """True while bytes wait for the socket to take them."""
        return bool(self._out) and not self.closed

    def fileno(self) -> int:
        """Return the descriptor for the event loop; -1 when closed."""
        return self._socket.fileno()

    def drain(self) -> list[Fields]:
        """Return the messages that have arrived.

        When more have arrived than one call reads, the socket stays readable, and the next call returns the
        others. Raises ClusterError at the end of the stream or on bytes that are no message.
        """
        messages: list[Fields] = []
        for _ in range(_CHUNKS):
            if self.closed:
                break
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                break
            except OSError as problem:
                raise self._lost(os.strerror(problem.errno or 0)) from problem
            if not data:
                if messages:  # return these messages first; the next drain meets the end of the stream again
                    break
                raise self._lost("it closed the connection")
            messages.extend(self._accept(message) for message in self._decode(data))
        return messages

    def ask(self, what: str, **fields: str) -> None:
        """Send a request (`nodestatus`, `iflist`, `getrsc` ...); its reply comes through `drain()`."""
        self._asked.append({name: fields[name] for name in _ASKED_FIELDS if name in fields})
        own_pid = str(os.getpid())
        self.send({"t": _REQUEST, "reqtype": what, "pid": own_pid, "from_id": CLIENT_NAME, **fields})

    def send(self, fields: Mapping[str, str]) -> None:
        """Queue a message, and send as much as the socket takes now.

        Raises ClusterError when Heartbeat is gone or has not read for so long that 64 KiB wait.
        """
        if self.closed:
            raise ClusterError("A message was not sent: the connection to Heartbeat is closed.")
        frame = encode(fields)
        if len(self._out) + len(frame) > _OUT_LIMIT:
            raise ClusterError("A message was not sent: Heartbeat has stopped reading its API socket.")
        self._out += frame
        self.flush()

    def flush(self) -> None:
        """Send the queued bytes, as far as the socket takes them."""
        while self.wants_write:
            try:
                sent = self._socket.send(self._out, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            except OSError as problem:
                raise self._lost(os.strerror(problem.errno or errno.EPIPE)) from problem
            del self._out[:sent]

    def close(self) -> None:
        """Close the connection; Heartbeat tells the client on the other node that this one has left.

        Closing again does nothing.
        """
        self.closed = True
        with contextlib.suppress(OSError):
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sign_on(self) -> None:
        self.ask("signon", uid=str(os.getuid()), gid=str(os.getgid()))
        self.ask("setfilter", fmask=_KEEP_ONLY)

    def _decode(self, data: bytes) -> list[Fields]:
        try:
            return self._decoder.feed(data)
        except ClusterError:
            self.close()
            raise

    def _accept(self, message: Fields) -> Fields:
        if message.get("t") != REPLY:
            return message
        asked = self._asked[0] if self._asked else {}
        if self._asked and message.get("result") != "ok/more":
            self._asked.popleft()
        if message.get("reqtype") == "signon":
            self._signed_on(message)
        return {**asked, **message}

    def _signed_on(self, reply: Fields) -> None:
        if reply.get("result") != "OK":
            self.close()
            raise ClusterError(
                f"Heartbeat refused asha as a client: {reply.get('info', reply.get('result', 'no reason'))}.",
                todo="ha.cf must say 'apiauth asha uid=root'; 'asha ha start' writes it.",
            )
        self.node = reply.get("node", "")

    def _lost(self, why: str) -> ClusterError:
        self.close()
        return ClusterError(f"The connection to Heartbeat was lost: {why}.")


def is_listened_on(sockets: Sequence[Path]) -> bool:
    """Tell whether Heartbeat serves clients on one of `sockets`.

    The socket appears only when the other node was heard or initdead is over. A Heartbeat that hangs, with
    its queue of clients full, still counts.
    """
    for path in sockets:
        connection, error = _try(path)
        connection.close()
        if error in (0, errno.EAGAIN):
            return True
    return False


def _connect(sockets: Sequence[Path]) -> socket.socket | None:
    for path in sockets:
        connection, error = _try(path)
        if error == 0:
            return connection
        connection.close()
    return None


def _try(path: Path) -> tuple[socket.socket, int]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    return connection, connection.connect_ex(str(path))
