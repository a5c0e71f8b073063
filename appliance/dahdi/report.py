"""Spans as JSON documents, the form in which one node sends them to the other."""

from __future__ import annotations

from typing import Any

from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi.alarms import NONE
from appliance.dahdi.span import Channel, Span

Document = dict[str, Any]


def pack_spans(seen: Reading[tuple[Span, ...]]) -> Document:
    """Return a document with `spans`, or with `unknown` and the reason.

    Alarms are left out, because they are no property of the hardware.
    """
    if isinstance(seen, Unknown):
        return {"unknown": seen.reason}
    return {"spans": [_packed(span) for span in seen.value]}


def unpack_spans(said: Document, now: float) -> Reading[tuple[Span, ...]]:
    """Return the spans that `pack_spans` put into the document `said` on the other node.

    The answer is Unknown when the document does not have that form. `now` is in seconds on the monotonic
    clock.
    """
    if "unknown" in said:
        return Unknown(str(said["unknown"]), now)
    try:
        return Known(tuple(_unpacked(one) for one in said["spans"]), now)
    except (KeyError, TypeError, ValueError):
        return Unknown("its asha does not tell its spans", now)


def _packed(span: Span) -> Document:
    return {
        "number": span.number,
        "name": span.name,
        "description": span.description,
        "line_config": sorted(span.line_config),
        "line_compat": sorted(span.line_compat),
        "location": span.location,
        "span_type": span.span_type,
        "driver": span.driver,
        "channels": [[channel.number, channel.name, channel.signalling] for channel in span.channels],
    }


def _unpacked(said: Document) -> Span:
    return Span(
        number=int(said["number"]),
        name=str(said["name"]),
        description=str(said["description"]),
        alarms=NONE,
        line_config=frozenset(map(str, said["line_config"])),
        line_compat=frozenset(map(str, said["line_compat"])),
        location=str(said["location"]),
        span_type=str(said["span_type"]),
        driver=str(said["driver"]),
        channels=tuple(Channel(int(number), str(name), str(sig)) for number, name, sig in said["channels"]),
    )
