"""Values that the diagram of the pair shows; the template only draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.core.status import DataStatus, SpanStatus, Status, StatusValue
from appliance.core.text import format_duration

# Role → the word on the page and the mark beside it: shape and word say what the colour says.
_STATES = {
    "active": ("ACTIVE", "disc"),
    "acquiring": ("TAKING SERVICE", "turning"),
    "standby": ("STANDBY", "ring"),
    "waiting": ("WAITING", "turning"),
    "releasing": ("LETTING GO", "turning"),
    "leaving": ("LETTING GO", "turning"),
    "off": ("HA OFF", "bar"),
    "not set up": ("NOT SET UP", "bar"),
}
_UNKNOWN = ("UNKNOWN", "question")
_GONE = ("GONE", "cross")
_PBX = {
    "running": "Asterisk runs",
    "starting": "Asterisk starts",
    "hung": "Asterisk hangs",
    "dead": "Asterisk does not run",
}
_LINE = {
    "absent": "no line here",
    "settling": "the line arrives",
    "clear": "the line is here",
    "unverifiable": "no alarm tells",
}
_CARD: Mapping[bool | None, str] = {True: "card there", False: "CARD GONE"}
_LEADS_TO: Mapping[str | None, str] = {"energised": "primary", "released": "secondary"}
_ARRIVED = frozenset({"settling", "clear"})


@dataclass(frozen=True, slots=True)
class SpanMark:
    """Span in the diagram: its name, what it says, and how bad that is (`good`, `idle`, `doubt`, `bad`)."""

    name: str
    says: str
    tone: str


@dataclass(frozen=True, slots=True)
class NodeMark:
    """Node in the diagram.

    `tone` is also the style: good, idle, doubt, bad. `here`: the page is served by this node.
    """

    side: str
    name: str
    state: str
    shape: str
    tone: str
    here: bool
    has_address: bool
    has_line: bool
    lines: tuple[str, ...]
    spans: tuple[SpanMark, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkMark:
    """Heartbeat link in the diagram."""

    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class RelayMark:
    """Relay in the diagram.

    `arm`: the node to which the relay is drawn (`primary`, `secondary`, "" when unknown). `confirmed`: the
    spans show that position; otherwise it is only what the card was told, which is what a move shows first.
    """

    arm: str
    confirmed: bool
    says: str
    card: str


@dataclass(frozen=True, slots=True)
class PairDiagram:
    """Whole diagram. `relay` is None where there is no line to move; `says` is all of it in words."""

    primary: NodeMark
    secondary: NodeMark
    links: tuple[LinkMark, ...]
    address: str
    address_at: str
    relay: RelayMark | None
    says: str = field(default="")

    @property
    def nodes(self) -> tuple[NodeMark, NodeMark]:
        """The primary and the secondary, from left to right."""
        return self.primary, self.secondary


def diagram(status: Status) -> PairDiagram:
    """Return the diagram of what the status document says."""
    own, other = _own(status), _peer(status)
    primary, secondary = (own, other) if own.side == "primary" else (other, own)
    links = tuple(LinkMark(name, state == "up") for name, state in sorted(status.peer.links.items()))
    relay = _relay(status, primary, secondary)
    first, _, second = status.address.ip.partition(", ")
    address = f"{first} + IPv6" if second else first or "no cluster address set"
    at = next((node.side for node in (primary, secondary) if node.has_address), "")
    return PairDiagram(
        primary, secondary, links, address, at, relay, _words(primary, secondary, relay, links)
    )


def _own(status: Status) -> NodeMark:
    role = status.role
    state, shape = _STATES.get(role, _UNKNOWN)
    pbx, line = status.pbx.state, status.line
    lines = [_told(pbx, _PBX)]
    if role == "waiting" and status.engine.waits_another is not None:
        lines.append(f"waits {status.engine.waits_another:.0f} s more")
    lines.append(_data(status.data, role))
    if line is not None:
        lines.append(_told(line, _LINE))
    if status.maintenance:
        lines.append("in maintenance")
    return NodeMark(
        side=status.node or "primary",
        name=_own_name(status),
        state=state,
        shape=shape,
        tone=_tone(role, status.fit),
        here=True,
        has_address=status.address.here.value is True,
        has_line=line is not None and line.value in _ARRIVED,
        lines=tuple(filter(None, lines)),
        spans=_spans(status.spans, holds=role in ("active", "acquiring")),
    )


def _own_name(status: Status) -> str:
    return status.names.of(status.node)


def _peer(status: Status) -> NodeMark:
    peer, own_side = status.peer, status.node or "primary"
    side = peer.node or ("secondary" if own_side == "primary" else "primary")
    role = peer.role
    alive = peer.alive.value
    if alive is False:
        state, shape, tone = *_GONE, "bad"
    elif alive is None or peer.fit.value is None:
        state, shape, tone = *_UNKNOWN, "doubt"
    else:
        state, shape = _STATES.get(role, _UNKNOWN)
        tone = _tone(role, peer.fit.value)
    fresh = alive is True and peer.fit.value is not None
    line = peer.line.value if fresh else None
    lines = [
        "" if alive is not None else peer.alive.why,
        "" if not fresh or peer.fit.value else "not fit",
        "" if not fresh or peer.data_age is None else f"data {format_duration(peer.data_age)} old",
        _LINE.get(line, "") if line else "",
        "in maintenance" if fresh and peer.maintenance else "",
    ]
    return NodeMark(
        side=side,
        name=peer.name,
        state=state,
        shape=shape,
        tone=tone,
        here=False,
        has_address=fresh and peer.granted.value is True and status.address.here.value is False,
        has_line=line in _ARRIVED,
        lines=tuple(filter(None, lines)),
    )


def _tone(role: str, fit: bool | None) -> str:
    if role in ("off", "not set up"):
        return "idle"
    if fit is False:
        return "bad"
    return {"active": "good", "standby": "good"}.get(role, "doubt")


def _spans(spans: StatusValue[tuple[SpanStatus, ...]] | None, *, holds: bool) -> tuple[SpanMark, ...]:
    if spans is None:
        return ()
    if spans.value is None:
        return (SpanMark("spans", "cannot be seen", "doubt"),)
    return tuple(_span(span, holds=holds) for span in spans.value)


def _span(span: SpanStatus, *, holds: bool) -> SpanMark:
    """Return the mark of one span.

    RED is normal on a standby: the line is with the peer, and the span is present.
    """
    alarms = "+".join(span.alarms) or ("no line" if span.line == "absent" else "")
    if span.line == "unverifiable":
        says, tone = f"{alarms or 'not verified'}, {span.channels} ch", "doubt"
    elif not alarms:
        says, tone = f"OK, {span.channels} ch", "good"
    elif holds:
        says, tone = f"{alarms}, {span.channels} ch", "bad"
    else:
        says, tone = f"{alarms}, ready", "idle"
    return SpanMark(f"{span.number} {span.kind}", says, tone)


def _relay(status: Status, primary: NodeMark, secondary: NodeMark) -> RelayMark | None:
    if status.line is None:
        return None
    relay, told = status.relay, _told_relay(status)
    at = [node.side for node in (primary, secondary) if node.has_line]
    seen = told if told in at else "".join(at[:1])
    if told == "secondary" and seen == "primary":
        seen = ""  # a released relay falls at once; a span needs half a second to say that its line has gone
    card = ""
    if relay.card is not None:
        card = _CARD.get(relay.card.value, "card unknown")
    if seen:
        return RelayMark(seen, True, f"line at the {seen}", card)
    if told:
        return RelayMark(told, False, f"told: {told}; not confirmed", card)
    return RelayMark("", False, "neither node receives the line", card)


def _told_relay(status: Status) -> str:
    """Return the node to which the card was told to lead the line, or "" when that is unknown.

    The node that has the card says it.
    """
    own, other = status.relay.commanded, status.peer.relay
    told = own.value if own is not None and own.value is not None else other.value
    return _LEADS_TO.get(told, "")


def _data(data: DataStatus, role: str) -> str:
    if role in ("off", "not set up"):
        return ""
    if data.newer:
        return "has newer data"
    if data.duty != "pull":
        return ""
    return "data never in step" if data.age is None else f"data {format_duration(data.age)} old"


def _told(reading: StatusValue[str], words: dict[str, str]) -> str:
    value = reading.value
    return words.get(value, str(value)) if value is not None else f"unknown: {reading.why}"


def _words(
    primary: NodeMark, secondary: NodeMark, relay: RelayMark | None, links: tuple[LinkMark, ...]
) -> str:
    parts = [f"{node.side} {node.name}: {node.state.lower()}" for node in (primary, secondary)]
    if relay is not None:
        parts.append(relay.says)
    down = [link.name for link in links if not link.up]
    if links:
        parts.append(f"engine links down: {', '.join(down)}" if down else "all engine links up")
    return "; ".join(parts) + "."
