"""The comparison as SVG: a bar for each median, a whisker from least to most, one panel for each fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from hwsim.bench.results import PHASES, Results
from hwsim.bench.spread import Spread

_WIDTH, _LEFT, _RIGHT = 980, 190, 90
_TOP, _BAR, _GAP = 96, 15, 14
_PANEL_HEAD, _PANEL_FOOT = 34, 44
# The colours differ in lightness too, for people who see few colours.
_COLOURS = ("#0b3d91", "#d9822b", "#8a9aa8", "#2e7d32", "#8e24aa")


@dataclass(frozen=True, slots=True)
class _Scale:
    """The conversion of seconds to pixels, the same in every panel."""

    end: float

    def x(self, seconds: float) -> float:
        return _LEFT + seconds / self.end * (_WIDTH - _LEFT - _RIGHT)


@dataclass(frozen=True, slots=True)
class Panel:
    """What is drawn of one fault: for each figure its name, and a spread for each contender, None where none is."""

    title: str
    figures: Sequence[tuple[str, Sequence[Spread | None]]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels below each other with one axis of seconds; `words` tell what was assumed."""

    title: str
    words: str
    contenders: Sequence[str]
    panels: Sequence[Panel]


def write_chart(path: Path, drawn: Chart) -> None:
    """Write the SVG to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart(drawn), encoding="utf-8")


def of_results(results: Results, words: str) -> Chart:
    """Return the chart of every phase after every fault."""
    panels = [
        Panel(
            fault,
            [
                (phase.replace("_", " "), [results.phase(one, fault, phase) for one in results.contenders])
                for phase in PHASES
            ],
        )
        for fault in results.faults
    ]
    return Chart("From the fault to each phase", words, results.contenders, panels)


def chart(drawn: Chart) -> str:
    """Return the SVG text."""
    scale = _Scale(_nice_end(drawn.panels))
    heights = [_panel_height(panel, len(drawn.contenders)) for panel in drawn.panels]
    tops = [_TOP + sum(heights[:number]) for number in range(len(heights))]
    height = _TOP + sum(heights) + 10
    body = [
        line
        for panel, top in zip(drawn.panels, tops, strict=True)
        for line in _panel(panel, len(drawn.contenders), top, scale)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="sans-serif" font-size="13">',
            f"<title>{escape(drawn.title)}</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="20" y="30" font-size="18" font-weight="bold">{escape(drawn.title)}: '
            "median, and least to most</text>",
            f'<text x="20" y="52" fill="#444">{escape(drawn.words)}</text>',
            *_legend(drawn.contenders),
            *body,
            "</svg>",
            "",
        ]
    )


def _nice_end(panels: Sequence[Panel]) -> float:
    """Return the end of the axis: the next even second after the longest whisker."""
    figures = [figure for panel in panels for _, spreads in panel.figures for figure in spreads]
    longest = max((figure.most for figure in figures if figure is not None), default=1.0)
    return max(2.0, 2.0 * (int(longest / 2) + 1))


def _panel_height(panel: Panel, contenders: int) -> int:
    return _PANEL_HEAD + len(panel.figures) * (contenders * _BAR + _GAP) + _PANEL_FOOT


def _legend(contenders: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(contenders):
        x = 20 + number * 160
        yield f'<rect x="{x}" y="66" width="14" height="14" fill="{colour(number)}"/>'
        yield f'<text x="{x + 20}" y="78">{escape(name)}</text>'


def _panel(panel: Panel, contenders: int, top: int, scale: _Scale) -> Iterator[str]:
    bottom = top + _panel_height(panel, contenders) - _PANEL_FOOT
    yield f'<text x="20" y="{top + 20}" font-size="15" font-weight="bold">{escape(panel.title)}</text>'
    yield from _grid(top + _PANEL_HEAD - 6, bottom, scale)
    y = top + _PANEL_HEAD
    for name, spreads in panel.figures:
        middle = y + contenders * _BAR / 2 + 4
        yield f'<text x="{_LEFT - 12}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>'
        for number, figure in enumerate(spreads):
            yield from _bar(figure, y, colour(number), scale)
            y += _BAR
        y += _GAP


def _grid(top: int, bottom: int, scale: _Scale) -> Iterator[str]:
    step = 1 if scale.end <= 12 else 2 if scale.end <= 36 else 5
    for second in range(0, round(scale.end) + 1, step):
        x = scale.x(second)
        yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#444">{second} s</text>'


def _bar(figure: Spread | None, y: int, colour: str, scale: _Scale) -> Iterator[str]:
    if figure is None:
        yield f'<text x="{_LEFT + 4}" y="{y + 11}" fill="#777" font-size="11">not seen</text>'
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
