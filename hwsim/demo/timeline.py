"""A scenario's timeline as SVG, for people who prefer a picture to a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from hwsim.demo.ledger import Lags
from hwsim.demo.marks import Marks

_LEFT, _RIGHT, _TOP, _ROW = 240, 60, 70, 34
_WIDTH = 900
# Mark → words and colour. The colours differ in lightness too, for people who see few colours.
_ROWS = {
    "detected": ("fault detected", "#7a3e9d"),
    "relay_moved": ("relay moved", "#b3541e"),
    "address_moved": ("address moved", "#1f6f8b"),
    "pbx_answering": ("Asterisk answers", "#2e7d32"),
    "alarm_clear": ("span alarm clear", "#9e7700"),
    "line_in_service": ("line in service", "#0b3d91"),
}
_THERE, _BACK = "#1f6f8b", "#b3541e"


Bar = tuple[str, str, float | None]
"""Words, colour, seconds; None where it does not apply."""


def write_timeline(path: Path, title: str, marks: Marks, verdict: str) -> None:
    """Write the SVG of one scenario to `path`: a bar for each mark, from the fault to its first sight."""
    named = marks.named()
    write_bars(
        path, title, verdict, [(words, colour, named[name]) for name, (words, colour) in _ROWS.items()]
    )


def write_lags(path: Path, there: Lags, back: Lags) -> None:
    """Write an SVG with a bar for each change of the data, until it was on the other node."""
    bars: list[Bar] = [(lag.words, _THERE, lag.seconds) for lag in there.lags]
    bars += [(f"back: {lag.words}", _BACK, lag.seconds) for lag in back.lags]
    verdict = f"to the standby: {there.words()}; back to the primary: {back.words()}"
    write_bars(path, "each change, until it was on the other node", verdict, bars)


def write_bars(path: Path, title: str, verdict: str, bars: Sequence[Bar]) -> None:
    """Write an SVG with these bars to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_picture(title, verdict, bars), encoding="utf-8")


def _picture(title: str, verdict: str, bars: Sequence[Bar]) -> str:
    seconds = max([value for _, _, value in bars if value is not None] + [1.0])
    scale = (_WIDTH - _LEFT - _RIGHT) / _nice_end(seconds)
    height = _TOP + _ROW * len(bars) + 60
    body = [_grid(_nice_end(seconds), scale, height)]
    body += [_bar(row, words, colour, value, scale) for row, (words, colour, value) in enumerate(bars)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="sans-serif" font-size="14">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="20" y="30" font-size="18" font-weight="bold">{escape(title)}</text>',
            f'<text x="20" y="52" fill="#444">{escape(verdict)}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def _nice_end(seconds: float) -> float:
    return next(
        end for end in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 60.0, 600.0) if end >= seconds
    )


def _grid(end: float, scale: float, height: int) -> str:
    step = next(step for step in (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0) if end / step <= 10)
    lines = []
    for number in range(round(end / step) + 1):
        x = _LEFT + number * step * scale
        lines.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{height - 40}" stroke="#ddd"/>')
        lines.append(
            f'<text x="{x:.1f}" y="{height - 20}" text-anchor="middle" fill="#444">{number * step:g} s</text>'
        )
    return "\n".join(lines)


def _bar(row: int, words: str, colour: str, value: float | None, scale: float) -> str:
    y = _TOP + row * _ROW
    label = f'<text x="{_LEFT - 12}" y="{y + 21}" text-anchor="end">{escape(words)}</text>'
    if value is None:
        return f'{label}\n<text x="{_LEFT + 6}" y="{y + 21}" fill="#777">does not apply</text>'
    width = max(2.0, value * scale)
    return (
        f"{label}\n"
        f'<rect x="{_LEFT}" y="{y + 6}" width="{width:.1f}" height="20" rx="3" fill="{colour}"/>\n'
        f'<text x="{_LEFT + width + 6:.1f}" y="{y + 21}">{value * 1000:.0f} ms</text>'
    )
