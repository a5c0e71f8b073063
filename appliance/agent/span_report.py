"""The parts of the status document about spans and probes."""

from __future__ import annotations

from appliance.agent.site import Site
from appliance.agent.world import World
from appliance.core.reading import Reading, Unknown, fresh
from appliance.core.status import ProbeStatus, SpanStatus, StatusValue
from appliance.dahdi.alarms import Alarm
from appliance.dahdi.line import line_of
from appliance.dahdi.span import Span
from appliance.pbx.probes import probe_names

# They are read every few seconds; older than this they are no longer shown as if they were true.
_MAX_AGE = 30.0


def spans_status(site: Site, world: World, now: float) -> StatusValue[tuple[SpanStatus, ...]] | None:
    """Return every span of this node; None where there is no line at all."""
    if not site.transfer_policy.has_line:
        return None
    spans = fresh(world.spans, now, _MAX_AGE)
    if isinstance(spans, Unknown):
        return StatusValue(None, spans.reason)
    return StatusValue(tuple(_span(span) for span in spans.value), "")


def _span(span: Span) -> SpanStatus:
    return SpanStatus(
        number=span.number,
        name=span.name,
        kind=span.hardware.value,
        alarms=tuple(str(alarm.name) for alarm in Alarm if alarm in span.alarms),
        line=line_of(span).value,
        channels=len(span.channels),
        in_use=sum(channel.in_use for channel in span.channels),
    )


def probes_status(site: Site, world: World) -> dict[str, ProbeStatus]:
    """Return each probe that is switched on: how long its last answer took, and why it is silent if it is."""
    return {name: _probe(world, name) for name in probe_names(site.conf)}


def _probe(world: World, name: str) -> ProbeStatus:
    record = world.probes.get(name)
    if record is None or not (record.answers or record.silences):
        return ProbeStatus(None, 0, _not_asked(world.process))
    why = record.last if record.silences else ""
    return ProbeStatus(milliseconds(world.latency.get(name)), record.silences, why)


def _not_asked(process: Reading[bool]) -> str:
    if isinstance(process, Unknown):
        return f"it is not known whether Asterisk runs: {process.reason}"
    return "not asked yet" if process.value else "Asterisk does not run"


def milliseconds(seconds: float | None) -> float | None:
    """Return `seconds` in milliseconds, rounded to the hundredth; None for None."""
    return None if seconds is None else round(seconds * 1000, 2)
