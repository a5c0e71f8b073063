"""This node's hold on the service (role, grant, transfer), and every change of it as data.

`ServiceState` is all that the controller remembers from one step to the next. It is a value: nothing in it is a file,
a clock or a task, so that a test can keep a thousand of them and go on from any one.

`Transition` is the only way from one state to the next. Each of its methods is one change that has a name in the field
(granted, revoked, handed over, taken back), and what the world is to be told of it is an effect, in order: an entry of
the journal, an order for the machine, a request to the engine. That is why the journal can be complete: a change
without its entry cannot be written.

The role moves by the table in `core/roles.py`, the transfer by the table in `core/transfer.py`; both refuse what they
do not have. Which change is due is not decided here but in `core/controller.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from appliance.core import cluster_address, plan, stuck_line
from appliance.core import grant as grants
from appliance.core.announcing import Announcing
from appliance.core.decide import STAY, Decision
from appliance.core.effects import (
    ConfirmGrant,
    Effect,
    GiveOrder,
    ResetCard,
    SettleGrant,
    VoidGrant,
    WriteEntry,
)
from appliance.core.engine_requests import NONE_LOST, LostRequests
from appliance.core.engine_traits import ENGINE
from appliance.core.fencing import NEVER_FENCED, FenceState
from appliance.core.grant import Grant, Verdict
from appliance.core.move_limit import CLEANUP, GRANTED, NO_MOVES, MoveRecord
from appliance.core.pair_watch import StandingFault
from appliance.core.relay_position import NOT_COMPARED, PositionRecord
from appliance.core.roles import Event, Role, advance
from appliance.core.stray import Strays, persistence, presence, recent
from appliance.core.transfer import Goal, Order, Phase, Policy, Seen, Transfer
from appliance.core.values import changed
from appliance.core.witness import begun_aside, goes_on, still_aside

NEVER = float("-inf")
_MOVES_KEPT = 16
_UNANNOUNCED = Announcing()
# What the recovery of a link orders (see core/stuck_line.py).
_OF_A_GRADE = frozenset({Order.RELEASE, Order.RESTART_SPANS, Order.RESTART_PBX})
_UNGRANTED = "an agent that holds no grant has started"


class Evidence(Enum):
    """Evidence that the peer has no Asterisk that goes on, for a start ahead of the grant; values are for people."""

    GIVEN_UP = "the other node has given service up, and its Asterisk is gone or is being stopped"
    NO_POWER = "the line has come here, and nothing is heard of the other node"


@dataclass(frozen=True, slots=True)
class Prepared:
    """How a start of Asterisk ahead of the grant stands (see `core/prepared_start.py`).

    `since`: when it was begun, in monotonic seconds; None when none is under way. `evidence`: what made it right.
    `spent`: no grant has followed the last one, and what made it right still stands.
    """

    since: float | None = None
    evidence: Evidence | None = None
    spent: bool = False


NOT_PREPARED = Prepared()


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What a node knows of its own service. Times are monotonic seconds; None is "not so now".

    `granted_at`: when the present service began. `asked_at`: when the engine last spoke through the resource script.
    `peer_back_at`: when a peer that had been silent was last heard again, or was first heard by an engine started here.
    `handing_over_since`: this node gave service up by itself, and the engine has not taken the grant back yet.
    `peer_has_it`: the peer served when that was done, so that the engine is not to be asked for anything.
    `moves`: when service left this node and came here before (see `core/move_limit.py`).
    `standby_asked`: when the engine was last asked to hand over.
    `line_absent_since`, `line_at_peer_since`: since when the line is known to be away here, and said to be there.
    `gap`: seconds, at the most, for which this agent has just been unable to run, noticed at `gap_at`.
    `failures_of`: when the transfer began to which the remembered failures of orders belong.
    `release_asked`: when the relay was last released although no transfer asked for it.
    `adrift_since`: since when the engine says that this node serves although it has no grant; `adrift_said`: when it
    said so last.
    `stray_since`: since when Asterisk runs here although this node does not serve; `strays_ended`: when it was ended,
    `stray_started_by`: and what had started it.
    `regained`: how this node came by a grant that no script has given it, until a script speaks; "" otherwise.
    `grant_lost`: no grant was on file when this agent started, and no engine has said since what the node is to be.
    `served_since`: when the service that began at `stamped` did so, in whole seconds since the epoch: what both nodes
    compare when both serve. `lost`: the requests that the engines have lost. `cannot_serve`: what is handed over is not
    to come back here, `forced`: and goes by ending the engine. `woke_at`: when this machine was last found to have
    stood still. `engine_down`: the engine did not run when it was last seen, or was not looked at yet; `engine_lost`:
    it does not run, and no operator has stopped it (see `core/engine_target.py`). `faults`: what is wrong with the pair
    (see `core/pair_watch.py`). `fence`: see `core/fencing.py`. `given_up_at`: when this node gave its service up so
    that the peer takes over, and `planned`: not because it had to. `prepared`: its start of Asterisk ahead of the
    grant. `heard_standing_by`: the peer's agent has been heard since this node stands by. `line_here_since`: since when
    the line has been here, and `spoke_after_line`: the peer has spoken since it came, or has answered at the cluster
    address. `left_address`: see `core/cluster_address.py`. `position`: see `core/relay_position.py`.
    """

    grant: Grant
    granted_at: float
    turned_at: float
    role: Role = Role.OFF
    transfer: Transfer | None = None
    asked_at: float = NEVER
    handing_over_since: float | None = None
    peer_has_it: bool = False
    moves: MoveRecord = NO_MOVES
    standby_asked: float = NEVER
    line_absent_since: float | None = None
    line_at_peer_since: float | None = None
    peer_let_go: bool = False
    gap: float = 0.0
    gap_at: float = NEVER
    peer_alive: bool | None = None
    peer_back_at: float = NEVER
    failures_of: float | None = None
    release_asked: float = NEVER
    adrift_since: float | None = None
    adrift_said: float = NEVER
    stray_since: float | None = None
    strays_ended: tuple[float, ...] = ()
    stray_started_by: str = ""
    regained: str = ""
    grant_lost: bool = False
    stamped: float = NEVER
    served_since: int = 0
    engine_down: bool = True
    engine_lost: bool = False
    lost: LostRequests = NONE_LOST
    cannot_serve: bool = False
    forced: bool = False
    woke_at: float = NEVER
    announcing: Announcing = _UNANNOUNCED
    faults: tuple[StandingFault, ...] = ()
    fence: FenceState = NEVER_FENCED
    decision: Decision = STAY
    given_up_at: float = NEVER
    planned: bool = False
    prepared: Prepared = NOT_PREPARED
    heard_standing_by: bool = False
    line_here_since: float | None = None
    spoke_after_line: bool = False
    left_address: bool = False
    position: PositionRecord = NOT_COMPARED

    @property
    def releasing(self) -> bool:
        """A release is under way, and neither done nor blocked."""
        transfer = self.transfer
        letting_go = transfer is not None and transfer.goal is not Goal.ACQUIRE
        return letting_go and transfer is not None and transfer.phase not in (Phase.DONE, Phase.BLOCKED)

    @property
    def holds_service(self) -> bool:
        """The engine is to take this node for one that serves: it holds a grant, or lets go of what it had served.

        An Asterisk that is ended on a node that stands by is neither: told so, the engine would start nothing here.
        """
        return self.grant.held or (self.releasing and self.role in (Role.RELEASING, Role.LEAVING))

    @property
    def busy(self) -> bool:
        """Something is on its way: look at the world more often."""
        transfer = self.transfer
        settled = transfer is None or transfer.phase in (Phase.DONE, Phase.UNVERIFIABLE)
        return not settled or self.line_absent_since is not None or self.handing_over_since is not None

    @property
    def clearing(self) -> bool:
        """The engine does not run, and something of an earlier service is still being let go."""
        return self.role is Role.OFF and self.transfer is not None and not self.transfer.done

    def wants(self, generation: int) -> bool:
        """Tell whether an order to acquire, or to start ahead, that was given under `generation` is still wanted."""
        acquiring = self.transfer is not None and self.transfer.goal is Goal.ACQUIRE
        wanted = acquiring if self.grant.held else self.prepared.since is not None
        return self.grant.generation == generation and wanted


def first_state(grant: Grant, now: float, moves: MoveRecord = NO_MOVES) -> ServiceState:
    """Return the state of an agent that has just started: it knows the grant on file, and what the journal says."""
    return ServiceState(grant=grant, granted_at=now, turned_at=now, moves=moves)


class Transition:
    """One step's way from a state to the next. `state` and `effects` hold what it has come to so far."""

    def __init__(self, state: ServiceState, policy: Policy, now: float) -> None:
        self.state = state
        self.effects: list[Effect] = []
        self._policy = policy
        self._now = now

    def set(self, **fields: object) -> None:
        """Replace fields of the state, which stays the same object when they are what they were."""
        self.state = changed(self.state, **fields)

    def note(self, kind: str, **fields: object) -> None:
        """Have the journal say it."""
        self.effects.append(WriteEntry(kind, fields))

    def happen(self, event: Event) -> None:
        """Move the role on. Raises IllegalEvent when the table has no such transition."""
        before = self.state.role
        self.set(role=advance(before, event))
        self._note_role(event.value, was=before.value)

    def start(self, role: Role, reason: str, seen: Seen) -> None:
        """Take the first role of an agent that has just started.

        Args:
            role: What the engine, the grant on file and the peer make of this node.
            reason: Why it acts, for the journal.
            seen: The first look. Under maintenance Asterisk is taken as it is found. A line that is away at this look
                and back at the next was away all the same.
        """
        self.set(role=role)
        self._note_role("agent started")
        if role is Role.ACQUIRING:
            # So that the journal shows, and its audit knows, under which grant this agent acts.
            self.note_grant("kept over a restart of the agent", Verdict.REPEATED)
            self.begin(Goal.ACQUIRE, reason, served=seen.maintenance)
            self._expect_address()
        elif role is Role.LEAVING:
            self.void(reason)
            self.begin(Goal.LEAVE, reason)
        elif role is not Role.OFF:
            # The engine runs and has not chosen this node: whatever is left of an earlier service must end.
            self.begin(Goal.RELEASE, _UNGRANTED)
        if self.state.transfer is not None:
            self.set(transfer=plan.noted(self.state.transfer, seen, self._now))

    def secure_relay(self) -> None:
        """Have the card reset and the relay released, before this node has any role."""
        self.effects.append(ResetCard())
        self.effects.append(GiveOrder(Order.RELEASE, _UNGRANTED, self.state.grant.generation, None))

    def granted(self, verdict: Verdict) -> None:
        """Begin or go on serving after the engine has said start."""
        self.set(handing_over_since=None)
        if self.state.role in (Role.OFF, Role.LEAVING):
            # The script that asks is itself the first sign of an engine that has only just started.
            self.happen(Event.ENGINE_UP)
        if verdict is Verdict.REPEATED and self.state.role.holds:
            return
        if not self.state.role.holds:
            moves = self.state.moves
            self.set(moves=changed(moves, came=(*moves.came, self._now)[-_MOVES_KEPT:]))
        self._serve_afresh(GRANTED)

    def revoked(self) -> None:
        """Release, or go on releasing, after the engine has said stop."""
        self.set(handing_over_since=None)
        state = self.state
        if state.role in (Role.RELEASING, Role.LEAVING) and state.transfer is not None:
            # Under way already, by this node's own decision: it goes on as the engine's.
            self.set(transfer=changed(state.transfer, generation=state.grant.generation))
            return
        if state.role is not Role.OFF:
            if state.role.holds:
                self.set(given_up_at=self._now, planned=True)
            self.happen(Event.REVOKED)
        self.begin(Goal.RELEASE, f"taken back by {ENGINE}")

    def hand_over(self, reason: str, *, cannot_serve: bool = False, forced: bool = False) -> None:
        """Give service up by this node's own decision, while the grant still stands.

        `cannot_serve`: it must not stay here, whatever the engine does with the request. `forced`: that is not asked.
        """
        moves = self.state.moves
        left = (*moves.left, self._now)[-_MOVES_KEPT:]
        self.set(moves=changed(moves, left=left), cannot_serve=cannot_serve, forced=forced)
        self.set(planned=not cannot_serve or forced)
        self._give_up(reason, peer_has_it=False)

    def acknowledge_moves(self, by: str) -> None:
        """Begin to count the moves afresh: somebody has looked."""
        self.set(moves=changed(self.state.moves, acknowledged_at=self._now))
        self.note(CLEANUP, by=by, says="the moves of service so far were acknowledged")

    def let_go(self, reason: str, *, address: bool = False) -> None:
        """Give service up to a peer that has it already: the engine is about to settle which of us goes on.

        `address`: take the cluster address off as well, because the engine will not: it does not know that two serve.

        The grant stands until the engine ends it. It may settle for this node (Heartbeat has been seen to stop the
        peer), and would then not ask again: it would believe in an owner that does not serve.
        """
        self._give_up(reason, peer_has_it=True, goal=Goal.LEAVE if address else Goal.RELEASE)

    def take_back(self, reason: str) -> None:
        """Nobody took over, or the peer serves no longer: serve again under the same grant.

        It is a service of its own. What the old one knew is not true of it: Asterisk was stopped meanwhile, so that
        its absence is no death, and a peer that served before this moment has not taken anything over.
        """
        self.set(handing_over_since=None)
        self._serve_afresh(reason)
        self._expect_address()

    def take_back_aside(self, reason: str) -> None:
        """Serve again once nobody else does: the peer fell silent before it could be known to have taken over.

        The line is at the peer already, and the peer may well serve: see `core/witness.py`.
        """
        self.take_back(reason)
        if self.state.transfer is not None:
            self.set(transfer=begun_aside(self.state.transfer, reason))

    def confirm(self, engine: str, reason: str) -> None:
        """Take the engine's word for a grant: it says that this node serves, and no grant is on file."""
        self.set(
            grant=grants.confirm(self.state.grant, engine),
            granted_at=self._now,
            regained=f"{reason}: the grant was taken from the word of {ENGINE}, and this node serves",
        )
        self.effects.append(ConfirmGrant(engine))
        self.note_grant(reason, Verdict.ACCEPTED)

    def take_up(self, engine: str, reason: str) -> None:
        """Serve by the engine's word alone, on a node that has a role already."""
        self.confirm(engine, reason)
        self._serve_afresh(reason)
        self._expect_address()

    def end_stray(self, started_by: str) -> None:
        """End an Asterisk that runs here although this node does not serve (see `core.stray`)."""
        self.set(stray_since=None, stray_started_by=started_by)
        self.set(strays_ended=(*self.state.strays_ended, self._now)[-_MOVES_KEPT:])
        strays = Strays(True, started_by, recent(self.state.strays_ended, self._now))
        self.note("stray", says=persistence(strays) or presence(strays))
        self.begin(Goal.RELEASE, presence(strays))

    def begin_again(self, reason: str, *, asked: bool = False) -> None:
        """Acquire afresh under the same grant: Asterisk is to be started again. `asked`: an operator asked for it."""
        aside = self.state.transfer.aside if self.state.transfer is not None else None
        self.begin(Goal.ACQUIRE, reason)
        if self._policy.stonith and not asked and aside is not None and self.state.transfer is not None:
            self.set(transfer=still_aside(self.state.transfer, aside))
        if self.state.role is Role.ACTIVE:
            self.happen(Event.LOST)

    def leave(self, reason: str) -> None:
        """Let everything go, address included, because the engine is dead and the grant has ended with it."""
        self.void(reason)
        self.set(handing_over_since=None)
        if self.state.role.holds or self.state.role is Role.RELEASING:
            self.happen(Event.ENGINE_DOWN)
            self.begin(Goal.LEAVE, reason)

    def void(self, reason: str) -> None:
        """End the grant without a script."""
        if self.state.grant.held:
            self.set(grant=grants.void(self.state.grant))
            self.effects.append(VoidGrant())
            self.note_grant(reason, Verdict.ACCEPTED)

    def begin(self, goal: Goal, reason: str, *, served: bool = False) -> None:
        """Begin a transfer. `served`: Asterisk is taken to have run under it already."""
        generation = self.state.grant.generation
        begun = plan.begin(goal, generation, reason, self._policy, self._now)
        self.set(transfer=changed(goes_on(self.state.transfer, begun), served=served))
        if goal is Goal.ACQUIRE and self.state.left_address:
            self._expect_address()
        self.note("transfer", goal=goal.value, reason=reason, generation=generation)

    def follow_plan(self, seen: Seen) -> None:
        """Take the transfer one step on; move the role when the step confirms or loses something."""
        if self.state.transfer is None:
            return
        step = plan.next_step(self.state.transfer, seen, self._now)
        before, left = self.state.transfer, self.state.left_address
        self.set(transfer=step.transfer, left_address=cluster_address.is_left(left, step.transfer, seen))
        if (before.phase, before.note) != (step.transfer.phase, step.transfer.note):
            self._note_phase(step.transfer)
        if before.phase is not step.transfer.phase:
            self._follow_phase(step.transfer)
        for order in step.orders:
            self._give(order, step.transfer)

    def note_grant(self, reason: str, verdict: Verdict) -> None:
        """Have the journal say how the grant stands now."""
        grant = self.state.grant
        self.note("grant", held=grant.held, verdict=verdict.value, reason=reason, generation=grant.generation)

    def _note_role(self, event: str, **fields: object) -> None:
        state = self.state
        self.note("role", role=state.role.value, **fields, event=event, generation=state.grant.generation)

    def _note_phase(self, transfer: Transfer) -> None:
        self.note(
            "phase",
            goal=transfer.goal.value,
            phase=transfer.phase.value,
            note=transfer.note,
            generation=transfer.generation,
            after=round(self._now - transfer.began, 4),
        )

    def _expect_address(self) -> None:
        """Have the address put back if it is not here: the engine has set it, and will not set it again."""
        if self.state.transfer is not None:
            self.set(transfer=cluster_address.expect(self.state.transfer))

    def _serve_afresh(self, reason: str) -> None:
        if not self.state.role.holds:
            self.happen(Event.GRANTED)
        self.set(granted_at=self._now, given_up_at=NEVER, prepared=NOT_PREPARED)
        self.begin(Goal.ACQUIRE, reason)

    def _give_up(self, reason: str, *, peer_has_it: bool, goal: Goal = Goal.RELEASE) -> None:
        given_up_at = self.state.given_up_at if peer_has_it else self._now
        self.set(handing_over_since=self._now, peer_has_it=peer_has_it, given_up_at=given_up_at)
        self.happen(Event.REVOKED)
        self.begin(goal, reason)

    def _follow_phase(self, after: Transfer) -> None:
        confirmed = after.phase in (Phase.DONE, Phase.UNVERIFIABLE)
        role = self.state.role
        if after.goal is Goal.ACQUIRE:
            if confirmed and role is Role.ACQUIRING:
                self.happen(Event.CONFIRMED)
            elif not confirmed and role is Role.ACTIVE:
                self.happen(Event.LOST)
        elif after.done:
            if role in (Role.RELEASING, Role.LEAVING):
                self.happen(Event.RELEASED)
            if after.goal is Goal.LEAVE and self.state.grant.clearing:
                self.set(grant=grants.settled(self.state.grant))
                self.effects.append(SettleGrant())

    def _give(self, order: Order, transfer: Transfer) -> None:
        reason = transfer.reason if transfer.phase is not Phase.BLOCKED else transfer.note
        if order is Order.PUT_ADDRESS:
            reason = cluster_address.why_put_back(transfer)
        elif transfer.goal is Goal.ACQUIRE and order in _OF_A_GRADE:
            reason = stuck_line.progress(transfer) or reason
        acquires = order in (Order.ENERGISE, Order.START_PBX, Order.PUT_ADDRESS)
        under = self.state.grant.generation if acquires else None
        self.effects.append(GiveOrder(order, reason, transfer.generation, under))
