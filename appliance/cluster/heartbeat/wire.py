"""The frames of Heartbeat's API: bytes into messages and back, without any I/O.

A frame is two native 32-bit words, the length of the body and a magic number, then the body: `>>>`, one
`name=value` a line, `<<<`. With `msgfmt netstring` the body is netstrings of `(type)name=value`. Source:
Heartbeat 3.0.6 as run in the lab, and lib/clplumbing of its source.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from appliance.core.errors import ClusterError

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
