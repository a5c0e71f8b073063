"""The parts of the status document about spans and probes."""

from __future__ import annotations

from typing import Any

from appliance.agent.site import Site
from appliance.agent.world import World
from appliance.core.reading import Reading, Unknown, fresh
from appliance.dahdi.alarms import Alarm
from appliance.dahdi.line import line_of
from appliance.dahdi.span import Span
from appliance.pbx.probes import probe_names

# Spans are read every few seconds; a reading older than this is no longer shown as if it were true.
_MAX_AGE = 30.0


def spans_document(site: Site, world: World, now: float) -> dict[str, Any] | None:
    """Return every span of this node; None where there is no line at all."""
    if not site.transfer_policy.has_line:
        return None
    spans = fresh(world.spans, now, _MAX_AGE)
    if isinstance(spans, Unknown):
        return {"value": None, "why": spans.reason}
    return {"value": [_span(span) for span in spans.value], "why": ""}


def _span(span: Span) -> dict[str, Any]:
    return {
        "number": span.number,
        "name": span.name,
        "kind": span.hardware.value,
        "alarms": [alarm.name for alarm in Alarm if alarm in span.alarms],
        "line": line_of(span).value,
        "channels": len(span.channels),
        "in_use": sum(channel.in_use for channel in span.channels),
    }


def probes_document(site: Site, world: World) -> dict[str, dict[str, Any]]:
    """Return, for each probe switched on, the time of its last answer, and why it is silent if it is."""
    return {name: _probe(world, name) for name in probe_names(site.conf)}


def _probe(world: World, name: str) -> dict[str, Any]:
    record = world.probes.get(name)
    if record is None or not (record.answers or record.silences):
        return {"ms": None, "silences": 0, "why": _not_asked(world.process)}
    why = record.last if record.silences else ""
    return {"ms": milliseconds(world.latency.get(name)), "silences": record.silences, "why": why}


def _not_asked(process: Reading[bool]) -> str:
    if isinstance(process, Unknown):
        return f"it is not known whether Asterisk runs: {process.reason}"
    return "not asked yet" if process.value else "Asterisk does not run"


def milliseconds(seconds: float | None) -> float | None:
    """Return `seconds` in milliseconds, rounded to the hundredth; None for None."""
    return None if seconds is None else round(seconds * 1000, 2)
