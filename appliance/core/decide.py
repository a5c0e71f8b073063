"""What a node that serves should do about what it sees: stay, hand over, restart Asterisk, or let go."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.core.memory import ENDING
from appliance.core.model import Line, Pbx, Relay
from appliance.core.reading import Known, Reading, is_known
from appliance.core.transfer import Order, Seen, arrived, other_cause


class Act(enum.Enum):
    """The four things a serving node can do."""

    STAY = "stay"
    HAND_OVER = "hand over"
    RESTART_PBX = "restart Asterisk"
    LET_GO = "let go"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do and the sentence that says why. `evidence` names the readings that were Known and decided it."""

    act: Act
    reason: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """From the conf file; times in seconds. `moves_window` is over how long moves are counted."""

    restart_allowed: bool
    deadtime: float
    line_dwell: float
    move_dwell: float
    moves_window: float = 600.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What the decision needs beyond the readings.

    `line_absent_since`: since when this node's line is known absent, else None. `was_serving`: Asterisk was
    seen running under this grant, so that its absence is a death and not a start. `gap`: the longest time in
    seconds this agent has just been unable to run. `moves`: times at which this node handed over before.
    `line_at_peer_since`: since when the peer has said that the line is there, and its relay has not moved since
    (None: not followed).
    """

    engine: Reading[bool]
    granted_at: float
    was_serving: bool
    line_absent_since: float | None
    gap: float
    moves: tuple[float, ...] = ()
    line_at_peer_since: float | None = None


STAY = Decision(Act.STAY)


def decide(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision:
    """The decision of one cycle on a node that holds a grant. Unknown readings never cause an act.

    Maintenance keeps it from acting on its own, not from giving way to a peer that serves.
    """
    if is_known(watch.engine, False):
        return Decision(Act.LET_GO, "Heartbeat died under this node; its peer takes over", ("engine",))
    if watch.gap >= policy.deadtime and _peer_has_taken_over(watch, seen):
        reason = f"this node stood still for {watch.gap:.1f} s and its peer has taken over"
        return Decision(Act.LET_GO, reason, ("peer granted",))
    decision = _pbx_decision(policy, watch, seen, now) or _line_decision(policy, watch, seen, now) or STAY
    return _stand_down(decision) if seen.maintenance else decision


def _stand_down(decision: Decision) -> Decision:
    """What would be done stays visible, and is not done: an operator is at work here."""
    if decision.act is Act.STAY:
        return decision
    return Decision(
        Act.STAY, f"would {decision.act.value}: {decision.reason} (maintenance)", decision.evidence
    )


def _peer_has_taken_over(watch: Watch, seen: Seen) -> bool:
    """It says so itself, and said it under our present grant: before, it may well have served."""
    return is_known(seen.peer.granted, True) and seen.peer.granted.at >= watch.granted_at


def _pbx_decision(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision | None:
    if seen.busy & ENDING:
        return None  # this node itself is ending Asterisk: that is no death
    if watch.was_serving and is_known(seen.pbx, Pbx.DEAD):
        return _without_pbx("Asterisk died", policy, watch, seen, now)
    if watch.was_serving and is_known(seen.pbx, Pbx.HUNG):
        return _without_pbx("Asterisk hangs: its process lives but answers nothing", policy, watch, seen, now)
    if not watch.was_serving and (failure := _start_failure(seen)):
        # Only a peer that says it is fit gets a service that cannot start here; else we go on trying.
        if peer_is_fit(seen) and may_move(policy, watch, now):
            return Decision(Act.HAND_OVER, f"Asterisk does not start here: {failure}", ("pbx", "peer fit"))
        return Decision(Act.STAY, f"Asterisk does not start here ({failure}) and {standby_state(seen)}")
    return None


def _start_failure(seen: Seen) -> str:
    """Why Asterisk is known not to run though it was told to; a failure that it got over is none."""
    if not isinstance(seen.pbx, Known) or seen.pbx.value is Pbx.RUNNING:
        return ""
    stuck = seen.failed.get(Order.KILL_PBX, "") if seen.pbx.value is Pbx.HUNG else ""
    return stuck or seen.failed.get(Order.START_PBX, "")


def _without_pbx(what: str, policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision:
    if peer_could_serve(seen) and may_move(policy, watch, now):
        return Decision(Act.HAND_OVER, what, ("pbx", "peer alive"))
    if policy.restart_allowed or peer_could_serve(seen):
        # With a standby present we get here only when service has just moved too often to move again.
        return Decision(Act.RESTART_PBX, f"{what} and {standby_state(seen)}", ("pbx",))
    return Decision(
        Act.STAY, f"{what} and {standby_state(seen)}; RESTART=NO, so start it by 'asha pbx start'"
    )


def _line_decision(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision | None:
    since = watch.line_absent_since
    if since is None or now - since < policy.line_dwell or not is_known(seen.line, Line.ABSENT):
        return None
    if why := _why_not_follow(seen):
        return Decision(Act.STAY, why)
    at_peer = watch.line_at_peer_since
    if at_peer is not None and now - at_peer < _line_settles(policy, seen):
        return None
    if not may_move(policy, watch, now, follow_line=True):
        return Decision(Act.STAY, "the line is at the peer; service has just moved, so it waits MOVEDWELL")
    return Decision(Act.HAND_OVER, _why_follow(seen), ("line", "peer line", "peer fit"))


def _line_settles(policy: WatchPolicy, seen: Seen) -> float:
    """How long the peer must say that the line is there before it is believed, in seconds.

    A peer that has just let go still says so until its span raises the alarm, seconds later with some drivers
    (facts/pri-timing); the line is then on its way here. Only a relay that is stuck keeps it there for longer.
    """
    return policy.move_dwell if is_known(seen.peer.relay, Relay.RELEASED) else policy.line_dwell


def _why_not_follow(seen: Seen) -> str:
    if is_known(seen.peer.line, Line.ABSENT):
        return "neither node receives the line: moving would help nobody" + other_cause(seen.line)
    if not arrived(seen.peer.line):
        return "the line is gone, and it is not known to be at the peer"
    if is_known(seen.peer.granted, True):
        return "the line is at the peer, which serves too: Heartbeat settles who goes on"
    return "" if peer_is_fit(seen) else f"the line is at the peer, but {standby_state(seen)}"


def _why_follow(seen: Seen) -> str:
    if is_known(seen.card, False):
        return "the relay card is gone, so the line fell to the peer: Asterisk follows it"
    return "the line is at the peer: Asterisk follows it"


def peer_could_serve(seen: Seen) -> bool:
    """Heartbeat sees it alive, and it has not said that it is unfit.

    A live node whose agent is silent can still take over: its resource script does the work alone.
    """
    return is_known(seen.peer.alive, True) and not is_known(seen.peer.fit, False)


def peer_is_fit(seen: Seen) -> bool:
    """Heartbeat sees it alive, and it says that it is fit."""
    return is_known(seen.peer.alive, True) and is_known(seen.peer.fit, True)


def standby_state(seen: Seen) -> str:
    """Why there is no standby to move to, or that there is one, as half a sentence."""
    if not is_known(seen.peer.alive, True):
        return "no standby is there"
    if is_known(seen.peer.fit, False):
        return f"the standby is not fit: {seen.peer.unfit_because or 'it gives no reason'}"
    if not isinstance(seen.peer.fit, Known):
        return "the standby's agent is silent"
    return "service has moved too often just now"


def may_move(policy: WatchPolicy, watch: Watch, now: float, *, follow_line: bool = False) -> bool:
    """Dwell between moves. A first fault moves at once; each recent move doubles the wait for the next.

    Following a line always waits one MOVEDWELL after a grant, because a line that has just been moved may
    look absent for a moment on both sides.
    """
    recent = sum(1 for move in watch.moves if now - move <= policy.moves_window)
    least = policy.move_dwell if follow_line else 0.0
    wait = max(least, policy.move_dwell * 2.0 ** (recent - 1) if recent else 0.0)
    return now - watch.granted_at >= wait
