"""Charts of an hour, a day and a week: age of the standby's data and latency of the probes, and where service moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.core.answers import TrendsAnswer
from appliance.core.text import format_duration
from appliance.core.transfer_history import PastTransfer

Value = float | None

# Size of the plotted area, in the units of the drawing; text stands around it.
WIDTH, HEIGHT = 400.0, 70.0
_NICE = (1, 2, 5)
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_MOVES = {"acquire": "service taken on", "release": "service let go on"}


@dataclass(frozen=True, slots=True)
class Period:
    """How far back a chart goes: `seconds`, with a mark on the axis every `tick` seconds, called by `unit`.

    `pooled`: how many samples become one point, the worst of them, so that each chart has at most a thousand points.
    """

    name: str
    seconds: float
    tick: float
    unit: str
    unit_seconds: float
    pooled: int = 1

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Where the marks of the axis are, and what stands below each; the last one is now."""
        count = round(self.seconds / self.tick)
        return tuple((WIDTH * (1 - at / count), self._called(at * self.tick)) for at in range(count, -1, -1))

    def _called(self, ago: float) -> str:
        return f"-{ago / self.unit_seconds:g} {self.unit}" if ago else "now"


PERIODS: Mapping[str, Period] = {
    period.name: period
    for period in (
        Period("hour", _HOUR, 15 * _MINUTE, "min", _MINUTE),
        Period("day", _DAY, 6 * _HOUR, "h", _HOUR, pooled=5),
        Period("week", 7 * _DAY, _DAY, "d", _DAY),
    )
}


@dataclass(frozen=True, slots=True)
class MoveMark:
    """Where service moved: `x` in the units of the drawing, and the move in words."""

    x: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Chart to draw.

    `strokes`: polylines as SVG points, several where there are gaps. `top`: upper end of the scale.
    `worst_ago`: seconds. `moves`: where service moved meanwhile.
    """

    name: str
    title: str
    unit: str
    period: Period
    top: float
    strokes: tuple[str, ...]
    now: Value
    worst: float
    worst_ago: float
    moves: tuple[MoveMark, ...]

    @property
    def says(self) -> str:
        """The chart in words."""
        now = "unknown" if self.now is None else f"{self.now:.3g} {self.unit}"
        return f"now {now}; at most {self.worst:.3g} {self.unit}, {format_duration(self.worst_ago)} ago"


@dataclass(frozen=True, slots=True)
class Measured:
    """What is drawn: values, oldest first, one every `step` seconds, the last of them now.

    `newest`: how many seconds the last but one is older than the last.
    """

    name: str
    title: str
    unit: str
    values: Sequence[Value]
    step: float
    newest: float

    def within(self, seconds: float) -> list[tuple[float, Value]]:
        """Return the values of the last `seconds`, each with how many seconds ago it was taken."""
        last = len(self.values) - 1
        ages = (self.newest + (last - at - 1) * self.step if at < last else 0.0 for at in range(last + 1))
        return [(ago, value) for ago, value in zip(ages, self.values, strict=True) if ago <= seconds]


def charts(trends: TrendsAnswer, period: Period, history: Iterable[PastTransfer] = ()) -> tuple[Chart, ...]:
    """Return the charts of what was measured within `period`; what was not measured has none."""
    moves = tuple(_moves(history, trends.end, period))
    found = (chart(measured, period, moves) for measured in _measured(trends, period))
    return tuple(one for one in found if one is not None)


def _measured(trends: TrendsAnswer, period: Period) -> Iterator[Measured]:
    week = trends.week if period.name == "week" else None
    of, newest = (trends, trends.step) if week is None else (week, week.newest * trends.step)
    yield Measured("data-age", "age of the standby's data", "s", of.data_age, of.step, newest)
    for probe, values in sorted(of.probes.items()):
        yield Measured(probe, f"Asterisk answers the {probe.upper()} probe", "ms", values, of.step, newest)


def chart(measured: Measured, period: Period, moves: tuple[MoveMark, ...] = ()) -> Chart | None:
    """Return the chart of what was `measured`, or None when that is nothing within `period`."""
    points = measured.within(period.seconds)
    known = [(value, ago) for ago, value in points if value is not None]
    if not known:
        return None
    worst, worst_ago = max(known, key=lambda one: (one[0], -one[1]))
    top = _nice(worst or 1.0)
    return Chart(
        name=measured.name,
        title=measured.title,
        unit=measured.unit,
        period=period,
        top=top,
        strokes=tuple(_strokes(_pooled(points, period.pooled), top, period)),
        now=points[-1][1],
        worst=worst,
        worst_ago=worst_ago,
        moves=moves,
    )


_Points = Sequence[tuple[float, Value]]


def _pooled(points: _Points, pooled: int) -> list[tuple[float, Value]]:
    """Return the worst value of each pool, with the time of its newest; the oldest pool may not be full."""
    first = len(points) % pooled
    pools = [points[:first]] if first else []
    pools += [points[at : at + pooled] for at in range(first, len(points), pooled)]
    return [(pool[-1][0], max((v for _, v in pool if v is not None), default=None)) for pool in pools]


def _strokes(points: _Points, top: float, period: Period) -> list[str]:
    strokes: list[list[str]] = [[]]
    for ago, value in points:
        if value is None:
            strokes.append([])
            continue
        strokes[-1].append(f"{_x(ago, period):.1f},{HEIGHT * (1 - min(value, top) / top):.1f}")
    # A single point has no length and would be invisible, so it is drawn twice.
    return [" ".join(drawn if len(drawn) > 1 else drawn * 2) for drawn in strokes if drawn]


def _x(ago: float, period: Period) -> float:
    return WIDTH * (1 - ago / period.seconds)


def _moves(history: Iterable[PastTransfer], now: float, period: Period) -> Iterator[MoveMark]:
    """Yield where service moved within `period`; a move since the last sample is at the right end."""
    for past in history:
        ago = now - past.began
        if past.goal in _MOVES and -2 * _MINUTE < ago <= period.seconds:
            ago = max(0.0, ago)
            says = f"{_MOVES[past.goal]} the {past.node}, {format_duration(ago)} ago: {past.reason}"
            yield MoveMark(round(_x(ago, period), 1), says)


def _nice(value: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is not below `value`."""
    power = 1e-3
    while True:
        for step in _NICE:
            if step * power >= value:
                return step * power
        power *= 10
