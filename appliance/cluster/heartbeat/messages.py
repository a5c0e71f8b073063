"""What the nodes tell each other, over Heartbeat's own authenticated links.

A message is a small mapping of text. It travels every Heartbeat medium, serial at 19200 baud included, so
it is kept below a kilobyte. Heartbeat sends again what a cut link lost: after a heal, messages arrive that
are seconds old (2.1 s seen), some in the wrong order. Each therefore carries its sender's monotonic time,
and `Mailbox` tells when, on our own clock, it was true.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.cluster.engine import PeerMessage
from appliance.cluster.heartbeat.api import CLIENT_NAME, HeartbeatApi
from appliance.core.errors import ClusterError

MESSAGE_TYPE = "asha"
LONGEST_MESSAGE = 1024
"""Bytes of names and values together, escapes included. At 19200 baud that is half a second of line."""

_PREFIX = "a."  # keeps our names apart from Heartbeat's own: t, src, st, to, seq ...
_SENT = "at"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_ESCAPED = re.compile(r"[^\x20-\x24\x26-\x7e]")  # all but printable ASCII, and '%' itself
_ESCAPE = re.compile(r"%([0-9A-F]{2})")
_DRIFT = 500e-6  # seconds a second that two clocks may part; five times what a quartz does
_REBOOTED = 60.0  # seconds that a node's clock must be behind its last word to be a new boot's


def send(api: HeartbeatApi, fields: Mapping[str, str], now: float) -> None:
    """Tell every node, this one too, `fields`; never blocks. `now` is our monotonic clock.

    Raises ClusterError when Heartbeat is gone, and ValueError for a name that is no plain word or a
    message longer than LONGEST_MESSAGE.
    """
    if not api.signed_on:
        raise ClusterError("The other node could not be told: not connected to Heartbeat.")
    api.send({"t": MESSAGE_TYPE, **pack(fields, now)})


def pack(fields: Mapping[str, str], now: float) -> dict[str, str]:
    """`fields` as they travel: names prefixed, values escaped, the time of sending added."""
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
    """The shortest way a message of one node took: our clock less its own, so far."""

    shortest: float
    seen: float
    sent: float


class Mailbox:
    """Turns what the API gives into messages of the other node, each with its true age."""

    def __init__(self, own_node: str) -> None:
        self._own = own_node
        self._delays: dict[str, _Delay] = {}

    def accept(self, message: Mapping[str, str], now: float) -> PeerMessage | None:
        """`message` when it is one of ours from the other node, whole, and newer than all before; else None.

        Give it every API message: it starts afresh with a node whose agent came or left.
        """
        event = agent_event(message, self._own)
        if event is not None:
            self._delays.pop(event[0], None)
        source = message.get("src", "")
        if message.get("t") != MESSAGE_TYPE or not source or source == self._own:
            return None
        sent = _seconds(message.get(_PREFIX + _SENT, ""))
        if sent is None or self._overtaken(source, sent):
            return None
        return PeerMessage(source, unpack(message), self._on_our_clock(source, sent, now))

    def _overtaken(self, source: str, sent: float) -> bool:
        """A newer one was here first. A clock far behind is a rebooted node's, and counts."""
        known = self._delays.get(source)
        return known is not None and known.sent - _REBOOTED < sent <= known.sent

    def _on_our_clock(self, source: str, sent: float, now: float) -> float:
        """When it was sent, taking the quickest message so far as having taken no time.

        Clocks drift apart, so the quickest is let go slowly.
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
    """The sender's fields out of a received message; what Heartbeat added is left out."""
    return {
        name.removeprefix(_PREFIX): _unescape(value)
        for name, value in message.items()
        if name.startswith(_PREFIX) and name != _PREFIX + _SENT
    }


def agent_event(message: Mapping[str, str], own_node: str) -> tuple[str, bool] | None:
    """(node, True) when the other node's agent came to Heartbeat, (node, False) when it left, else None."""
    if message.get("t") != "hbapi-clstat" or message.get("from_id") != CLIENT_NAME:
        return None
    source, event = message.get("src", ""), message.get("st")
    if not source or source == own_node or event not in ("join", "leave"):
        return None
    return source, event == "join"


def _escape(value: str) -> str:
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), value)


def _unescape(value: str) -> str:
    raw = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
    return raw.encode("latin-1", errors="replace").decode(errors="replace")


def _seconds(text: str) -> float | None:
    """Plain decimal seconds, nothing else that float() would also take."""
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text) else None
