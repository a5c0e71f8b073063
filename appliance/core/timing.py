"""Timing policy: which values make sense together, and the worst case that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

# facts/pri-timing: layer 1 lost -> D-channel reported down, measured 6.9 s; a line that comes back sooner
# may leave a ghost link.
GHOST_LINK = 6.9
# facts/pri-timing: DAHDI_ALARMSETTLE_TIME, held by Rhino's and most T1/E1 drivers after RED is gone.
ALARM_SETTLE = 5.1
# facts/heartbeat: initdead of 0.5 s made both nodes own the resource at start, 1 s did not in 60 starts.
LEAST_INITDEAD = 1.0
# facts/heartbeat: messages are acted on at ticks of min(keepalive, 0.5 s).
LONGEST_TICK = 0.5
# The agent tells its peer what it sees at least this often.
PEER_MESSAGE_PERIOD = 1.0


@dataclass(frozen=True, slots=True)
class TimingProblem:
    """One inequality that does not hold: the conf keys involved and what would be right."""

    key: str
    want: str


@dataclass(frozen=True, slots=True)
class TimingPolicy:
    """All times in seconds, from the conf file."""

    keepalive: float
    warntime: float
    deadtime: float
    initdead: float
    probe_period: float
    probe_deadline: float
    fall: int
    line_dwell: float
    move_dwell: float
    line_deadline: float
    dchannel_deadline: float
    pbx_start_deadline: float
    pbx_stop_deadline: float
    card_deadline: float
    peer_max_age: float

    def problems(self) -> tuple[TimingProblem, ...]:
        """Every inequality that does not hold; empty when the policy makes sense."""
        return tuple(
            TimingProblem(key, f"{want} (now {left(self):g} s against {right(self):g} s)")
            for key, want, left, right, holds in _INEQUALITIES
            if not holds(left(self), right(self))
        )

    @property
    def tick(self) -> float:
        """How long Heartbeat may let a message lie, in seconds."""
        return min(self.keepalive, LONGEST_TICK)

    @property
    def hang_detection(self) -> float:
        """Worst case from a hang to the verdict: the rounds of `fall`, the last one's deadline included."""
        return (
            self.fall * max(self.probe_period, self.probe_deadline) + self.probe_deadline + self.probe_period
        )

    @property
    def death_of_peer(self) -> float:
        """Worst case from a power cut to Heartbeat's verdict: deadtime, a keepalive and a tick late."""
        return self.deadtime + self.keepalive + self.tick


_Value = Callable[[TimingPolicy], float]
_Holds = Callable[[float, float], bool]


def _less(left: float, right: float) -> bool:
    return left < right


def _at_most(left: float, right: float) -> bool:
    return left <= right


def _inequalities() -> Iterator[tuple[str, str, _Value, _Value, _Holds]]:
    yield "HAKEEPALIVE", "below HAWARNTIME", lambda p: p.keepalive, lambda p: p.warntime, _less
    yield "HAWARNTIME", "below HADEADTIME", lambda p: p.warntime, lambda p: p.deadtime, _less
    yield "HADEADTIME", "at most HAINITDEAD", lambda p: p.deadtime, lambda p: p.initdead, _at_most
    yield (
        "HADEADTIME",
        "at least three times HAKEEPALIVE, or a busy moment looks like a death",
        lambda p: 3 * p.keepalive,
        lambda p: p.deadtime,
        _at_most,
    )
    yield (
        "HAINITDEAD",
        "at least 1 s, or both nodes may start as owners",
        lambda p: LEAST_INITDEAD,
        lambda p: p.initdead,
        _at_most,
    )
    yield (
        "PROBEDEADLINE",
        "at most PROBEPERIOD, so that rounds do not overlap",
        lambda p: p.probe_deadline,
        lambda p: p.probe_period,
        _at_most,
    )
    yield (
        "MOVEDWELL",
        f"above {GHOST_LINK:g} s, the time of a ghost link",
        lambda p: GHOST_LINK,
        lambda p: p.move_dwell,
        _less,
    )
    yield (
        "LINEDEADLINE",
        f"above {ALARM_SETTLE:g} s, which the span's driver holds its settle time",
        lambda p: ALARM_SETTLE,
        lambda p: p.line_deadline,
        _less,
    )
    yield (
        "PEERMAXAGE",
        "at least three message periods of 1 s",
        lambda p: 3 * PEER_MESSAGE_PERIOD,
        lambda p: p.peer_max_age,
        _at_most,
    )


_INEQUALITIES = tuple(_inequalities())
