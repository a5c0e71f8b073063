"""Every span of this node: from /proc/dahdi, with what sysfs and the driver's SPANSTAT add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi import ioctl, sysfs
from appliance.dahdi.proc import parse_span
from appliance.dahdi.span import Span


def read_spans(root: Path, now: float) -> Reading[tuple[Span, ...]]:
    """All spans by number; numbers may have holes. Never raises: what cannot be read is Unknown, with why.

    A span that vanishes while it is read is not there.
    """
    try:
        spans = tuple(sorted(_proc_spans(root), key=lambda span: span.number))
    except FileNotFoundError:
        return Unknown("DAHDI is not loaded: there is no /proc/dahdi", now)
    except OSError as problem:
        return Unknown(f"/proc/dahdi could not be read: {problem.strerror}", now)
    return Known(tuple(_enriched(span, root) for span in spans), now)


def span_numbers(root: Path) -> list[int]:
    """The numbers of the spans that are there. Raises OSError."""
    return sorted(int(entry.name) for entry in (root / "proc/dahdi").iterdir() if entry.name.isdigit())


def _proc_spans(root: Path) -> Iterator[Span]:
    for number in span_numbers(root):
        try:
            text = (root / f"proc/dahdi/{number}").read_text(errors="replace")
        except FileNotFoundError:
            continue
        span = parse_span(text)
        if span is not None:
            yield span


def _enriched(span: Span, root: Path) -> Span:
    """Alarms that any of the sources sees count: each of them may lag behind the others."""
    alarms = span.alarms | sysfs.read_alarms(root, span.number) | ioctl.read_alarms(root, span.number)
    return replace(span, alarms=alarms, location=sysfs.read_location(root, span.number))
