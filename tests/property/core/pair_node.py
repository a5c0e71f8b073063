"""One life of an agent in virtual time: the shipped controller, driven by what the metal and Heartbeat show.

Nothing is decided here. What the product's driver does with files, threads and sockets is done with the world's
values; like an agent, it remembers nothing over a restart but the grant on file.
"""

from __future__ import annotations

from dataclasses import replace

from pair_metal import RELAY, Job
from pair_site import PEER_MAX_AGE, Site, Word

from appliance.core import controller
from appliance.core import grant as grants
from appliance.core.controller import ControllerPolicy
from appliance.core.controller_events import (
    ControllerEvent,
    HandOver,
    Inputs,
    ScriptSpoke,
    Started,
    Starting,
    Tick,
)
from appliance.core.decide import STAY, Act, Decision
from appliance.core.grant import Verb, Verdict
from appliance.core.health import FitnessInputs, unfit_reasons
from appliance.core.model import Line, Relay
from appliance.core.pair_remedies import told_request_lost
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.release import stop_fails
from appliance.core.roles import Role
from appliance.core.service_state import (
    AskStandby,
    AskTakeover,
    ConfirmGrant,
    Effect,
    ForgetFailures,
    GiveOrder,
    ResetCard,
    RestartEngine,
    SettleGrant,
    VoidGrant,
    WriteEntry,
    first_state,
)
from appliance.core.transfer import Goal, Order, Peer, Phase, Seen, Transfer


class Agent:
    """The controller of one node, from the start of its process to its end."""

    def __init__(self, this_node: Site, now: float) -> None:
        self.this_node = this_node
        self.now = now
        self.commanded: Reading[Relay] = Unknown("not commanded yet", now)
        self.failed: dict[Order, str] = {}
        self.busy: set[Order] = set()
        self.start_failed_at: float | None = None
        self.given: list[tuple[float, Order, int]] = []
        self.audited = 0  # how many of them the observer has looked at
        self.decisions: list[tuple[float, Decision]] = []
        self.journal: list[WriteEntry] = []
        self.heard: tuple[float, Word] | None = None
        self.engine = this_node.engine()
        self.state = first_state(this_node.book.grant, now)
        self.awake = False  # it answers nobody, and says nothing, before it has a role
        self._step(Starting(self._inputs(), this_node.book.lost))

    @property
    def role(self) -> Role:
        return self.state.role

    @property
    def transfer(self) -> Transfer | None:
        return self.state.transfer

    # -- what it is asked -------------------------------------------------------------------------------

    def script(self, verb: Verb, ticket: float, now: float) -> Verdict:
        """A resource script's wish."""
        self.now = now
        engine = self._engine_id()
        self.this_node.book.grant, verdict = grants.ask(self.this_node.book.grant, verb, ticket, engine)
        self.this_node.book.lost = False
        self._step(ScriptSpoke(verb, self.this_node.book.grant, verdict))
        return verdict

    def stopped(self) -> bool | None:
        """None while a stop is under way; then whether it may be answered with success."""
        if self.state.releasing:
            return None
        return not stop_fails(self.transfer, self.seen())

    def hand_over(self) -> None:
        """An operator's `asha standby`."""
        self._step(HandOver("an operator asked for standby"))

    def card_changed(self) -> None:
        self.commanded = Unknown("the card went away or came back", self.now)

    def word(self) -> Word:
        now = self.now
        line = self.this_node.server.line(now)
        return Word(
            self.state.grant.held,
            self._fit(),
            line.value if isinstance(line, Known) else None,
            self.commanded.value if isinstance(self.commanded, Known) else None,
            serves=self.role.holds,
            since=self.state.served_since if self.state.grant.held else None,
            lost_request=told_request_lost(self.state, now),
        )

    def _fit(self) -> bool:
        line = self.this_node.server.line(self.now)
        standing = FitnessInputs(
            self.this_node.policy.has_card, True, self._card(), line, True, self.start_failed_at
        )
        return not unfit_reasons(standing, self.now)

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

    def turn(self, now: float) -> None:
        """One turn of the cycle, or the first look once the relay has been seen to."""
        self.now = now
        if self.awake:
            self._step(Tick(self._inputs()))
        elif not self.busy:
            self.awake = True
            self._step(Started(self._inputs(), self.this_node.book.grant))

    def _inputs(self) -> Inputs:
        now, engine = self.now, self.this_node.engine()
        # The death of a master is always noticed, even when the next one runs already.
        runs = engine is not None and engine == (self.engine or engine)
        self.engine = engine
        return Inputs(
            seen=self.seen(),
            engine=Known(runs, now),
            engine_id=self._engine_id() if runs else "",
            engine_serves=self._engine_serves() if runs else Unknown("Heartbeat does not run", now),
            engine_moving=self.this_node.engine_moving(),
            peer_seen=True,
            fit=self._fit(),
            wall=now,
        )

    def sleep(self, now: float) -> None:
        """A quiet time has gone by in which it turned as ever."""
        self.now = now
        self.state = replace(self.state, turned_at=now)

    def seen(self) -> Seen:
        server, now = self.this_node.server, self.now
        return Seen(
            commanded=self.commanded,
            card=self._card(),
            line=server.line(now),
            dchannel=server.dchannel(now),
            pbx=server.asterisk(now),
            address=Known(server.address, now),
            peer=self._peer(),
            busy=frozenset(self.busy),
            failed=dict(self.failed),
        )

    def _engine_serves(self) -> Reading[bool]:
        serves = self.this_node.engine_serves()
        return Unknown("Heartbeat does not say", self.now) if serves is None else Known(serves, self.now)

    def _engine_id(self) -> str:
        return str(self.this_node.engine() or "")

    def _card(self) -> Reading[bool]:
        if "card" in self.this_node.server.blind:
            return Unknown("it cannot be seen", self.now)
        return Known(self.this_node.card.plugged, self.now)

    def _peer(self) -> Peer:
        alive = self.this_node.alive()
        seen: Reading[bool] = (
            Unknown("Heartbeat does not run", self.now) if alive is None else Known(alive, self.now)
        )
        if self.heard is None:
            silent = Unknown("the peer's agent has said nothing yet", self.now)
            return Peer(seen, silent, silent, silent, silent)
        at, word = self.heard
        if self.now - at > PEER_MAX_AGE:
            silent = Unknown("the peer's agent has been silent for long", self.now)
            return Peer(seen, silent, silent, silent, silent)
        silent = Unknown("the peer does not say", at)
        line: Reading[Line] = silent if word.line is None else Known(word.line, at)
        relay: Reading[Relay] = silent if word.relay is None else Known(word.relay, at)
        return Peer(
            alive=seen,
            fit=Known(word.fit, at),
            line=line,
            granted=Known(word.granted, at),
            relay=relay,
            serves=Known(word.serves, at),
            served_since=word.since,
            lost_request=word.lost_request,
        )

    # -- what follows -----------------------------------------------------------------------------------

    def _step(self, event: ControllerEvent) -> None:
        policy = ControllerPolicy(self.this_node.policy, self.this_node.watch, PEER_MAX_AGE)
        before = self.state.transfer
        self.state, effects = controller.step(self.state, event, policy, self.now)
        if self.state.transfer is not None and (before is None or before.began != self.state.transfer.began):
            # A transfer remembers the line of its own time only: an older bounce it can neither see nor cure.
            self.this_node.server.pbx.ghost &= not self.this_node.server.bits
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case WriteEntry("decision"):
                self.journal.append(effect)
                if self.state.decision is not STAY and self.state.decision.act is not Act.STAY:
                    self.decisions.append((self.now, self.state.decision))
            case WriteEntry():
                self.journal.append(effect)
            case GiveOrder():
                self._give(effect)
            case ResetCard():
                # It takes its time as a release does, and ends in the same.
                self.this_node.server.jobs.append(
                    Job(Order.RELEASE, lambda: True, lambda order, problem: None)
                )
            case AskStandby():
                self.this_node.ask_standby()
            case AskTakeover():
                self.this_node.ask_takeover()
            case RestartEngine():
                self.this_node.restart_engine()
            case VoidGrant():
                self.this_node.book.grant = grants.void(self.this_node.book.grant)
            case ConfirmGrant(engine):
                self.this_node.book.grant = grants.confirm(self.this_node.book.grant, engine)
                self.this_node.book.lost = False
            case SettleGrant():
                self.this_node.book.grant = grants.settled(self.this_node.book.grant)
            case ForgetFailures():
                self.failed.clear()

    def _give(self, given: GiveOrder) -> None:
        if given.order in self.busy:
            raise AssertionError(f"{given.order} was given while it was under way")
        self.given.append((self.now, given.order, given.generation))
        self.busy.add(given.order)
        under = given.under
        job = Job(given.order, lambda: under is None or self.state.wants(under), self._told)
        self.this_node.server.jobs.append(job)

    def _told(self, order: Order, problem: str) -> None:
        self.busy.discard(order)
        if problem == "skipped":
            return
        if problem:
            self.failed[order] = problem
        else:
            self.failed.pop(order, None)
        if order in RELAY:
            self.commanded = Unknown(problem, self.now) if problem else Known(RELAY[order], self.now)
        if order in (Order.START_PBX, Order.RESTART_PBX):
            self.start_failed_at = self.now if problem else None
