"""A request to move service that the engine has lost: what a node does while every further one is dropped.

One of the two masters waits for the end of the lost move, or both do, and one that is asked to stop does not. What ends
that is a death that each notices (docs/facts/heartbeat.md, "A standby of one hour"): an engine is ended by force, and
kept off until the other one has called it dead. Started at once it would be no death, and the other goes on to wait.

A master that waits says that it moves service. So a standby that says so while nothing moves is known to be in this
state before anybody has asked, and before it is needed: it would not take over from a node that dies.

- On the node that stands by this takes nobody's service away: it is done as soon as a loss is known
  (`core/pair_watch.py`).
- On the node that serves, nobody serves for deadtime and as long as a failover takes. So it is done only by a node that
  cannot serve anyway, and on an operator's word.
"""

from __future__ import annotations

from appliance.core.controller_events import Inputs
from appliance.core.effects import AskTakeover, RestartEngine
from appliance.core.engine_requests import ANSWERED_WITHIN, HOUR, MOVING_FOR_EVER, LostRequests, StuckMaster
from appliance.core.engine_traits import ENGINE
from appliance.core.reading import is_known
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, Transition
from appliance.core.timing import ENGINE_LAG, ENGINE_SCRIPTS
from appliance.core.transfer import Peer
from appliance.core.values import changed, held_since

# What is left of a request that waits for its first answer is less than this, in seconds: that is no trap.
_FIRST_ANSWER = 10.0
# A way out that has not led out is not tried again sooner, in seconds.
_FORCED_AGAIN = 60.0
# So many seconds after a request was made once more, the next that is not answered is not: the engine is stuck.
_REPEATED_FOR = 60.0
FORCED = f"{ENGINE} is ended here, so that the other node takes over: it drops requests to move service"
_UNANSWERED = f"{ENGINE} is ended here, so that the other node takes over: it did not when it was asked"
_DEMANDED = "an operator asked for service by force on the other node"
_WHY_BACK = f"{ENGINE} drops the request to hand over, because it waits for the end of an earlier one"


def forced_move(deadtime: float) -> float:
    """Return for how many seconds Heartbeat has nobody serve in a move by force (measured: docs/facts/heartbeat.md)."""
    return deadtime + ENGINE_LAG + ENGINE_SCRIPTS


def drops_here(state: ServiceState, peer: Peer) -> bool:
    """Tell whether this node's engine drops requests, as it has said or as the peer has found."""
    return state.lost.own is not None or peer.lost_minutes is not None


def drops_there(state: ServiceState, peer: Peer) -> bool:
    """Tell whether the peer's engine drops requests, as it has said or as this node has found."""
    return state.lost.peers is not None or peer.drops_minutes is not None


def is_lost(state: ServiceState, peer: Peer) -> bool:
    """Tell whether a request to move service now would be dropped by one of the engines."""
    return drops_here(state, peer) or drops_there(state, peer)


def minutes_left(trap: StuckMaster | None, now: float) -> int | None:
    """Return for how many minutes, begun ones included, `trap` lasts; None when there is none."""
    return None if trap is None else max(0, int(trap.until - now)) // 60 + 1


def minutes_of_both(state: ServiceState, peer: Peer, now: float) -> int:
    """Return for how many minutes the longest trap of the pair lasts, as both nodes know; 0 when there is none."""
    own = (minutes_left(trap, now) for trap in (state.lost.own, state.lost.peers))
    return max(minutes or 0 for minutes in (*own, peer.lost_minutes, peer.drops_minutes))


def follow_requests(transition: Transition, inputs: Inputs, now: float) -> None:
    """Follow what the engine does about what was asked of it.

    A hand-over that the engine drops goes on by force when this node cannot serve itself; else service comes back at
    once. So does one that an operator has asked for by force on the peer.
    """
    state, asked, peer = transition.state, inputs.asked, inputs.seen.peer
    lost = _still_lost(state, inputs, now)
    dropped = asked.dropped_at > lost.dropped_at
    if dropped:
        lost = changed(lost, dropped_at=asked.dropped_at)
        if asked.seconds_left > _FIRST_ANSWER:
            until = asked.dropped_at + asked.seconds_left
            lost = changed(lost, own=StuckMaster(asked.dropped_at, until, inputs.engine_id))
    lost = _moves_for_ever(lost, state, inputs, now)
    if (
        inputs.loses_requests
        and asked.takeover_at > lost.takeover_at
        and now - asked.takeover_at >= ANSWERED_WITHIN
    ):
        lost = changed(lost, takeover_at=asked.takeover_at)
        if _is_unanswered(state, lost, peer):
            repeats = inputs.fit and now - lost.repeated_at >= _REPEATED_FOR
            lost = (
                _repeated(transition, lost, now) if repeats else _stuck(lost, asked.takeover_at, peer.engine)
            )
    _note(transition, lost, now)
    transition.set(lost=lost)
    waits = state.handing_over_since is not None and not state.peer_has_it
    if dropped and lost.own is not None and waits and not state.cannot_serve:
        transition.take_back(_WHY_BACK)
    if peer.demands > lost.met and not is_known(peer.fit, False):
        transition.set(lost=changed(lost, met=peer.demands))
        if state.role.holds:
            transition.hand_over(_DEMANDED, cannot_serve=True, forced=True)


def end_unanswered(transition: Transition, inputs: Inputs, now: float) -> None:
    """End a hand-over that nobody has answered in its time.

    The peer's engine has lost it, if it is one that loses requests and is there.
    """
    lost, peer = transition.state.lost, inputs.seen.peer
    alive = is_known(peer.alive, True)
    if alive and lost.own is None and inputs.loses_requests:
        lost = changed(lost, peers=StuckMaster(now, now - ANSWERED_WITHIN + HOUR, peer.engine))
        _note(transition, lost, now)
        transition.set(lost=lost)
    if alive and transition.state.cannot_serve and _may_force(transition.state, now):
        force(transition, now, FORCED if inputs.loses_requests else _UNANSWERED)
    else:
        transition.take_back("the other node did not take over")


def is_forced(state: ServiceState, peer: Peer, now: float) -> bool:
    """Tell whether a hand-over under way is to go by force now.

    It is when an operator wants it, or this node cannot serve and its engine drops the request. Everything is let go
    before: the peer takes over a deadtime later, whatever still runs here.
    """
    dropped = state.cannot_serve and drops_here(state, peer) and _may_force(state, now)
    return (dropped or state.forced) and not state.releasing


def force(transition: Transition, now: float, why: str = FORCED) -> None:
    """Have the peer take over what was given up: by a death of this node's engine, which it notices."""
    lost = changed(transition.state.lost, own=None, peers=None, forced_at=now)
    transition.set(lost=lost, forced=False)
    transition.note("pair", says=why)
    transition.effects.append(RestartEngine(why, until_dead=True))


def _moves_for_ever(lost: LostRequests, state: ServiceState, inputs: Inputs, now: float) -> LostRequests:
    """Follow whether this node's engine waits for the end of a move while nothing moves: it will drop what is asked.

    Nobody need have asked: a standby in this state does not even take over from a node that has died.
    """
    moves = inputs.loses_requests and inputs.engine_moving and _is_at_rest(state, inputs.seen.peer)
    lost = changed(lost, moving_since=held_since(lost.moving_since, now, moves))
    if lost.own is not None and lost.own.by_its_word and not inputs.engine_moving:
        lost = changed(lost, own=None)  # it has taken its word back
    if lost.own is not None or lost.moving_since is None or now - lost.moving_since < MOVING_FOR_EVER:
        return lost
    until = lost.moving_since + HOUR
    return changed(lost, own=StuckMaster(now, until, inputs.engine_id, by_its_word=True))


def _is_at_rest(state: ServiceState, peer: Peer) -> bool:
    """Tell whether one node serves, the other one stands by, and each hears so of the other."""
    settled = state.role.holds or state.role is Role.STANDBY
    quiet = state.handing_over_since is None and not state.releasing
    return settled and quiet and is_known(peer.alive, True) and is_known(peer.serves, not state.role.holds)


def _repeated(transition: Transition, lost: LostRequests, now: float) -> LostRequests:
    """Make a request for service that nobody has answered once more.

    Where two messages to a master are written at once, one may be lost (docs/facts/heartbeat.md, "A request that is
    lost on its way"): then no master waits for anything, and to end one would keep service where it is for half a
    minute. A node that has become unfit meanwhile does not ask again.
    """
    transition.note(
        "pair", says=f"{ENGINE} has not answered the request for service, which is made once more"
    )
    transition.effects.append(AskTakeover())
    return changed(lost, repeated_at=now)


def _stuck(lost: LostRequests, asked_at: float, engine: str) -> LostRequests:
    """Take the peer's master `engine` for stuck: it has not answered what was asked at `asked_at`."""
    return changed(lost, peers=StuckMaster(asked_at, asked_at + HOUR, engine))


def _may_force(state: ServiceState, now: float) -> bool:
    return now - state.lost.forced_at >= _FORCED_AGAIN


def _still_lost(state: ServiceState, inputs: Inputs, now: float) -> LostRequests:
    """Return what is still lost: a trap ends with either master, with its hour, and with a move that was made.

    One that runs again before it was called dead is no end for the other.
    """
    lost, peer = state.lost, inputs.seen.peer
    own, peers = lost.own, lost.peers
    if is_known(peer.alive, False) or is_known(inputs.engine, False):
        return changed(lost, own=None, peers=None)
    if own is not None and _is_over(own, inputs.engine_id, state.asked_at, now):
        own = None
    if peers is not None and _is_over(peers, peer.engine, state.asked_at, now):
        peers = None
    return changed(lost, own=own, peers=peers)


def _is_over(trap: StuckMaster, engine: str, script_spoke_at: float, now: float) -> bool:
    replaced = bool(engine and trap.engine) and engine != trap.engine
    return replaced or now >= trap.until or script_spoke_at > trap.at


def _is_unanswered(state: ServiceState, lost: LostRequests, peer: Peer) -> bool:
    """Tell whether a request for a take-over has done nothing: no script has spoken, and the peer lets nothing go."""
    spoken = max(state.asked_at, lost.dropped_at) >= lost.takeover_at
    lets_go = is_known(peer.serves, False) and not is_known(peer.granted, False)
    return state.role is Role.STANDBY and is_known(peer.alive, True) and not spoken and not lets_go


def _note(transition: Transition, lost: LostRequests, now: float) -> None:
    before = transition.state.lost
    for whose, was, trap in (
        ("this node", before.own, lost.own),
        ("the other node", before.peers, lost.peers),
    ):
        if trap is not None and was is None:
            left = round(trap.until - now)
            transition.note(
                "pair", says=f"{ENGINE} of {whose} drops requests to move service", seconds_left=left
            )
