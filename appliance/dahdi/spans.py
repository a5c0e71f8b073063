"""Every span of this node: from /proc/dahdi, with what sysfs and the driver's SPANSTAT add."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi import ioctl, sysfs
from appliance.dahdi.proc import parse_head, parse_span
from appliance.dahdi.span import Span

# A span that is unregistered while its file is open answers the read with ENODEV. Source: dahdi_seq_show.
_VANISHED = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})


def read_spans(root: Path, now: float) -> Reading[tuple[Span, ...]]:
    """All spans by number; numbers may have holes. Never raises: what cannot be read is Unknown, with why.

    A span that vanishes while it is read is not there.
    """
    spans = _read(root, (), parse_span, now)
    if isinstance(spans, Unknown):
        return spans
    return Known(tuple(_enriched(span, root) for span in spans.value), now)


def read_hardware(root: Path, now: float) -> Reading[tuple[Span, ...]]:
    """As `read_spans`, with what each span's card can do and its driver: for a comparison, not for looking often."""
    spans = read_spans(root, now)
    if isinstance(spans, Unknown):
        return spans
    return Known(tuple(_with_card(span, root) for span in spans.value), now)


def read_heads(root: Path, wanted: tuple[int, ...], now: float) -> Reading[tuple[Span, ...]]:
    """The spans `wanted` (empty: all) from /proc alone, digital ones without their channels. For looking often."""
    return _read(root, wanted, parse_head, now)


def _read(
    root: Path, wanted: tuple[int, ...], parse: Callable[[str], Span | None], now: float
) -> Reading[tuple[Span, ...]]:
    directory = root / "proc/dahdi"
    try:
        texts = _texts(directory, wanted or _numbers(directory))
        if not texts and not directory.exists():
            return Unknown("DAHDI is not loaded: there is no /proc/dahdi", now)
    except OSError as problem:
        return Unknown(_unreadable(problem), now)
    spans = {number: parse(text) for number, text in texts.items()}
    if odd := [number for number, span in spans.items() if span is None]:
        return Unknown(f"/proc/dahdi/{odd[0]} holds no span that can be understood", now)
    return Known(tuple(span for span in spans.values() if span is not None), now)


def _texts(directory: Path, numbers: Iterable[int]) -> dict[int, str]:
    """What each span's file says, without those that are gone. Raises OSError."""
    found: dict[int, str] = {}
    for number in numbers:
        try:
            text = (directory / str(number)).read_bytes().decode(errors="replace")
        except OSError as problem:
            if problem.errno not in _VANISHED:
                raise
            continue
        if text:
            found[number] = text
    return found


def _numbers(directory: Path) -> list[int]:
    names = (entry.name for entry in directory.iterdir())
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def _unreadable(problem: OSError) -> str:
    if problem.errno == errno.ENOENT:
        return "DAHDI is not loaded: there is no /proc/dahdi"
    return f"/proc/dahdi could not be read: {problem.strerror}"


def _enriched(span: Span, root: Path) -> Span:
    """Alarms that any of the sources sees count: each of them may lag behind the others."""
    return replace(
        span,
        alarms=span.alarms | sysfs.read_alarms(root, span.number) | ioctl.read_alarms(root, span.number),
        location=sysfs.read_location(root, span.number),
        span_type=sysfs.read_span_type(root, span.number),
    )


def _with_card(span: Span, root: Path) -> Span:
    return replace(
        span,
        line_compat=sysfs.read_line_compat(root, span.number),
        driver=sysfs.read_driver(root, span.number),
    )
