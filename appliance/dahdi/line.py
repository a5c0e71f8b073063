"""Is the telephone line here? The spans' alarms, as one word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from appliance.core.model import Line
from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi.alarms import ABSENT, SETTLING, Alarm
from appliance.dahdi.span import Kind, Span
from appliance.dahdi.spans import read_heads

# The first of these that any span says is the line's. What can still be waited for comes before what cannot be known.
_WORST_FIRST = (Line.ABSENT, Line.SETTLING, Line.UNVERIFIABLE, Line.CLEAR)

_IN_WORDS = {
    Line.ABSENT: "no signal",
    Line.SETTLING: "signal here, settling",
    Line.CLEAR: "no alarm",
    Line.UNVERIFIABLE: "cannot be verified: no alarm of this card tells whether the line is here",
}


def read_line(spans: Reading[tuple[Span, ...]], wanted: tuple[int, ...], now: float) -> Reading[Line]:
    """The line over the spans `wanted` (empty: all). The worst of them decides; one that is missing is Unknown."""
    if isinstance(spans, Unknown):
        return spans
    chosen = {span.number: span for span in spans.value if not wanted or span.number in wanted}
    if missing := _missing(chosen, wanted):
        return Unknown(missing, now)
    return Known(_worst(line_of(span) for span in chosen.values()), now)


def read_line_quick(root: Path, wanted: tuple[int, ...], now: float) -> Reading[Line]:
    """The same from the first lines in /proc/dahdi alone: well below a millisecond, for looking often."""
    return read_line(read_heads(root, wanted, now), wanted, now)


def line_of(span: Span) -> Line:
    """What one span says."""
    if span.alarms & ABSENT:
        return Line.ABSENT
    if span.kind is Kind.ANALOG:
        return _analog_line(span)
    return Line.SETTLING if span.alarms & SETTLING else Line.CLEAR


def explain(span: Span) -> str:
    """One line for people."""
    alarms = f" ({span.alarms.name})" if span.alarms else ""
    return f"span {span.number} {span.name} [{span.kind.value}]: {_IN_WORDS[line_of(span)]}{alarms}"


def _analog_line(span: Span) -> Line:
    """From the battery on the ports where telephone lines come in.

    Cards whose driver does not watch it (Rhino's rcbfx) say nothing by their silence. Neither does a card of which
    some ports have battery and some have not: which of them the relay moves is not known here.
    """
    dead = {bool(channel.alarms & Alarm.RED) for channel in span.channels if channel.watches_battery}
    if dead == {True}:
        return Line.ABSENT
    return Line.CLEAR if dead == {False} else Line.UNVERIFIABLE


def _worst(lines: Iterable[Line]) -> Line:
    return min(lines, key=_WORST_FIRST.index)


def _missing(found: dict[int, Span], wanted: tuple[int, ...]) -> str:
    gone = [str(number) for number in wanted if number not in found]
    if gone:
        return f"span {', '.join(gone)} of RHINOSPANS is not there"
    return "" if found else "DAHDI has no spans"
