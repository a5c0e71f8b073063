"""Every span of this node: from /proc/dahdi, with what sysfs and the driver's SPANSTAT add."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi import ioctl, sysfs
from appliance.dahdi.proc import parse_span
from appliance.dahdi.span import Span

# Reading the file of a span that was unregistered while the file was open fails with ENODEV. Source:
# dahdi_seq_show.
_VANISHED = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})


def read_spans(root: Path, now: float) -> Reading[tuple[Span, ...]]:
    """Return all spans in the order of their numbers, which may have holes. Never raises.

    Spans that cannot be read give Unknown with the reason. A span that vanishes while it is read is left out.
    """
    return _each(read_heads(root, (), now), root, _with_driver)


def read_hardware(root: Path, now: float) -> Reading[tuple[Span, ...]]:
    """Return all spans as `read_spans` does, with each card's driver and the framings and codings it can do.

    Meant for comparing configurations with the hardware, not for frequent polling.
    """
    return _each(read_spans(root, now), root, _with_card)


def read_heads(root: Path, wanted: tuple[int, ...], now: float) -> Reading[tuple[Span, ...]]:
    """Return the spans `wanted` (empty: all) from /proc, with sysfs's alarms and kind, for frequent polling."""
    return _each(_read(root, wanted, now), root, _with_alarms)


def _each(
    seen: Reading[tuple[Span, ...]], root: Path, more: Callable[[Span, Path], Span]
) -> Reading[tuple[Span, ...]]:
    if isinstance(seen, Unknown):
        return seen
    return Known(tuple(more(span, root) for span in seen.value), seen.at)


def _read(root: Path, wanted: tuple[int, ...], now: float) -> Reading[tuple[Span, ...]]:
    directory = root / "proc/dahdi"
    try:
        texts = _texts(directory, wanted or _numbers(directory))
        if not texts and not directory.exists():
            return Unknown("DAHDI is not loaded: there is no /proc/dahdi", now)
    except OSError as problem:
        return Unknown(_unreadable(problem), now)
    spans = {number: parse_span(text) for number, text in texts.items()}
    if odd := [number for number, span in spans.items() if span is None or span.number != number]:
        return Unknown(f"/proc/dahdi/{odd[0]} holds no span that can be understood", now)
    return Known(tuple(span for span in spans.values() if span is not None), now)


def _texts(directory: Path, numbers: Iterable[int]) -> dict[int, str]:
    """Return the text of each span's file, without the spans that are gone. Raises OSError."""
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


def _with_alarms(span: Span, root: Path) -> Span:
    """Add the alarms and the kind from sysfs.

    An alarm counts when any source shows it: /proc has no word for some alarms, such as LOS alone.
    """
    return replace(
        span,
        alarms=span.alarms | sysfs.read_alarms(root, span.number),
        span_type=sysfs.read_span_type(root, span.number),
    )


def _with_driver(span: Span, root: Path) -> Span:
    """Add the driver's SPANSTAT alarms and the card's location; each source may lag behind the others."""
    return replace(
        span,
        alarms=span.alarms | ioctl.read_alarms(root, span.number),
        location=sysfs.read_location(root, span.number),
    )


def _with_card(span: Span, root: Path) -> Span:
    return replace(
        span,
        line_compat=sysfs.read_line_compat(root, span.number),
        driver=sysfs.read_driver(root, span.number),
    )
