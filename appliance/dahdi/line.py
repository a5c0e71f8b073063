"""Is the telephone line here? The spans' alarms, as one word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from appliance.core.model import Line
from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi.alarms import ABSENT, SETTLING, Alarm
from appliance.dahdi.proc import head_alarms, parse_span
from appliance.dahdi.span import Span
from appliance.dahdi.spans import span_numbers

_HEAD_SIZE = 1024


def read_line(spans: Reading[tuple[Span, ...]], wanted: tuple[int, ...], now: float) -> Reading[Line]:
    """The line over the spans `wanted` (empty: all). The worst of them decides; one that is missing is Unknown."""
    if isinstance(spans, Unknown):
        return spans
    chosen = {span.number: span for span in spans.value if not wanted or span.number in wanted}
    if missing := _missing(chosen, wanted):
        return Unknown(missing, now)
    return Known(_worst(line_of(span) for span in chosen.values()), now)


def read_line_quick(root: Path, wanted: tuple[int, ...], now: float) -> Reading[Line]:
    """The same from the first lines in /proc/dahdi alone: a few microseconds a span, for looking often."""
    try:
        found = {
            number: _quick(root, number) for number in span_numbers(root) if not wanted or number in wanted
        }
    except FileNotFoundError:
        return Unknown("DAHDI is not loaded: there is no /proc/dahdi", now)
    except OSError as problem:
        return Unknown(f"/proc/dahdi could not be read: {problem.strerror}", now)
    there = {number: line for number, line in found.items() if line is not None}
    if missing := _missing(there, wanted):
        return Unknown(missing, now)
    return Known(_worst(there.values()), now)


def line_of(span: Span) -> Line:
    """What one span says."""
    return _line(span.alarms, silent=span.is_rhino_analog)


def explain(span: Span) -> str:
    """One line for people."""
    words = {
        Line.ABSENT: "no signal",
        Line.SETTLING: "signal here, settling",
        Line.CLEAR: "no alarm",
        Line.UNVERIFIABLE: "cannot be verified: this card raises no alarm",
    }[line_of(span)]
    alarms = f" ({span.alarms.name})" if span.alarms else ""
    return f"span {span.number} {span.name} [{span.kind.value}]: {words}{alarms}"


def _quick(root: Path, number: int) -> Line | None:
    try:
        with (root / f"proc/dahdi/{number}").open("rb") as file:
            head = file.read(_HEAD_SIZE).decode(errors="replace").split("\n")[0]
    except FileNotFoundError:
        return None
    alarms = head_alarms(head)
    if alarms is None:
        return None
    span = parse_span(head)
    return _line(alarms, silent=span is not None and span.is_rhino_analog)


def _line(alarms: Alarm, *, silent: bool) -> Line:
    if alarms & ABSENT:
        return Line.ABSENT
    if silent:
        # Rhino's analog driver never raises an alarm: silence says nothing.
        return Line.UNVERIFIABLE
    return Line.SETTLING if alarms & SETTLING else Line.CLEAR


def _worst(lines: Iterable[Line]) -> Line:
    order = (Line.ABSENT, Line.UNVERIFIABLE, Line.SETTLING, Line.CLEAR)
    return min(lines, key=order.index)


def _missing(found: dict[int, Span] | dict[int, Line], wanted: tuple[int, ...]) -> str:
    gone = [str(number) for number in wanted if number not in found]
    if gone:
        return f"span {', '.join(gone)} of RHINOSPANS is not there"
    return "" if found else "DAHDI has no spans"
