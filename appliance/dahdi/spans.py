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

# A span that is unregistered while its file is open answers the read with ENODEV. Source: dahdi_seq_show.
_VANISHED = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})


def read_spans(root: Path, now: float) -> Reading[tuple[Span, ...]]:
    """All spans by number; numbers may have holes. Never raises: what cannot be read is Unknown, with why.

    A span that vanishes while it is read is not there.
    """
    return _each(read_heads(root, (), now), root, _with_driver)


def read_hardware(root: Path, now: float) -> Reading[tuple[Span, ...]]:
    """As `read_spans`, with what each span's card can do and its driver: for a comparison, not for looking often."""
    return _each(read_spans(root, now), root, _with_card)


def read_heads(root: Path, wanted: tuple[int, ...], now: float) -> Reading[tuple[Span, ...]]:
    """The spans `wanted` (empty: all) from /proc, with sysfs's alarms and kind. For looking often."""
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


def _with_alarms(span: Span, root: Path) -> Span:
    """Alarms that any of the sources sees count. /proc has no word for some of them, such as LOS alone."""
    return replace(
        span,
        alarms=span.alarms | sysfs.read_alarms(root, span.number),
        span_type=sysfs.read_span_type(root, span.number),
    )


def _with_driver(span: Span, root: Path) -> Span:
    """Each source may lag behind the others."""
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
