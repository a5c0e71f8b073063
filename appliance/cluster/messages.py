"""The messages between the agents of the two nodes, as an engine carries them.

A message is a small mapping of text. It may travel over every medium of an engine, serial at 19200 baud included,
so it is kept to a kilobyte. An engine sends again what a cut link lost: after the link is back, messages arrive that
are seconds old (2.1 s seen), some in the wrong order. Each message therefore carries its sender's monotonic time, and
`Mailbox` computes when, on the clock of the receiver, the message was true.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.cluster.engine import PeerMessage

LONGEST_MESSAGE = 1024
"""Bytes of names and values together, escapes included. At 19200 baud that is half a second of line."""

_PREFIX = "a."  # keeps asha's field names apart from Heartbeat's own: t, src, st, to, seq ...
_SENT = "at"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_ESCAPED = re.compile(r"[^\x20-\x24\x26-\x7e]")  # all but printable ASCII, and '%' itself
_ESCAPE = re.compile(r"%([0-9A-F]{2})")
_DRIFT = 500e-6  # seconds per second by which two clocks may drift apart; five times what a quartz does
_REBOOTED = 60.0  # a clock this many seconds behind the node's last message is that of a new boot


def pack(fields: Mapping[str, str], now: float) -> dict[str, str]:
    """Return `fields` as they travel: names prefixed, values escaped, the time of sending added.

    Raises ValueError for a name that is no plain word or a message longer than LONGEST_MESSAGE.
    """
    wrong = [name for name in fields if not _NAME.match(name) or name == _SENT]
    if wrong:
        raise ValueError(f"not a field name: {', '.join(wrong)}")
    packed = {_PREFIX + name: _escape(value) for name, value in fields.items()}
    packed[_PREFIX + _SENT] = f"{now:.3f}"
    length = sum(len(name) + len(value) + 2 for name, value in packed.items())
    if length > LONGEST_MESSAGE:
        raise ValueError(f"a message of {length} bytes; {LONGEST_MESSAGE} are the limit")
    return packed


@dataclass(slots=True)
class _Delay:
    """The shortest delay of the messages of one node so far.

    A delay is the receiving clock minus the sending clock, so it includes the difference of the two clocks.
    """

    shortest: float
    seen: float
    sent: float


class Mailbox:
    """The receiver of the other node's messages, each with its true age."""

    def __init__(self, own_node: str) -> None:
        self._own = own_node
        self._delays: dict[str, _Delay] = {}

    def take_in(self, source: str, packed: Mapping[str, str], now: float) -> PeerMessage | None:
        """Return `packed`, which `source` has sent, as a message; None when it is damaged, overtaken, or our own."""
        if not source or source == self._own:
            return None
        sent = _seconds(packed.get(_PREFIX + _SENT, ""))
        if sent is None or self._overtaken(source, sent):
            return None
        return PeerMessage(source, unpack(packed), self._on_our_clock(source, sent, now))

    def forget(self, source: str) -> None:
        """Forget the delays of `source`, whose agent has come or left."""
        self._delays.pop(source, None)

    def _overtaken(self, source: str, sent: float) -> bool:
        """Tell whether a newer message has arrived before this one.

        A clock that is far behind is that of a rebooted node, so its message counts as new.
        """
        known = self._delays.get(source)
        return known is not None and known.sent - _REBOOTED < sent <= known.sent

    def _on_our_clock(self, source: str, sent: float, now: float) -> float:
        """Return when the message was sent, on the clock of this node.

        The quickest message so far is assumed to have taken no time. The two clocks drift apart, so the
        shortest delay is relaxed slowly.
        """
        took = now - sent
        known = self._delays.get(source)
        if known is None or sent <= known.sent:
            shortest = took
        else:
            shortest = min(took, known.shortest + _DRIFT * (now - known.seen))
        self._delays[source] = _Delay(shortest, now, sent)
        return now - (took - shortest)


def unpack(message: Mapping[str, str]) -> dict[str, str]:
    """Return the sender's fields of a received message, without what Heartbeat added."""
    return {
        name.removeprefix(_PREFIX): _unescape(value)
        for name, value in message.items()
        if name.startswith(_PREFIX) and name != _PREFIX + _SENT
    }


def _escape(value: str) -> str:
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), value)


def _unescape(value: str) -> str:
    raw = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
    return raw.encode("latin-1", errors="replace").decode(errors="replace")


def _seconds(text: str) -> float | None:
    """Return plain decimal seconds as a number; None for anything else, even if float() would take it."""
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text) else None
