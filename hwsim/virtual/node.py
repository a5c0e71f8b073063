"""One life of an agent in virtual time: the shipped controller, driven by what the metal and Heartbeat show.

Nothing is decided here. What the product's driver does with files, threads and sockets is done with the world's
values; like an agent, it remembers nothing over a restart but the grant on file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from appliance.core import controller
from appliance.core.controller_events import (
    AcknowledgeMoves,
    ControllerEvent,
    GrantSeen,
    HandOver,
    Inputs,
    ScriptSpoke,
    Started,
    Starting,
    Tick,
)
from appliance.core.decide import STAY, Act, Decision
from appliance.core.effects import (
    AskStandby,
    AskTakeover,
    ConfirmGrant,
    Effect,
    ExpectEngine,
    ForgetFailures,
    ForgetRelay,
    GiveOrder,
    ResetCard,
    RestartEngine,
    SettleGrant,
    VoidGrant,
    WriteEntry,
)
from appliance.core.engine_requests import NOTHING_ASKED
from appliance.core.engine_target import EngineTarget
from appliance.core.fitness import Fitness, FitnessInputs, fitness_of
from appliance.core.grant import Verb, Verdict
from appliance.core.lost_request import minutes_left
from appliance.core.model import Relay
from appliance.core.prepared_start import offers
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.release import stop_fails
from appliance.core.roles import Role
from appliance.core.service_state import first_state
from appliance.core.timing import BUSY_PERIOD, IDLE_PERIOD
from appliance.core.transfer import Goal, Order, Peer, Phase, Seen, Transfer, heard_since
from appliance.core.values import changed
from appliance.core.waking import Woke
from hwsim.virtual.lan import LanSight, facts_of
from hwsim.virtual.metal import RELAY, Job
from hwsim.virtual.now import Now, Turn, now_of
from hwsim.virtual.site import PEER_MAX_AGE, Message, Site, value_or_none

# A turn comes a little later than its period says, in seconds, and is left out no longer than this.
LATE = 0.01
LONGEST = 300.0


class Agent:
    """The controller of one node, from the start of its process to its end."""

    def __init__(self, this_node: Site, now: float, *, alone: bool = False) -> None:
        """Start. `alone`: it is a resource script that found no agent, and drives the controller for one call."""
        self.this_node = this_node
        self.now = self.went_on = now  # when it was started, or could turn again after it could not
        self.alone = alone
        self.paused_until = now  # it was stopped (SIGSTOP) until then
        self.away = 0.0  # for how long it could not turn, until it has turned again
        self.turn_at = self.turned_at = now
        self.saw: object = None
        self.woke: Woke | None = None
        self.asked = NOTHING_ASKED
        self.demands = 0  # when an operator last asked here for service by force
        self.message: Message | None = None  # what it tells its peer
        self.commanded: Reading[Relay] = Unknown("not commanded yet", now)
        self.failed: dict[Order, str] = {}
        self.busy: set[Order] = set()
        self.start_failed_at: float | None = None
        self.given: list[tuple[float, Order, int]] = []
        self.audited = 0  # how many of them the observer has looked at
        self.decisions: list[tuple[float, Decision]] = []
        self.journal: list[WriteEntry] = []
        self.heard: tuple[float, Message] | None = None
        self.lan = LanSight()
        self.engine = this_node.heartbeat.identity(this_node.node)
        self.state = first_state(this_node.book.grant, now) if alone else this_node.first_state(now)
        self.awake = alone  # it answers nobody, and says nothing, before it has a role
        if not alone:
            self._step(Starting(self._inputs(), this_node.book.lost))

    @property
    def role(self) -> Role:
        """Its role."""
        return self.state.role

    @property
    def answers(self) -> bool:
        """It takes requests."""
        return self.awake and self.now >= self.paused_until

    @property
    def transfer(self) -> Transfer | None:
        """The transfer under way, or the last one."""
        return self.state.transfer

    # -- what it is asked -------------------------------------------------------------------------------

    def script(self, verb: Verb, ticket: float, now: float) -> Verdict:
        """Take a resource script's wish."""
        self.now = now
        engine = self._engine_id()
        verdict = self.this_node.book.ask(verb, ticket, engine)
        self._step(ScriptSpoke(verb, self.this_node.book.grant, verdict))
        return verdict

    def stopped(self) -> bool | None:
        """None while a stop is under way; then whether it may be answered with success."""
        if self.state.releasing:
            return None
        return not stop_fails(self.transfer, self.seen(), self.now)

    def line_held(self) -> bool:
        """Whether the engine is to take this node for one that serves: the script's `status`."""
        return self.state.holds_service or stop_fails(self.transfer, self.seen(), self.now)

    def hand_over(self, reason: str = "an operator asked for standby", *, force: bool = False) -> None:
        """Do as an operator's `asha standby` says."""
        self._step(HandOver(reason, force))

    def take_over(self) -> None:
        """Do as an operator's `asha takeover` says."""
        self.asked = changed(self.asked, takeover_at=float(self.now))
        self._hear_dropped(self.this_node.heartbeat.ask_takeover(self.this_node.node, float(self.now)))

    def acknowledge_moves(self) -> None:
        """Count the moves so far no more, as the product does after an operator's `standby`, `takeover`, `cleanup`."""
        self._step(AcknowledgeMoves("an operator"))

    def forget_relay(self, why: str) -> None:
        """Forget what the card was told."""
        self.commanded = Unknown(why, self.now)

    def _message(self) -> Message:
        now, fitness, line = self.now, self._looked_fit, self._looked_at.line
        return Message(
            granted=self.state.grant.held,
            fit=not fitness.unfit,
            line=line.value if isinstance(line, Known) else None,
            relay=self.commanded.value if isinstance(self.commanded, Known) else None,
            role=self.role.value,
            fit_for_lan=fitness.for_lan,
            serves=self.role.holds,
            since=self.state.served_since if self.state.grant.held else None,
            engine=self._engine_id(),
            drops_minutes=minutes_left(self.state.lost.own, now),
            lost_minutes=minutes_left(self.state.lost.peers, now),
            demands=self.demands,
            heard_since=heard_since(self._looked_at.peer),
            stood_still=bool(self.state.gap),
            lan=value_or_none(self.lan.lan),
            calls=value_or_none(self.lan.calls),
            hears=self.hears,
            offers=offers(self.state, self._looked_at, now),
            prepares=self.state.prepared.since is not None,
        )

    @property
    def hears(self) -> bool | None:
        """Whether the peer's agent is heard; None before it was, while the peer is not known to be gone."""
        if self.heard is not None:
            return self.now - self._heard_at <= PEER_MAX_AGE
        return False if self.this_node.heartbeat.alive(self.this_node.node) is False else None

    @property
    def hears_us(self) -> Reading[bool]:
        """Whether the peer hears this node, as the peer says."""
        if self.heard is None or self.heard[1].hears is None or self.now - self._heard_at > PEER_MAX_AGE:
            return Unknown("the other node does not say", self.now)
        return Known(self.heard[1].hears, self._heard_at)

    @property
    def _heard_at(self) -> float:
        """When the peer was last heard, which grows with the time while it is heard (see `World`)."""
        at = self.heard[0] if self.heard is not None else float("-inf")
        return now_of(at, self.now.turn) if isinstance(self.now, Now) else at

    def fitness(self, seen: Seen) -> Fitness:
        """Return whether this node could serve if it were asked, by what is `seen`."""
        card, failed_at = self.this_node.policy.has_card, self.start_failed_at
        why = self.lan.not_settable
        standing = FitnessInputs(card, True, seen.card, seen.line, True, failed_at, "", seen.lan, why)
        return fitness_of(standing, self.now)

    @property
    def claims_line(self) -> bool:
        """It says that the line is in service here, and sees it so."""
        transfer = self.transfer
        acquired = transfer is not None and transfer.goal is Goal.ACQUIRE and transfer.done
        return acquired and transfer is not None and transfer.unseen_since is None

    @property
    def under_way(self) -> Phase | None:
        """How far the transfer is; None when there is none, or one that let go and is done: nothing is left of it."""
        transfer = self.transfer
        over = transfer is None or (transfer.goal is not Goal.ACQUIRE and transfer.done)
        return None if over or transfer is None else transfer.phase

    @property
    def quiet(self) -> bool:
        """Nothing is on its way."""
        settled = self.transfer is None or self.transfer.phase in (Phase.DONE, Phase.BLOCKED)
        return self.awake and settled and not self.busy and self.state.handing_over_since is None

    # -- what it sees -----------------------------------------------------------------------------------

    def due(self) -> bool:
        """Tell whether it is to turn: something has changed since its last turn, or its time has come."""
        return self.now >= self.paused_until and (self.now >= self.turn_at or self._facts() != self.saw)

    def turn(self, now: float) -> None:
        """Take one turn of the cycle, or the first look once the relay has been seen to."""
        self.now = now
        lasts = 0.0
        if self.awake:
            on_file = self.this_node.book.grant
            if on_file.generation > self.state.grant.generation:
                self._step(GrantSeen(on_file))
            lasts = self._follow(now)
        elif not self.busy:
            self.awake = True
            self._look()
            self._step(Started(self._inputs(), self.this_node.book.grant))
        if self.awake:
            message = self._message()
            self.message = self.message if message == self.message else message
        self.now = self.turned_at = now
        self.saw = self._facts()
        period = LATE + (BUSY_PERIOD if self.state.busy else IDLE_PERIOD)
        self.turn_at = now + period * max(1, ceil(min(lasts, LONGEST) / period))

    def wake(self, now: float, away: float) -> None:
        """Go on after `away` seconds in which it could take no turn: the next one is overdue."""
        self.away, self.turn_at, self.went_on = away, min(self.turn_at, now), now

    def _follow(self, now: float) -> float:
        """Take a turn; return for how many seconds turns that see the same would change nothing."""
        if now - self.turned_at > IDLE_PERIOD:
            # Turns in which nothing had changed were left out; they saw the faults that stand.
            stand = tuple(changed(one, seen_at=now) if one.there else one for one in self.state.faults)
            self.state = changed(self.state, faults=stand)
        lan_since = self.lan.since
        turn = self._begin_turn(now)
        self.away = 0.0
        before = self.state
        if not self._step(Tick(self._inputs())) and self.state is before and self.lan.since == lan_since:
            return turn.lasts
        if self.alone:
            return 0.0
        turn, after = self._begin_turn(now), self.state
        policy, tick = self.this_node.controller_policy, Tick(self._inputs())
        state, effects = controller.step(after, tick, policy, self.now)
        return turn.lasts if state is after and not effects else 0.0

    def _begin_turn(self, now: float) -> Turn:
        turn = Turn()
        self.now = now_of(now, turn)
        if self.state.turned_at == now - self.away:  # it is of an earlier turn, and does not grow
            self.state = changed(self.state, turned_at=-1.0)
        self.state = changed(self.state, turned_at=now_of(now - self.away, turn))
        self._look()
        return turn

    def _look(self) -> None:
        if not self.alone:
            site = self.this_node
            self.lan.look(facts_of(site.node, site.servers, site.links), self.now)

    def _facts(self) -> object:
        """Everything that an agent sees, but for the times at which it was seen."""
        server, heartbeat, node = self.this_node.server, self.this_node.heartbeat, self.this_node.node
        heard = self.heard
        return (
            server.facts(self.now),
            server.engine_target,
            facts_of(node, self.this_node.servers, self.this_node.links),
            self.this_node.card.plugged,
            self.commanded,
            len(self.busy),
            len(self.failed),
            self.asked,
            heartbeat.identity(node),
            heartbeat.serves(node),
            heartbeat.alive(node),
            heard[1] if heard is not None and self.now - heard[0] <= PEER_MAX_AGE else None,
            self.this_node.book.grant,
            self.state,
        )

    def _inputs(self) -> Inputs:
        now, node, heartbeat = self.now, self.this_node.node, self.this_node.heartbeat
        engine = heartbeat.identity(node)
        # The death of a master is always noticed, even when the next one runs already.
        runs = engine is not None and engine == (self.engine or engine)
        self.engine = engine
        self._looked_at = self.seen()
        self._looked_fit = self.fitness(self._looked_at)
        return Inputs(
            seen=self._looked_at,
            engine=Known(runs, now),
            engine_id=self._engine_id() if runs else "",
            engine_serves=self._engine_serves() if runs else Unknown("Heartbeat does not run", now),
            engine_moving=heartbeat.moving(node),
            peer_seen=heartbeat.alive(node) is not None,
            fit=not self._looked_fit.unfit,
            engine_target=self.this_node.server.engine_target,
            wall=self.this_node.wall(float(now)),
            woke=self.woke,
            asked=self.asked,
        )

    def sleep(self, now: float) -> None:
        """Have a quiet time behind it in which it turned as ever."""
        self.now = self.turned_at = self.turn_at = now
        self.state = changed(self.state, turned_at=now)

    def seen(self) -> Seen:
        """Everything that the controller looks at."""
        server, now = self.this_node.server, self.now
        return Seen(
            commanded=self.commanded,
            card=self.this_node.plugged(now),
            line=server.line(now),
            dchannel=server.dchannel(now),
            pbx=server.asterisk(now),
            address=Known(server.address, now),
            peer=self._peer(),
            busy=frozenset(self.busy),
            failed=dict(self.failed),
            maintenance=self.this_node.server.maintenance,
            lan=self.lan.lan,
            calls=self.lan.calls,
        )

    def _engine_serves(self) -> Reading[bool]:
        serves = self.this_node.heartbeat.serves(self.this_node.node)
        return Unknown("Heartbeat does not say", self.now) if serves is None else Known(serves, self.now)

    def _engine_id(self) -> str:
        return str(self.this_node.heartbeat.identity(self.this_node.node) or "")

    def _peer(self) -> Peer:
        alive = self.this_node.heartbeat.alive(self.this_node.node)
        seen: Reading[bool] = (
            Unknown("Heartbeat does not run", self.now) if alive is None else Known(alive, self.now)
        )
        if self.heard is None or self.now - self._heard_at > PEER_MAX_AGE:
            silent = Unknown("the other node's agent has said nothing, or nothing for long", self.now)
            return Peer(seen, silent, silent, silent, silent)
        return self.heard[1].peer(seen, self.hears_us, self._heard_at)

    # -- what follows -----------------------------------------------------------------------------------

    def _step(self, event: ControllerEvent) -> bool:
        """Take a step; return whether it had effects."""
        before = self.state.transfer
        self.state, effects = controller.step(self.state, event, self.this_node.controller_policy, self.now)
        if self.state.transfer is not None and (before is None or before.began != self.state.transfer.began):
            # A transfer remembers the line of its own time only: an older bounce it can neither see nor cure.
            self.this_node.server.pbx.ghost &= not self.this_node.server.bits
        for effect in effects:
            self._carry_out(effect)
        return bool(effects)

    def _carry_out(self, effect: Effect) -> None:
        """Carry it out; an announcement is nothing here: the telephones of this world know where the address is."""
        heartbeat, node, now = self.this_node.heartbeat, self.this_node.node, float(self.now)
        match effect:
            case WriteEntry(kind, fields):
                self.journal.append(effect)
                self._note(kind, fields)
                if (
                    kind == "decision"
                    and self.state.decision is not STAY
                    and self.state.decision.act is not Act.STAY
                ):
                    self.decisions.append((now, self.state.decision))
            case GiveOrder():
                self._give(effect)
            case ResetCard():
                # It takes its time as a release does, and ends in the same.
                self.this_node.server.jobs.append(
                    Job(Order.RELEASE, lambda: True, lambda order, problem: None)
                )
            case AskStandby():
                self._hear_dropped(heartbeat.ask_standby(node, now))
            case AskTakeover():
                self.take_over()
            case RestartEngine(_, until_dead):
                heartbeat.restart_engine(node, now, until_dead=until_dead)
            case ExpectEngine():
                self.this_node.server.engine_target = EngineTarget.STARTED
            case VoidGrant() | ConfirmGrant() | SettleGrant():
                self.this_node.book.keep(effect)
            case ForgetFailures():
                self.failed.clear()
            case ForgetRelay(why):
                self.forget_relay(why)

    def _hear_dropped(self, seconds_left: float) -> None:
        if seconds_left:
            self.asked = changed(self.asked, dropped_at=float(self.now), seconds_left=seconds_left)

    def _note(self, kind: str, fields: Mapping[str, object]) -> None:
        now = float(self.now)
        self.this_node.book.note(now, self.this_node.wall(now), kind, fields)

    def _give(self, given: GiveOrder) -> None:
        if given.order in self.busy:
            raise AssertionError(f"{given.order} was given while it was under way")
        self.given.append((float(self.now), given.order, given.generation))
        said = {"order": given.order.name, "reason": given.reason, "generation": given.generation}
        self._note("order", said)
        self.busy.add(given.order)
        under = given.under

        def wanted() -> bool:
            return under is None or self.state.wants(under)

        job = Job(given.order, wanted, lambda order, problem: self._told(order, problem, wanted))
        self.this_node.server.jobs.append(job)

    def _told(self, order: Order, problem: str, wanted: Callable[[], bool]) -> None:
        self.busy.discard(order)
        if problem == "skipped":
            return
        starts = order in (Order.START_PBX, Order.RESTART_PBX)
        if problem and not (starts and not wanted()):
            self.failed[order] = problem
        else:
            self.failed.pop(order, None)
        if order in RELAY:
            self.commanded = Unknown(problem, self.now) if problem else Known(RELAY[order], self.now)
        if starts and (wanted() or not problem):
            self.start_failed_at = self.now if problem else None
