"""Memory and descriptors over time as SVG: a panel for each, a line for each program and side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from hwsim.bench.chart import colour
from hwsim.soak.judgement import SIDES, Soaked
from hwsim.soak.readings import PROGRAMS, ProcessReading

_WIDTH, _LEFT, _RIGHT, _TOP = 980, 70, 20, 90
_PANEL, _BETWEEN = 220, 60
_DRAWN = {"memory": "resident memory, MB", "descriptors": "open descriptors"}
_LINES = tuple(itertools.product(PROGRAMS, SIDES))
# A gap between two looks that is longer is no line: the machine was off.
_BROKEN = 20.0


def write_chart(path: Path, run: Soaked, words: str) -> None:
    """Write the SVG of `run` to `path`; `words` say what it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart(run, words), encoding="utf-8")


def chart(run: Soaked, words: str) -> str:
    """Return the SVG text."""
    height = _TOP + len(_DRAWN) * (_PANEL + _BETWEEN)
    end = max((one.at for one in run.readings), default=0.0) or 1.0
    panels = (
        line
        for number, (figure, title) in enumerate(_DRAWN.items())
        for line in _panel(run.readings, figure, title, _TOP + 20 + number * (_PANEL + _BETWEEN), end)
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="sans-serif" font-size="13">',
            "<title>Memory and descriptors over time</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="20" y="30" font-size="18" font-weight="bold">{escape(words)}</text>',
            '<text x="20" y="52" fill="#444">grey: a round of faults, until the pair is at home again</text>',
            *_legend(),
            *panels,
            "</svg>",
            "",
        ]
    )


def _legend() -> Iterator[str]:
    for number, (program, side) in enumerate(_LINES):
        x = 20 + number * 200
        yield f'<rect x="{x}" y="66" width="14" height="14" fill="{colour(number)}"/>'
        yield f'<text x="{x + 20}" y="78">{program} on the {side}</text>'


def _panel(
    readings: Sequence[ProcessReading], figure: str, title: str, top: int, end: float
) -> Iterator[str]:
    most = 1.1 * max((one.figure(figure) for one in readings), default=0.0) or 1.0
    bottom, across = top + _PANEL, (_WIDTH - _LEFT - _RIGHT) / end
    for began, ended in _loud(readings):
        x, width = _LEFT + began * across, max(1.0, (ended - began) * across)
        yield f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_PANEL}" fill="#eee"/>'
    yield f'<text x="{_LEFT}" y="{top - 8}" font-size="15" font-weight="bold">{escape(title)}</text>'
    for part in range(5):
        y, value, minutes = bottom - part * _PANEL / 4, part * most / 4, part * end / 240
        x = _LEFT + part * (_WIDTH - _LEFT - _RIGHT) / 4
        anchor = "end" if part == 4 else "middle"
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{value:.0f}</text>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="{anchor}" fill="#444">{minutes:.1f} min</text>'
    for number, line in enumerate(_LINES):
        own = [one for one in readings if (one.program, one.side) == line]
        path = "".join(_stroke(own, figure, across, bottom, _PANEL / most))
        if path:
            yield f'<path d="{path}" stroke="{colour(number)}" stroke-width="1.5" fill="none"/>'


def _stroke(
    own: Sequence[ProcessReading], figure: str, across: float, bottom: float, up: float
) -> Iterator[str]:
    """Yield the line through the readings of one program on one side, which begins again with each process."""
    before: ProcessReading | None = None
    for one in own:
        goes_on = before is not None and one.life == before.life and one.at - before.at < _BROKEN
        x, y = _LEFT + one.at * across, bottom - one.figure(figure) * up
        yield f"{'L' if goes_on else 'M'}{x:.1f} {y:.1f}"
        before = one


def _loud(readings: Sequence[ProcessReading]) -> Iterator[tuple[float, float]]:
    """Yield the times, in seconds, in which faults were under way."""
    times = sorted({one.at: one.quiet for one in readings}.items())
    for quiet, group in itertools.groupby(times, key=lambda seen: seen[1]):
        span = [at for at, _ in group]
        if not quiet:
            yield span[0], span[-1]
