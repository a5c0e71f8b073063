"""The timing policy: which values make sense together, and the worst cases that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from appliance.core.engine_traits import ENGINE

# docs/facts/pri-timing.md: from the loss of layer 1 until the D-channel is reported down, 6.9 s measured; a
# line that comes back sooner may leave a ghost link.
GHOST_LINK = 6.9
# docs/facts/pri-timing.md: DAHDI_ALARMSETTLE_TIME, which Rhino's and most T1/E1 drivers wait after RED is
# gone.
ALARM_SETTLE = 5.1
# docs/facts/heartbeat.md: with initdead 0.5 s both nodes owned the resource at start; with 1 s not, in 60
# starts.
LEAST_INITDEAD = 1.0
# docs/facts/pacemaker.md: Corosync sees a death after token and consensus, here two equal times. With 300 ms each two
# nodes lost each other on a busy machine, with 500 ms not.
LEAST_TOKENS = 1.0
# docs/facts/heartbeat.md: messages are acted on at ticks of min(keepalive, 0.5 s).
LONGEST_TICK = 0.5
# docs/facts/heartbeat.md: by so much the latest death of a peer was noticed later than deadtime, keepalive and a tick
# explain (0.89 s of 0.7 s beside four busy loops, 0.27 s of 0.07 s with the shortest times).
ENGINE_LAG = 0.2
# docs/facts/heartbeat.md: what Heartbeat's own scripts add to a move at the most (0.46 s, beside four busy loops).
ENGINE_SCRIPTS = 0.5
# docs/facts/pri-timing.md: the longest that a driver waits before it raises RED (wct4xxp and its kin).
RED_RAISED = 2.6
# The agent tells its peer what it sees at least once in so many seconds.
PEER_MESSAGE_PERIOD = 1.0

# A question on whose answer no hang is decided is given so many seconds at the least, whatever PROBEDEADLINE says.
UNHURRIED = 1.0

# How often the sensors look while nothing is on its way, in seconds. What the kernel tells is noticed at once.
PROCESS_LOOK = 1.0
ENGINE_LOOK = 1.0
# How long a driver may leave the controller without a turn while nothing changes, in seconds: what is missing beyond
# it is a time in which this node stood still.
IDLE_PERIOD = 1.0
# How often it is given a turn while something is on its way (`ServiceState.busy`), in seconds.
BUSY_PERIOD = 0.1
# What is done once a second or oftener, and is done so many seconds after the last time, was held up.
SURELY_LATE = 1.5
LINE_LOOK = 0.75
# The LAN's hosts are asked, and the LAN judged, once in so many seconds.
LAN_ROUND = 1.0
# How often the D-channel is looked at while a transfer is under way, in seconds.
DCHANNEL_LOOK = 0.25
# A release is called blocked so many seconds after the time that Asterisk's stop may take.
RELEASE_SLACK = 5.0
# For so many seconds the agent lets the resource script's `stop` wait for a release.
STOP_PATIENCE = 30.0
# docs/facts/pri-timing.md: the longest that a D-channel took to come up by itself after the line was back.
LINK_COMES_UP = 2.0
# docs/facts/pri-timing.md: the rest of T203 and four T200, at most 14 s: by then an end that believes in an old link
# has found out, and the link comes up.
GHOST_HEALS = 14.0 + LINK_COMES_UP
# For so many seconds everything must have stood before the primary shoots: an address that was let go, a line that was
# released and an answer that was on its way have come to their end by then.
FENCE_DWELL = 5.0
# What a power switch must be given at the least, in seconds.
LEAST_FENCE_TIME = 2.0
# A killed process ends within this, unless the kernel itself is stuck; seconds.
KILL_PATIENCE = 5.0
# From the agent's death until its successor has looked at everything, in seconds: systemd waits one of them, and Python
# took 1.5 to load the agent beside six programs on two cores.
AGENT_BACK = 5.0


def claim_noticed(rise: int) -> float:
    """Return how many seconds the primary may begin later than it would if it knew of a double address at once.

    It is asked for in `rise` rounds, the first of which may just be over, and an idle controller turns as often.
    """
    return (rise + 2) * LAN_ROUND


def least_wait(rise: int) -> float:
    """Return the seconds that HAFENCEWAIT must have at the least, with PROBERISE `rise`."""
    return claim_noticed(rise) + LEAST_FENCE_TIME


def unhurried(probe_deadline: float) -> float:
    """Return the deadline, in seconds, of a question on whose answer no hang is decided, such as a console command."""
    return max(probe_deadline, UNHURRIED)


@dataclass(frozen=True, slots=True)
class TimingProblem:
    """One inequality that does not hold: the conf key involved and the value that would be right."""

    key: str
    want: str


@dataclass(frozen=True, slots=True)
class TimingPolicy:
    """All times of the conf file, in seconds."""

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
    merge_deadline: float
    witness_wait: float
    failback_wait: float
    auto_failback: bool
    sync_period: float
    sync_stale: float
    lan_dwell: float

    def problems(self) -> tuple[TimingProblem, ...]:
        """Return every inequality that does not hold; empty when the policy makes sense."""
        return tuple(
            TimingProblem(key, f"{want} (now {left(self):g} s against {right(self):g} s)")
            for key, want, left, right, holds in _INEQUALITIES
            if not holds(left(self), right(self))
        )

    @property
    def tick(self) -> float:
        """The longest time that Heartbeat may leave a message unhandled, in seconds."""
        return min(self.keepalive, LONGEST_TICK)


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
        f"above {ALARM_SETTLE:g} s, which the span's driver needs to settle",
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
    yield (
        "PEERMAXAGE",
        "at most MOVEDWELL, or what the other node said before a move of the line counts after it",
        lambda p: p.peer_max_age,
        lambda p: p.move_dwell,
        _at_most,
    )
    yield (
        "FAILBACKWAIT",
        "at least MOVEDWELL with HAAUTOFAILBACK=on, or the way back moves the line too soon",
        lambda p: p.move_dwell if p.auto_failback else 0.0,
        lambda p: p.failback_wait,
        _at_most,
    )
    yield (
        "CARDDEADLINE",
        "below LINEDEADLINE, or the line is called blocked while the card still works",
        lambda p: p.card_deadline,
        lambda p: p.line_deadline,
        _less,
    )
    yield (
        "CARDDEADLINE",
        f"below PBXSTOPDEADLINE and {RELEASE_SLACK:g} s, or a node is rebooted while its card still works",
        lambda p: p.card_deadline,
        lambda p: p.pbx_stop_deadline + RELEASE_SLACK,
        _less,
    )
    yield (
        "PBXSTOPDEADLINE",
        f"with {RELEASE_SLACK:g} s below {STOP_PATIENCE:g} s, or the stop of {ENGINE} fails before Asterisk's is over",
        lambda p: p.pbx_stop_deadline + RELEASE_SLACK,
        lambda p: STOP_PATIENCE,
        _less,
    )
    yield (
        "DCHANNELDEADLINE",
        f"at least {LINK_COMES_UP:g} s, in which a D-channel comes up on its own",
        lambda p: LINK_COMES_UP,
        lambda p: p.dchannel_deadline,
        _at_most,
    )
    yield (
        "MERGEDEADLINE",
        "below PBXSTARTDEADLINE, or Asterisk's start is called failed while the data are merged",
        lambda p: p.merge_deadline,
        lambda p: p.pbx_start_deadline,
        _less,
    )
    yield (
        "SYNCPERIOD",
        "below SYNCSTALE, or the data are called stale between two looks",
        lambda p: p.sync_period,
        lambda p: p.sync_stale,
        _less,
    )


_INEQUALITIES = tuple(_inequalities())
