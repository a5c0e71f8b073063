"""Whether the telephone line is here: the alarms of the spans, judged as one `Line` value.

Only a line that is known to be clear is Clear. A span without an alarm is clear when its kind is known, its
driver is known to raise the alarm, dahdi_cfg has set the span up, and nothing that the span says is strange.
Otherwise the absence of an alarm proves nothing, and the line is Unverifiable, with advice on what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from appliance.core.model import Line
from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi.alarms import ABSENT, NONE, SETTLING, Alarm
from appliance.dahdi.span import DIGITAL, Span, SpanKind
from appliance.dahdi.spans import read_heads

# The first of these values that any span has is the value of the line. States that can still change by
# waiting come before a state that cannot be known.
_WORST_FIRST = (Line.ABSENT, Line.SETTLING, Line.UNVERIFIABLE, Line.CLEAR)

_IN_WORDS = {
    Line.ABSENT: "no signal",
    Line.SETTLING: "signal here, settling",
    Line.CLEAR: "no alarm",
    Line.UNVERIFIABLE: "cannot be verified",
}
_SPARE = "run dahdi_cfg, or, if no telephone line is on it, name in RHINOSPANS only the spans that have one"
_NAME_IT = "name in RHINOSPANS only the spans that the relay switches"


def read_line(spans: Reading[tuple[Span, ...]], wanted: tuple[int, ...], now: float) -> Reading[Line]:
    """Return the state of the line over the spans `wanted`, as of `now` in seconds on the monotonic clock.

    With `wanted` empty, every span that carries something counts. The worst span decides; a missing span
    makes the answer Unknown. The note of the reading says why the line is unverifiable.
    """
    if isinstance(spans, Unknown):
        return spans
    chosen = [span for span in spans.value if (span.number in wanted if wanted else not span.carries_nothing)]
    if missing := _missing(spans.value, chosen, wanted):
        return Unknown(missing, now)
    judged = [(span, *judge(span)) for span in chosen]
    worst = min((line for _, line, _ in judged), key=_WORST_FIRST.index)
    return Known(worst, now, _spell(((span, why) for span, line, why in judged if line is worst and why)))


def read_line_quick(root: Path, wanted: tuple[int, ...], now: float) -> Reading[Line]:
    """Return the line's state from /proc/dahdi and sysfs's alarms alone.

    Takes well below a millisecond a span, for frequent polling. Arguments as for `read_line`.
    """
    return read_line(read_heads(root, wanted, now), wanted, now)


def line_of(span: Span) -> Line:
    """Return the state of the line as this one span shows it."""
    return judge(span)[0]


def judge(span: Span) -> tuple[Line, str]:
    """Return the state that one span shows, and why this need not be the telephone line's fault.

    The second value also says what to do; it is "" when there is no such reason.
    """
    if span.alarms & ABSENT or _all_dead(span):
        return Line.ABSENT, _other_cause(span)
    if why := next((why for why in _doubts(span) if why), ""):
        return Line.UNVERIFIABLE, why
    return (Line.SETTLING if span.alarms & SETTLING else Line.CLEAR), ""


def _spell(whys: Iterable[tuple[Span, str]]) -> str:
    """Return every reason once, with the spans that it applies to."""
    named: dict[str, list[str]] = {}
    for span, why in whys:
        named.setdefault(why, []).append(f"{span.number} ({span.name})")
    return "; ".join(f"span {', '.join(names)}: {why}" for why, names in named.items())


def explain(span: Span) -> str:
    """Return one line of text that describes the span's state for people."""
    line, why = judge(span)
    alarms = f" ({span.alarms.name})" if span.alarms else ""
    said = f": {why}" if why else ""
    return f"span {span.number} {span.name} [{span.kind.value}]: {_IN_WORDS[line]}{alarms}{said}"


def _doubts(span: Span) -> Iterator[str]:
    """Yield every reason not to believe the span, "" for a reason that does not hold."""
    yield _without_channels(span)
    if span.strange:
        yield (
            f"'{span.strange[0][:60]}' in /proc/dahdi/{span.number} is not understood, and it may be an alarm; "
            + ("report it, and make a test call")
        )
    if span.alarms & Alarm.OTHER:
        yield "its driver raises an alarm that no DAHDI header names; make a test call"
    if odd := [channel.signalling for channel in span.channels if not channel.is_understood]:
        yield f"the signalling '{odd[0][:40]}' of its channels is not understood; make a test call"
    yield _not_set_up(span)
    if span.kind is SpanKind.ANALOG:
        yield _silent_analog(span)
    elif span.kind is SpanKind.NETWORK:
        yield "it is the other end of a span of this node: no line comes in on it" if span.is_local else ""
    elif span.kind not in DIGITAL:
        yield f"what kind of span it is cannot be told, nor whether its driver raises alarms; {_NAME_IT}"
    elif not span.alarms and any(channel.takes_line and channel.alarms for channel in span.channels):
        yield "the span has no alarm and a channel of it has one; make a test call"


def _without_channels(span: Span) -> str:
    if span.channels:
        return ""
    if span.carries_nothing:
        return f"it has no channels and only gives the timing: no line can be on it; {_NAME_IT}"
    return "it shows no channels; look whether its driver is loaded and well"


def _not_set_up(span: Span) -> str:
    """Return why the span counts as not set up, or "" when it is set up.

    dahdi_cfg starts a digital span by its `span` line, and a channel by its signalling. Before that no alarm
    counts.
    """
    if not any(channel.is_set_up for channel in span.channels):
        return f"dahdi_cfg has not set up its channels, so nothing goes over it; {_SPARE}"
    if span.kind in (SpanKind.ANALOG, SpanKind.NETWORK):
        contrary = span.kind is SpanKind.ANALOG and span.line_config
        return "it is analog and yet has a line coding; make a test call" if contrary else ""
    if not span.line_config:
        return f"dahdi_cfg has not given it a line coding, so its driver has not started it; {_SPARE}"
    return ""


def _silent_analog(span: Span) -> str:
    """Return why the FXO ports of an analog span do not prove that their lines have battery; "" when they do.

    Cards whose driver does not watch the battery (Rhino's rcbfx) prove nothing by raising no alarm. Neither
    does a card of which some ports have battery and some have not: which of the ports the relay switches is
    not known here.
    """
    lines = [channel for channel in span.channels if channel.takes_line]
    if not lines:
        return f"no channel of it has FXS signalling, so no telephone line comes in on it; {_NAME_IT}"
    if any(channel.alarms for channel in span.channels if channel.is_analog):
        return "some of its ports have an alarm and some have not; make a test call"
    if not all(channel.watches_battery for channel in lines):
        return "no alarm of this card is known to tell whether a line is there; make a test call"
    return ""


def _all_dead(span: Span) -> bool:
    """Return True when every port of an analog card where a telephone line comes in reports a dead line."""
    lines = [channel.alarms & ABSENT for channel in span.channels if channel.takes_line]
    return span.kind is SpanKind.ANALOG and bool(lines) and NONE not in lines


def _other_cause(span: Span) -> str:
    """Return a cause other than a dead line that may explain the alarms, or ""."""
    if span.alarms & ABSENT == Alarm.NOTOPEN:
        return "no program has its channels open (NOTOPEN), so the alarm ends when Asterisk runs"
    if span.alarms & Alarm.LOOPBACK:
        return "it is looped back for a test (LOOP): end it with dahdi_maint"
    if span.kind is SpanKind.BRI:
        return "a BRI line that the exchange lets sleep between calls shows this too"
    return ""


def _missing(found: Iterable[Span], chosen: list[Span], wanted: tuple[int, ...]) -> str:
    there = {span.number: span.name for span in found}
    if gone := [str(number) for number in wanted if number not in there]:
        return f"span {', '.join(gone)} of RHINOSPANS is not there"
    if chosen:
        return ""
    if there:
        return (
            f"DAHDI has only {', '.join(there.values())}, without channels: no driver of a card shows a span"
        )
    return "DAHDI has no spans"
