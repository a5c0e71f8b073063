"""Charts of one day: the age of the standby's data and the latency of the probes, as lines to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.answers import TrendsAnswer
from appliance.core.text import format_duration

Value = float | None

# Size of the plotted area, in the units of the drawing; text stands around it.
WIDTH, HEIGHT = 400.0, 70.0
# Number of samples that become one point, the worst of them: a day is drawn with some three hundred points.
_POOL = 5
_DAY_SAMPLES = 1440
_NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Chart:
    """Chart to draw.

    `strokes`: polylines as SVG points, several where there are gaps. `top`: upper end of the scale.
    `worst_ago`: seconds.
    """

    name: str
    title: str
    unit: str
    top: float
    strokes: tuple[str, ...]
    now: Value
    worst: Value
    worst_ago: float | None

    @property
    def says(self) -> str:
        """The chart in words."""
        if self.now is None and self.worst is None:
            return "nothing was measured in the last day"
        now = "unknown" if self.now is None else f"{self.now:.3g} {self.unit}"
        if self.worst is None or self.worst_ago is None:
            return f"now {now}"
        return f"now {now}; at most {self.worst:.3g} {self.unit}, {format_duration(self.worst_ago)} ago"


def charts(trends: TrendsAnswer) -> tuple[Chart, ...]:
    """Return all charts of the trends: the age of the data, and one for each probe that is on."""
    step = trends.step
    found = [chart("data-age", "age of the standby's data", "s", trends.data_age, step)]
    for probe, values in sorted(trends.probes.items()):
        if any(value is not None for value in values):
            found.append(chart(probe, f"Asterisk answers the {probe.upper()} probe", "ms", values, step))
    return tuple(found)


def chart(name: str, title: str, unit: str, values: Sequence[Value], step: float) -> Chart:
    """Return the chart of `values`, oldest first, one every `step` seconds, the last of them now."""
    pooled = _pooled(values[-_DAY_SAMPLES:])
    known = [value for value in values if value is not None]
    worst = max(known, default=None)
    worst_at = max((at for at, value in enumerate(values) if value == worst), default=None)
    return Chart(
        name=name,
        title=title,
        unit=unit,
        top=_nice(worst or 1.0),
        strokes=tuple(_strokes(pooled, _nice(worst or 1.0))),
        now=values[-1] if values else None,
        worst=worst,
        worst_ago=None if worst is None or worst_at is None else (len(values) - 1 - worst_at) * step,
    )


def _pooled(values: Sequence[Value]) -> list[Value]:
    """Return the worst value of each pool; the newest pool is full, the oldest may not be."""
    first = len(values) % _POOL
    pools = [values[:first]] if first else []
    pools += [values[at : at + _POOL] for at in range(first, len(values), _POOL)]
    return [max((value for value in pool if value is not None), default=None) for pool in pools]


def _strokes(values: Sequence[Value], top: float) -> list[str]:
    right = _DAY_SAMPLES // _POOL - 1
    strokes: list[list[str]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            strokes.append([])
            continue
        x = WIDTH * (1 - (len(values) - 1 - at) / right)
        strokes[-1].append(f"{x:.1f},{HEIGHT * (1 - min(value, top) / top):.1f}")
    # A single point has no length and would be invisible, so it is drawn twice.
    return [" ".join(points if len(points) > 1 else points * 2) for points in strokes if points]


def _nice(value: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is not below `value`."""
    power = 1e-3
    while True:
        for step in _NICE:
            if step * power >= value:
                return step * power
        power *= 10
