"""The controller: one step of what a node does about its service. No I/O, no clock, no memory of its own.

    step(state, event, policy, now) -> (state, effects)

**What it is.** The engine (Heartbeat) decides which node serves; the controller decides what that means on this node:
when the relay is energised and Asterisk started, when service is given up before the engine asks, when it is taken
back, what a dead engine leaves to be done. It is the only such object. The agent drives it with what its sensors see,
the resource script drives it when no agent answers, and the property tests drive it through millions of seconds of
faults. There is no second copy of a decision: what is proved is what ships (docs/adr/0018-one-controller.md says who
may call it).

**How it is driven.** Whoever drives it keeps the state, hands in one event at a time, and carries the effects out in
their order before the next event. Events and effects are data (see `core/controller_events.py` and
`core/service_state.py`); the controller never learns whether an effect was carried out except by what is seen
afterwards. Nothing breaks when a driver is killed between two effects: the plan of a transfer is level-triggered
(`core/plan.py`), and all that outlives an agent is the grant on file, and whether the engine is to run.

**What holds at every step.**

- The relay is energised, and Asterisk started, only by a transfer that acquires, and such an order is void once the
  grant it was given under has changed (`ServiceState.wants`).
- An agent that starts knows nothing but the grant on file. The driver hands in what the engine says (`Starting`),
  carries the effects out to their end, looks at everything else, and hands that in (`Started`): unless a grant
  stands, the relay is released before anything else is waited for.
- A reading that is Unknown never gives service up and never takes it (`core/decide.py`, `core/reading.py`).
- Service that this node gave up by itself is not forgotten: until the engine has spoken, each turn presses for the
  peer to take over, and takes service back when nobody does. It is never taken back from a peer that says it serves.
- Nothing is done ahead of a grant but this: Asterisk is started where no other one runs (`core/prepared_start.py`).
- What the engine leaves as it is, although nobody serves or both nodes do, is ended by the agents, who hear each other
  (`core/pair_watch.py`).
- The grant of an engine that is gone is void. What was held under it stays marked on file (`Grant.clearing`) until it
  has been let go of, so that an agent killed in the middle finishes when it is started again.
"""

from __future__ import annotations

from appliance.core import fencing
from appliance.core.agent_start import WORKED_ALONE, compare_with_engine, grant_stands, take_first_role
from appliance.core.controller_events import (
    AcknowledgeMoves,
    ClearNode,
    ControllerEvent,
    ControllerPolicy,
    GrantSeen,
    HandOver,
    Inputs,
    ScriptSpoke,
    Started,
    Starting,
    StartPbx,
    Tick,
)
from appliance.core.decide import Act, Decision, Watch, decide
from appliance.core.effects import AskStandby, Effect, ExpectEngine, FencePeer, ForgetFailures, ForgetRelay
from appliance.core.engine_requests import ENGINE_SETTLES, STANDBY_AGAIN, STANDBY_GIVEN_UP
from appliance.core.engine_target import has_started, is_missing
from appliance.core.engine_traits import ENGINE
from appliance.core.grant import Grant, Verb, Verdict
from appliance.core.leftovers import follow_orphan, follow_position, follow_relay, follow_stray
from appliance.core.lost_request import end_unanswered, follow_requests, force, is_forced, is_lost
from appliance.core.model import Line, Relay
from appliance.core.pair_remedies import follow_announcements, follow_waking, watch_pair
from appliance.core.prepared_start import follow_prepared
from appliance.core.reading import Known, is_known
from appliance.core.roles import Event as RoleEvent
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, Transition
from appliance.core.stuck_line import explains_absence
from appliance.core.timing import IDLE_PERIOD, SURELY_LATE
from appliance.core.transfer import Goal, arrived
from appliance.core.values import changed, held_since
from appliance.core.witness import left_line

# For so long the engine must say that a node without a grant serves before that is believed, in seconds: a script that
# is on its way has spoken by then.
LOST_GRANT_DWELL = 5.0

_ENGINE_DIED = f"{ENGINE} died under this node; the other node takes over"


def step(
    state: ServiceState, event: ControllerEvent, policy: ControllerPolicy, now: float
) -> tuple[ServiceState, tuple[Effect, ...]]:
    """Take one step.

    Args:
        state: As the step before left it, or `first_state`.
        event: What has happened.
        policy: What the conf file says now.
        now: Monotonic seconds, never less than at the step before.

    Returns:
        The state after it, and what is to be done, in order.
    """
    transition = Transition(state, policy.transfer, now)
    match event:
        case Tick(inputs):
            _Tick(transition, policy, inputs, now).take()
        case ScriptSpoke():
            _hear_script(transition, event, now)
        case Starting(inputs, grant_lost):
            transition.set(grant_lost=grant_lost)
            compare_with_engine(transition, inputs, grant_lost=grant_lost)
            if policy.transfer.has_card and not grant_stands(transition.state.grant, inputs):
                transition.secure_relay()
        case Started(inputs, grant):
            take_first_role(transition, inputs, grant)
        case GrantSeen(grant):
            _see_grant(transition, grant, now)
        case HandOver(reason, by_force):
            transition.hand_over(reason, cannot_serve=by_force, forced=by_force)
        case StartPbx(reason):
            transition.begin_again(reason, asked=True)
        case AcknowledgeMoves(by):
            transition.acknowledge_moves(by)
        case ClearNode(reason):
            transition.begin(Goal.LEAVE, reason)
    return transition.state, tuple(transition.effects)


def _hear_script(transition: Transition, spoke: ScriptSpoke, now: float) -> None:
    verdict, before = spoke.verdict, spoke.grant.generation - (spoke.verdict is Verdict.ACCEPTED)
    missed = before > transition.state.grant.generation
    if verdict is Verdict.STALE:
        # What others have done before it is still to be seen (`_see_grant`), so the grant stays as it was known.
        transition.note_grant(f"the resource script said {spoke.verb.value}", verdict)
        return
    transition.set(grant=spoke.grant, asked_at=now, regained="")
    transition.note_grant(f"the resource script said {spoke.verb.value}", verdict)
    if missed:
        transition.effects.append(ForgetRelay(WORKED_ALONE))
        verdict = Verdict.ACCEPTED  # it repeats what this agent has not done
    if spoke.verb is Verb.START:
        transition.granted(verdict)
    else:
        transition.revoked()


def _see_grant(transition: Transition, grant: Grant, now: float) -> None:
    """Take over what a script has done that found no agent, and then worked alone.

    It may have begun before the agent could be asked, and is as slow as the machine is: an agent that looked at the
    file only once, at its start, would stand by while the engine believes that service is here.
    """
    if grant.generation <= transition.state.grant.generation:
        return
    transition.set(grant=grant, asked_at=now)
    transition.note_grant(WORKED_ALONE, Verdict.ACCEPTED)
    # It has told the card something too. What this agent told it before says nothing any more about the relay.
    transition.effects.append(ForgetRelay(WORKED_ALONE))
    if grant.held:
        transition.granted(Verdict.ACCEPTED)
    else:
        transition.revoked()


class _Tick:
    """One turn: follow the engine, the peer and the line, decide, and take the transfer one step on."""

    def __init__(self, transition: Transition, policy: ControllerPolicy, inputs: Inputs, now: float) -> None:
        self._transition = transition
        self._policy = policy
        self._inputs = inputs
        self._now = now
        self._seen = inputs.seen

    @property
    def _state(self) -> ServiceState:
        return self._transition.state

    def take(self) -> None:
        """Take it."""
        self._measure_gap()
        follow_waking(self._transition, self._inputs, self._policy, self._now)
        self._follow_engine()
        follow_announcements(self._transition, self._seen, self._now)
        self._follow_peer()
        follow_requests(self._transition, self._inputs, self._now)
        self._forget_old_failures()
        self._follow_line()
        self._follow_lost_grant()
        watch_pair(self._transition, self._inputs, self._seen, self._policy.transfer.node, self._now)
        since = self._state.handing_over_since
        if self._state.role.holds:
            self._serve()
        elif since is not None and self._state.peer_has_it:
            self._await_settled(since)
        elif since is not None:
            self._press_hand_over(since)
        self._follow_fence()
        follow_prepared(self._transition, self._inputs, self._seen, self._policy, self._now)
        follow_stray(self._transition, self._inputs, self._seen, self._now)
        follow_orphan(self._transition, self._inputs, self._seen)
        follow_position(self._transition, self._seen, self._policy.transfer, self._now)
        self._transition.follow_plan(self._seen)
        follow_relay(self._transition, self._seen, self._policy.transfer, self._now)

    def _measure_gap(self) -> None:
        passed, deadtime = self._now - self._state.turned_at, self._policy.watch.deadtime
        self._transition.set(turned_at=self._now)
        if passed >= max(deadtime, SURELY_LATE):
            self._transition.set(gap=passed, gap_at=self._now)
            if passed - IDLE_PERIOD >= deadtime:
                self._transition.note("gap", seconds=round(passed - IDLE_PERIOD, 2))
        elif self._now - self._state.gap_at > self._policy.peer_max_age:
            self._transition.set(gap=0.0)  # the peer has had its say since

    # -- the engine and the peer ------------------------------------------------------------------------

    def _follow_engine(self) -> None:
        engine, engine_id = self._inputs.engine, self._inputs.engine_id
        if isinstance(engine, Known):
            target = self._inputs.engine_target
            if has_started(target, engine, was_down=self._state.engine_down):
                self._transition.effects.append(ExpectEngine())
            self._transition.set(engine_down=not engine.value, engine_lost=is_missing(target, engine))
        grant = self._state.grant
        if grant.held and engine_id and grant.engine != engine_id:
            # Heartbeat replaces itself when a split heals: what the old master granted ended with it.
            self._engine_gone()
        if is_known(engine, True) and self._state.role is Role.OFF and not self._state.clearing:
            self._transition.happen(RoleEvent.ENGINE_UP)
        elif is_known(engine, False) and self._state.role not in (Role.OFF, Role.LEAVING):
            self._engine_gone()
        if self._state.role is Role.WAITING and self._inputs.peer_seen:
            self._transition.happen(RoleEvent.PEER_SEEN)
            self._transition.set(peer_back_at=self._now)

    def _engine_gone(self) -> None:
        transition = self._transition
        if self._state.role.holds or self._state.role is Role.RELEASING:
            transition.leave(_ENGINE_DIED)
            return
        left = self._state.grant.held or is_known(self._seen.address, True)
        transition.leave(_ENGINE_DIED)
        if self._state.role not in (Role.OFF, Role.LEAVING):
            transition.happen(RoleEvent.ENGINE_DOWN)
        if left:
            # Service was being handed over, or an order was lost: nobody else will take off what is still here.
            transition.begin(Goal.LEAVE, _ENGINE_DIED)

    def _follow_lost_grant(self) -> None:
        """Take the engine's word when it has this node serve, and no grant is here: else nobody would ask again.

        The start that gave the grant was lost, with the grant's file or with its script. The word is believed when the
        engine has kept to it for a while and the peer does not serve; one that has given service up keeps its grant.
        An engine that says nothing for a moment, as when its peer joins, has not taken its word back.
        """
        inputs, state = self._inputs, self._state
        said = is_known(inputs.engine_serves, True)
        unsaid = not said and not is_known(inputs.engine_serves, False)
        moment = unsaid and self._now - state.adrift_said < ENGINE_SETTLES
        adrift = (
            state.role in (Role.WAITING, Role.STANDBY)
            and not state.grant.held
            and bool(inputs.engine_id)
            and (said or moment)
            and not self._peer_serves()
        )
        since = held_since(state.adrift_since, self._now, adrift)
        self._transition.set(
            adrift_since=since, adrift_said=self._now if adrift and said else state.adrift_said
        )
        if since is not None and said and self._now - since >= LOST_GRANT_DWELL:
            self._transition.set(adrift_since=None)
            reason = f"{ENGINE} has this node serve, and no grant of it is on file"
            self._transition.take_up(inputs.engine_id, reason)

    def _follow_fence(self) -> None:
        """Have the power of a silent peer cut that keeps this node from serving (see `core.fencing`)."""
        state, seen, node = self._state, self._seen, self._policy.transfer.node
        transfer = state.transfer if state.role.holds else None
        fence = fencing.follow(state.fence, self._inputs.fence, seen, transfer, self._now)
        if fencing.is_due(fence, self._policy.fence, node, self._now):
            fence = fencing.begun(fence, self._now)
            self._transition.effects.append(FencePeer(fence.because))
        self._transition.set(fence=fence)
        self._seen = changed(seen, peer_off_at=fence.off_at)

    def _follow_peer(self) -> None:
        alive = self._seen.peer.alive
        if isinstance(alive, Known) and alive.value is not self._state.peer_alive:
            back = alive.value and self._state.peer_alive is False
            self._transition.set(
                peer_alive=alive.value, peer_back_at=self._now if back else self._state.peer_back_at
            )
            self._transition.note("peer", alive=alive.value)

    # -- what is remembered of the line and of orders -----------------------------------------------------

    def _forget_old_failures(self) -> None:
        transfer = self._state.transfer
        began = transfer.began if transfer is not None else None
        if began != self._state.failures_of:
            self._transition.set(failures_of=began)
            self._transition.effects.append(ForgetFailures())
            self._seen = changed(self._seen, failed={})

    def _follow_line(self) -> None:
        state, seen = self._state, self._seen
        led_away = explains_absence(state.transfer, self._now) or left_line(state.transfer, self._now)
        away = state.role.holds and is_known(seen.line, Line.ABSENT) and not led_away
        let_go = is_known(seen.peer.relay, Relay.RELEASED)
        at_peer = state.line_at_peer_since if let_go is state.peer_let_go else None
        self._transition.set(
            line_absent_since=held_since(state.line_absent_since, self._now, away),
            line_at_peer_since=held_since(at_peer, self._now, arrived(seen.peer.line) and not led_away),
            peer_let_go=let_go,
        )

    # -- what a node that serves does ---------------------------------------------------------------------

    def _serve(self) -> None:
        state = self._state
        watch = Watch(
            engine=self._inputs.engine,
            granted_at=state.granted_at,
            was_serving=state.transfer is not None and state.transfer.served,
            line_absent_since=state.line_absent_since,
            gap=state.gap,
            moves=state.moves.hand_overs(),
            line_at_peer_since=state.line_at_peer_since,
            moved=state.moves.count(self._now),
            began=state.transfer.began if state.transfer is not None else self._now,
            request_lost=is_lost(state, self._seen.peer),
        )
        self._follow(decide(self._policy.watch, watch, self._seen, self._now))

    def _follow(self, decision: Decision) -> None:
        before = self._state.decision
        if decision != before and (decision.reason or before.reason):
            self._note_decision(decision)
        self._transition.set(decision=decision)
        if decision.act is Act.HAND_OVER:
            self._transition.hand_over(decision.reason, cannot_serve=True)
            self._press_hand_over(self._now)
        elif decision.act is Act.LET_GO:
            self._transition.let_go(decision.reason)
        elif decision.act is Act.RESTART_PBX:
            # The plan of a fresh transfer kills what hangs and starts what is dead.
            self._transition.begin_again(decision.reason)

    def _note_decision(self, decision: Decision) -> None:
        pbx = self._seen.pbx
        self._transition.note(
            "decision",
            act=decision.act.value,
            reason=decision.reason or "recovered",
            evidence=list(decision.evidence),
            pbx=pbx.value.value if isinstance(pbx, Known) else pbx.reason,
            generation=self._state.grant.generation,
        )

    # -- what a node that has given service up does until the engine has spoken -----------------------------

    def _press_hand_over(self, since: float) -> None:
        """Have the peer take over what was given up at `since`; take it back when nobody does."""
        policy = self._policy.transfer
        if policy.has_card and policy.has_line and is_known(self._seen.peer.alive, False):
            # The line is with the peer by now, which may serve or be dead: the engine cannot say, telephones can.
            self._transition.take_back_aside("the other node fell silent while service was handed over to it")
        elif is_forced(self._state, self._seen.peer, self._now):
            force(self._transition, self._now)
        elif self._now - since >= STANDBY_GIVEN_UP:
            self._end_hand_over()
        elif self._state.forced:
            return  # what is here is let go of first
        elif self._now - self._state.standby_asked >= STANDBY_AGAIN and not self._engine_in_flux(since):
            self._transition.set(standby_asked=self._now)
            self._transition.effects.append(AskStandby())

    def _end_hand_over(self) -> None:
        if not self._peer_serves():
            end_unanswered(self._transition, self._inputs, self._now)
            return
        # The engine moved without a word to this node. Taking service back would make two that serve.
        self._note_decision(
            Decision(Act.LET_GO, f"the other node serves: {ENGINE} settles who goes on", ("peer granted",))
        )
        self._transition.set(handing_over_since=self._now, peer_has_it=True)

    def _await_settled(self, since: float) -> None:
        """Wait for the engine to choose one of two nodes that served, and serve again if the peer lost."""
        peer, waited = self._seen.peer, self._now - since
        gone = any(is_known(of_it, False) for of_it in (peer.alive, peer.granted, peer.serves))
        mute = not is_known(peer.granted, True) and waited >= STANDBY_GIVEN_UP
        if mute or (gone and waited >= ENGINE_SETTLES):
            self._transition.take_back(f"the other node serves no longer, and {ENGINE} left service here")

    def _peer_serves(self) -> bool:
        """Tell whether the peer is to be taken to serve; one that has given up its own service keeps its grant too."""
        peer = self._seen.peer
        return (
            is_known(peer.alive, True) and is_known(peer.granted, True) and not is_known(peer.serves, False)
        )

    def _engine_in_flux(self, since: float) -> bool:
        # One of two that hear each other again cancels what the other has asked in that moment, which then waits for
        # the end of it for an hour (seen in tests/system, Heartbeat 3.0.6).
        if self._now - max(self._state.asked_at, self._state.peer_back_at) < ENGINE_SETTLES:
            return True
        # It may call itself in transition for ever; then a request is the last that can be tried.
        patient = self._now - since < STANDBY_GIVEN_UP - STANDBY_AGAIN
        return patient and self._inputs.engine_moving
