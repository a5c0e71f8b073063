"""The comparison as SVG: a bar for each median, a whisker from least to most, one panel for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from hwsim.bench.results import PHASES, Results
from hwsim.bench.spread import Spread

_WIDTH, _LEFT, _RIGHT = 980, 150, 90
_TOP, _BAR, _GAP = 96, 15, 14
_PANEL_HEAD, _PANEL_FOOT = 34, 44
# The colours differ in lightness too, for people who see few colours.
_COLOURS = ("#0b3d91", "#d9822b", "#8a9aa8", "#2e7d32")


@dataclass(frozen=True, slots=True)
class _Scale:
    """The conversion of seconds to pixels, the same in every panel."""

    end: float

    def x(self, seconds: float) -> float:
        return _LEFT + seconds / self.end * (_WIDTH - _LEFT - _RIGHT)


def write_chart(path: Path, results: Results, words: str) -> None:
    """Write the SVG to `path`; `words` tell what was assumed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart(results, words), encoding="utf-8")


def chart(results: Results, words: str) -> str:
    """Return the SVG text."""
    scale = _Scale(_nice_end(results))
    panel = _panel_height(len(results.contenders))
    height = _TOP + panel * len(results.faults) + 10
    body = [
        line
        for number, fault in enumerate(results.faults)
        for line in _panel(results, fault, _TOP + number * panel, scale)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="sans-serif" font-size="13">',
            "<title>From the fault to each phase</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            '<text x="20" y="30" font-size="18" font-weight="bold">From the fault to each phase: '
            "median, and least to most</text>",
            f'<text x="20" y="52" fill="#444">{escape(words)}</text>',
            *_legend(results.contenders),
            *body,
            "</svg>",
            "",
        ]
    )


def _nice_end(results: Results) -> float:
    """Return the end of the axis: the next even second after the longest whisker."""
    figures = [
        results.phase(contender, fault, phase)
        for contender in results.contenders
        for fault in results.faults
        for phase in PHASES
    ]
    longest = max((figure.most for figure in figures if figure is not None), default=1.0)
    return max(2.0, 2.0 * (int(longest / 2) + 1))


def _panel_height(contenders: int) -> int:
    return _PANEL_HEAD + len(PHASES) * (contenders * _BAR + _GAP) + _PANEL_FOOT


def _legend(contenders: list[str]) -> Iterator[str]:
    for number, name in enumerate(contenders):
        x = 20 + number * 160
        yield f'<rect x="{x}" y="66" width="14" height="14" fill="{colour(number)}"/>'
        yield f'<text x="{x + 20}" y="78">{escape(name)}</text>'


def _panel(results: Results, fault: str, top: int, scale: _Scale) -> Iterator[str]:
    bottom = top + _panel_height(len(results.contenders)) - _PANEL_FOOT
    yield f'<text x="20" y="{top + 20}" font-size="15" font-weight="bold">{escape(fault)}</text>'
    yield from _grid(top + _PANEL_HEAD - 6, bottom, scale)
    y = top + _PANEL_HEAD
    for phase in PHASES:
        middle = y + len(results.contenders) * _BAR / 2 + 4
        yield f'<text x="{_LEFT - 12}" y="{middle:.0f}" text-anchor="end">{phase.replace("_", " ")}</text>'
        for number, contender in enumerate(results.contenders):
            yield from _bar(results.phase(contender, fault, phase), y, colour(number), scale)
            y += _BAR
        y += _GAP


def _grid(top: int, bottom: int, scale: _Scale) -> Iterator[str]:
    step = 1 if scale.end <= 12 else 2
    for second in range(0, round(scale.end) + 1, step):
        x = scale.x(second)
        yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#444">{second} s</text>'


def _bar(figure: Spread | None, y: int, colour: str, scale: _Scale) -> Iterator[str]:
    if figure is None:
        yield f'<text x="{_LEFT + 4}" y="{y + 11}" fill="#777" font-size="11">does not apply</text>'
        return
    width = max(1.5, scale.x(figure.median) - _LEFT)
    least, most, middle = scale.x(figure.least), scale.x(figure.most), y + (_BAR - 3) / 2
    yield f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR - 3}" fill="{colour}"/>'
    yield (
        f'<path d="M{least:.1f} {middle:.1f}H{most:.1f}M{least:.1f} {y + 2}V{y + _BAR - 5}'
        f'M{most:.1f} {y + 2}V{y + _BAR - 5}" stroke="#111" stroke-width="1.3" fill="none"/>'
    )
    text = max(_LEFT + width, most) + 6
    yield f'<text x="{text:.1f}" y="{y + 11}" font-size="11">{figure.median * 1000:.0f} ms</text>'


def colour(number: int) -> str:
    """Return the colour of the contender or line with this number, from 0."""
    return _COLOURS[number % len(_COLOURS)]
