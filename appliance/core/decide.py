"""The decision of a serving node about what it sees: stay, hand over, restart Asterisk, or let go."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.core.engine_traits import ENGINE
from appliance.core.model import Line, Pbx, Relay
from appliance.core.move_limit import reached
from appliance.core.progress import ENDING
from appliance.core.reading import Known, Reading, is_known
from appliance.core.transfer import Order, Seen, arrived, other_cause


class Act(enum.Enum):
    """The four things that a serving node can do."""

    STAY = "stay"
    HAND_OVER = "hand over"
    RESTART_PBX = "restart Asterisk"
    LET_GO = "let go"


@dataclass(frozen=True, slots=True)
class Decision:
    """An act and the sentence that gives the reason.

    `evidence` names the readings that were Known and led to the decision.
    """

    act: Act
    reason: str = ""
    evidence: tuple[str, ...] = ()


# For so long a move makes the next one wait longer, in seconds.
MOVES_WINDOW = 600.0


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """Settings from the conf file, in seconds; moves are counted over the last `moves_window` seconds.

    `follows_line`: service goes to the peer when the line has (HALINEFAIL=FAILOVER). `move_limit`: after so many moves
    within an hour only need moves service (MOVELIMIT, see `core/move_limit.py`); 0 is no limit.
    """

    restart_allowed: bool
    deadtime: float
    line_dwell: float
    move_dwell: float
    moves_window: float = MOVES_WINDOW
    move_limit: int = 0
    follows_line: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """The facts that a decision needs beyond the readings; times are monotonic seconds.

    `line_absent_since`: since when the line of this node is known to be absent, else None. `was_serving`:
    Asterisk was seen running under the present transfer, so that its absence is a death and not a start. `gap`: the
    longest time in seconds, at the most, for which this agent has just been unable to run. `moves`: the times at which
    this node handed over before. `line_at_peer_since`: since when the peer has said that the line is at the
    peer, with its relay unmoved since then; None when that is not being followed. `moved`: how often service has moved
    within an hour, and nobody has acknowledged it. `began`: when the present transfer began, and Asterisk's start with
    it. `request_lost`: the engine drops requests to move service, so that a move costs more than Asterisk's restart.
    """

    engine: Reading[bool]
    granted_at: float
    was_serving: bool
    line_absent_since: float | None
    gap: float
    moves: tuple[float, ...] = ()
    line_at_peer_since: float | None = None
    moved: int = 0
    began: float = float("-inf")
    request_lost: bool = False


STAY = Decision(Act.STAY)
_HELD_UP = "service has moved too often just now"
_WITHOUT_LINE = "the other node serves the telephones of the LAN, though not the line"


def decide(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision:
    """Return the decision of one cycle on a node that holds a grant.

    Unknown readings never cause an act. Under maintenance the node neither hands over nor restarts Asterisk,
    but it still lets go when Heartbeat died or the peer has taken over.
    """
    if is_known(watch.engine, False):
        return Decision(Act.LET_GO, f"{ENGINE} died under this node; the other node takes over", ("engine",))
    if watch.gap >= policy.deadtime and _peer_has_taken_over(watch, seen):
        reason = f"this node was frozen for up to {watch.gap:.1f} s and the other node has taken over"
        return Decision(Act.LET_GO, reason, ("peer granted",))
    decision = _first_act(
        part(policy, watch, seen, now) for part in (_pbx_decision, _lan_decision, _line_decision)
    )
    return _stand_down(decision) if seen.maintenance else decision


def _first_act(found: Iterable[Decision | None]) -> Decision:
    """Return the first decision that does something, else the first that says why nothing is done."""
    decisions = [decision for decision in found if decision is not None]
    acts = [decision for decision in decisions if decision.act is not Act.STAY]
    return next(iter([*acts, *decisions]), STAY)


def _stand_down(decision: Decision) -> Decision:
    """Replace an act by staying, with the act named in the reason, while an operator works on this node."""
    if decision.act is Act.STAY:
        return decision
    return Decision(
        Act.STAY, f"would {decision.act.value}: {decision.reason} (maintenance)", decision.evidence
    )


def _peer_has_taken_over(watch: Watch, seen: Seen) -> bool:
    """Tell whether the peer reports that it serves, and reported so under the present grant of this node.

    A report from before this grant proves nothing: at that time the peer may well have served. Of two that stood still
    neither has taken over: who lets go is found as after a split (`core/pair_watch.py`).
    """
    said = is_known(seen.peer.granted, True) and seen.peer.granted.at >= watch.granted_at
    return said and not seen.peer.stood_still


def _pbx_decision(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision | None:
    if seen.busy & ENDING:
        return None  # this node itself is ending Asterisk: that is no death
    if watch.was_serving and is_known(seen.pbx, Pbx.DEAD):
        return _without_pbx("Asterisk died", policy, watch, seen, now)
    if watch.was_serving and is_known(seen.pbx, Pbx.HUNG):
        return _without_pbx("Asterisk hangs: its process lives but answers nothing", policy, watch, seen, now)
    if not watch.was_serving and (failure := _start_failure(seen)):
        return _without_start(failure, policy, watch, seen, now)
    return None


def _without_start(failure: str, policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision:
    """Hand service that cannot start here only to a peer that reports itself fit; otherwise keep trying."""
    if peer_is_fit(seen) and may_move(policy, watch, now, need=True):
        return Decision(Act.HAND_OVER, f"Asterisk does not start here: {failure}", ("pbx", "peer fit"))
    if _peer_is_better_than_nobody(policy, watch, seen, now):
        reason = f"Asterisk does not start here ({failure}): {_WITHOUT_LINE}"
        return Decision(Act.HAND_OVER, reason, ("pbx", "peer fit for the LAN"))
    return Decision(Act.STAY, f"Asterisk does not start here ({failure}) and {standby_state(seen)}")


def _start_failure(seen: Seen) -> str:
    """Return why Asterisk is known not to run although it was told to start; "" when it is no failure.

    A failed start that was followed by a running Asterisk is no failure.
    """
    if not isinstance(seen.pbx, Known) or seen.pbx.value is Pbx.RUNNING:
        return ""
    stuck = seen.failed.get(Order.KILL_PBX, "") if seen.pbx.value is Pbx.HUNG else ""
    return stuck or seen.failed.get(Order.START_PBX, "")


def _without_pbx(what: str, policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision:
    short_lived = now - watch.began < policy.move_dwell  # a node on which it dies so soon serves nobody
    if watch.request_lost and not short_lived:
        return Decision(Act.RESTART_PBX, f"{what}, and {ENGINE} drops requests to move service", ("pbx",))
    if peer_could_serve(seen) and may_move(policy, watch, now, need=short_lived):
        return Decision(Act.HAND_OVER, what, ("pbx", "peer alive"))
    lacks_line = not peer_could_serve(seen) and _peer_is_better_than_nobody(policy, watch, seen, now)
    if lacks_line and not policy.restart_allowed:
        return Decision(Act.HAND_OVER, f"{what}: {_WITHOUT_LINE}", ("pbx", "peer fit for the LAN"))
    if policy.restart_allowed or peer_could_serve(seen) or _peer_is_cut_off(seen):
        # With a standby present this is reached only when service has moved too often to move again now, or when the
        # standby is cut off from the telephones: RESTART=NO means a standby that could take over.
        return Decision(Act.RESTART_PBX, f"{what} and {standby_state(seen)}", ("pbx",))
    return Decision(
        Act.STAY, f"{what} and {standby_state(seen)}; RESTART=NO, so start it by 'asha pbx start'"
    )


def _lan_decision(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision | None:
    """Return what follows from a LAN that this node does not reach; the dwell is in the reading (see `core.lan`).

    Service never goes to a node that is not known to be better off.
    """
    if not isinstance(seen.lan, Known) or seen.lan.value:
        return None
    what = f"this node is cut off from the LAN ({seen.lan.why})"
    if why := _why_not_to_lan(policy, watch, seen, now):
        return Decision(Act.STAY, f"{what}, and {why}")
    return Decision(Act.HAND_OVER, f"{what}, and the other node reaches it", ("lan", "peer lan", "peer fit"))


def _why_not_to_lan(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> str:
    if not is_known(seen.peer.alive, True):
        return standby_state(seen)
    if _peer_is_cut_off(seen):
        return "so is the other node: moving would not help"
    if not is_known(seen.peer.lan, True):
        return "it is not known whether the other node reaches it"
    if is_known(seen.peer.granted, True):
        return "the other node serves too"
    # A node without the LAN serves nobody, so a peer that lacks only the line is better.
    able = peer_is_fit(seen) or is_known(seen.peer.fit_for_lan, True)
    return "" if able and may_move(policy, watch, now, need=True) else standby_state(seen)


def _peer_is_cut_off(seen: Seen) -> bool:
    return is_known(seen.peer.alive, True) and is_known(seen.peer.lan, False)


def _line_decision(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> Decision | None:
    since = watch.line_absent_since
    if since is None or now - since < policy.line_dwell or not is_known(seen.line, Line.ABSENT):
        return None
    if why := _why_not_follow(seen):
        return Decision(Act.STAY, why)
    if not policy.follows_line:
        return Decision(Act.STAY, "the line is at the other node; HALINEFAIL=STAY, so service stays here")
    at_peer = watch.line_at_peer_since
    if at_peer is not None and now - at_peer < _line_settles(policy, seen):
        return None
    if not may_move(policy, watch, now, follow_line=True):
        return Decision(
            Act.STAY,
            "the line is at the other node; service has moved too often, or just now, so it waits (MOVEDWELL, "
            "MOVELIMIT)",
        )
    return Decision(Act.HAND_OVER, _why_follow(seen), ("line", "peer line", "peer fit"))


def _line_settles(policy: WatchPolicy, seen: Seen) -> float:
    """Return for how many seconds the peer must report the line before that report is acted on.

    A peer that has just released the line still reports it until its span raises the alarm, which takes
    seconds with some drivers (docs/facts/pri-timing.md); the line is then on its way here. Only a stuck relay
    keeps the line at the peer for longer.
    """
    return policy.move_dwell if is_known(seen.peer.relay, Relay.RELEASED) else policy.line_dwell


def _why_not_follow(seen: Seen) -> str:
    if is_known(seen.peer.line, Line.ABSENT):
        return "neither node receives the line; failing over would not help" + other_cause(seen.line)
    if not arrived(seen.peer.line):
        return "the line is gone, and it is not known to be at the other node"
    if is_known(seen.peer.granted, True):
        return f"the line is at the other node, which serves too: {ENGINE} settles who goes on"
    return "" if peer_is_fit(seen) else f"the line is at the other node, but {standby_state(seen)}"


def _why_follow(seen: Seen) -> str:
    if is_known(seen.card, False):
        return "the relay card is gone, so the line fell to the other node: Asterisk follows it"
    return "the line is at the other node: Asterisk follows it"


def peer_could_serve(seen: Seen) -> bool:
    """Tell whether Heartbeat sees the peer alive and the peer has not reported itself unfit or cut off from the LAN.

    A live node whose agent is silent can still take over: its resource script does the work alone.
    """
    alive, cut_off = is_known(seen.peer.alive, True), is_known(seen.peer.lan, False)
    return alive and not cut_off and not is_known(seen.peer.fit, False)


def peer_is_fit(seen: Seen) -> bool:
    """Tell whether Heartbeat sees the peer alive, and the peer reports itself fit and is not cut off from the LAN."""
    return peer_could_serve(seen) and is_known(seen.peer.fit, True)


def _peer_is_better_than_nobody(policy: WatchPolicy, watch: Watch, seen: Seen, now: float) -> bool:
    """Tell whether the peer, unfit only for the line, can serve the LAN's telephones while this node serves nobody."""
    able = is_known(seen.peer.alive, True) and is_known(seen.peer.fit_for_lan, True)
    return able and not _peer_is_cut_off(seen) and may_move(policy, watch, now, need=True)


def standby_state(seen: Seen) -> str:
    """Return half a sentence that says why service cannot move to a standby now."""
    if not is_known(seen.peer.alive, True):
        return "no standby is there"
    if is_known(seen.peer.fit, False):
        return f"the standby is not fit: {seen.peer.unfit_because or 'it gives no reason'}"
    if _peer_is_cut_off(seen):
        return "the standby is cut off from the LAN"
    if not isinstance(seen.peer.fit, Known):
        return "the standby's agent is silent"
    return _HELD_UP


def may_move(
    policy: WatchPolicy, watch: Watch, now: float, *, follow_line: bool = False, need: bool = False
) -> bool:
    """Tell whether service may move again: not too soon after the grant, and not too often within an hour.

    A first fault moves service at once; each recent move doubles the wait for the next. With `follow_line`,
    at least one MOVEDWELL is waited after a grant, because a line that has just been moved may look absent
    for a moment on both sides. With `need`, when this node can serve nobody, there is no limit on the moves.
    """
    if not need and reached(policy.move_limit, watch.moved):
        return False
    recent = sum(1 for move in watch.moves if now - move <= policy.moves_window)
    least = policy.move_dwell if follow_line else 0.0
    wait = max(least, policy.move_dwell * 2.0 ** (recent - 1) if recent else 0.0)
    return now - watch.granted_at >= wait
