"""A small agent around the real core: it remembers nothing over a restart but its grant.

It does what the agent's cycle does, without its threads, files and journal; the decisions are the product's.
"""

from __future__ import annotations

from collections.abc import Callable

from pair_metal import RELAY, Job
from pair_site import PEER_MAX_AGE, Site, Word

from appliance.core import grant as grants
from appliance.core import plan
from appliance.core.decide import Act, Decision, Watch, decide
from appliance.core.fitness import Standing, unfit_reasons
from appliance.core.grant import Verb, Verdict
from appliance.core.memory import ENDING
from appliance.core.model import Line, Pbx, Relay
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.release import line_is_free
from appliance.core.roles import Event, Role, advance, resume
from appliance.core.transfer import Goal, Order, Peer, Phase, Seen, Transfer, arrived

STANDBY_GIVEN_UP = 12.0


class Agent:
    """One life of an agent."""

    def __init__(self, site: Site, now: float) -> None:
        self.site = site
        self.now = now
        self.commanded: Reading[Relay] = Unknown("not commanded yet", now)
        self.failed: dict[Order, str] = {}
        self.busy: set[Order] = set()
        self.start_failed_at: float | None = None
        self.given: list[tuple[float, Order, int]] = []
        self.audited = 0  # how many of them the observer has looked at
        self.decisions: list[tuple[float, Decision]] = []
        self.heard: tuple[float, Word] | None = None
        self.moves: list[float] = []
        self.granted_at = now
        self.was_serving = False
        self.handing_over_since: float | None = None
        self.line_absent_since: float | None = None
        self.line_at_peer_since: float | None = None
        self.peer_let_go = False
        self.gap, self.gap_at = 0.0, now
        self.transfer: Transfer | None = None
        self.engine = site.engine()
        self.role = Role.OFF
        self._wake()

    # -- what it is asked -------------------------------------------------------------------------------

    def script(self, verb: Verb, ticket: float, now: float) -> Verdict:
        """A resource script's wish."""
        self.now = now
        engine = str(self.site.engine() or "")
        self.site.book.grant, verdict = grants.ask(self.site.book.grant, verb, ticket, engine)
        if verdict is Verdict.STALE:
            return verdict
        self.handing_over_since = None
        if verb is Verb.START and self.role in (Role.OFF, Role.LEAVING):
            # The script is itself the first sign of a Heartbeat that has only just started.
            self.role = advance(self.role, Event.ENGINE_UP)
        if verb is Verb.STOP:
            self._revoked()
        elif verdict is Verdict.ACCEPTED or not self.role.holds:
            self._granted()
        return verdict

    def stopped(self) -> bool | None:
        """None while a stop is under way; then whether it may be answered with success."""
        transfer = self.transfer
        if transfer is None or transfer.goal is Goal.ACQUIRE or transfer.done:
            return True
        if transfer.phase is not Phase.BLOCKED:
            return None
        return line_is_free(transfer, self.seen())

    def card_changed(self) -> None:
        self.commanded = Unknown("the card went away or came back", self.now)

    def word(self) -> Word:
        server, now = self.site.server, self.now
        line = server.line(now)
        standing = Standing(self.site.policy.has_card, True, self._card(), line, True, self.start_failed_at)
        return Word(
            self.site.book.grant.held,
            not unfit_reasons(standing, now),
            line.value if isinstance(line, Known) else None,
            self.commanded.value if isinstance(self.commanded, Known) else None,
        )

    @property
    def claims_line(self) -> bool:
        """It says that the line is in service here, and sees it so."""
        transfer = self.transfer
        acquired = transfer is not None and transfer.goal is Goal.ACQUIRE and transfer.done
        return acquired and transfer is not None and transfer.unseen_since is None

    @property
    def quiet(self) -> bool:
        """Nothing is on its way."""
        settled = self.transfer is None or self.transfer.phase in (Phase.DONE, Phase.BLOCKED)
        return settled and not self.busy and self.handing_over_since is None

    # -- its cycle --------------------------------------------------------------------------------------

    def turn(self, now: float) -> None:
        """One turn of the cycle."""
        stood_still = now - self.now - 1.0
        self.now = now
        if stood_still >= self.site.watch.deadtime:
            self.gap, self.gap_at = stood_still, now
        elif now - self.gap_at > PEER_MAX_AGE:
            self.gap = 0.0
        self._follow_engine()
        seen = self.seen()
        absent = self.role.holds and is_known(seen.line, Line.ABSENT)
        self.line_absent_since = (self.line_absent_since or now) if absent else None
        let_go = is_known(seen.peer.relay, Relay.RELEASED)
        since = self.line_at_peer_since if let_go is self.peer_let_go else None
        self.line_at_peer_since, self.peer_let_go = (
            (since or now) if arrived(seen.peer.line) else None,
            let_go,
        )
        if self.role.holds:
            self._serve(seen)
        elif self.handing_over_since is not None and now - self.handing_over_since >= STANDBY_GIVEN_UP:
            self._take_back(seen)
        self._step(seen)

    def seen(self) -> Seen:
        server, now = self.site.server, self.now
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

    def _wake(self) -> None:
        engine, book = self.site.engine(), self.site.book
        granted = book.grant.held if engine is None else grants.valid(book.grant, str(engine))
        if engine is None or not granted:
            book.grant = grants.void(book.grant)
        self.role = resume(engine_runs=engine is not None, granted=granted, peer_seen=True)
        if self.role.holds:
            self._begin(Goal.ACQUIRE)
        else:
            # An agent without a grant lets go of whatever its predecessor may have been in the middle of.
            self._begin(Goal.LEAVE if engine is None else Goal.RELEASE)

    def _follow_engine(self) -> None:
        engine = self.site.engine()
        runs = engine is not None and engine == (self.engine or engine)  # its death is always noticed
        self.engine = engine
        if runs and self.role in (Role.OFF, Role.LEAVING):
            self.role = advance(self.role, Event.ENGINE_UP)
        elif not runs and self.role not in (Role.OFF, Role.LEAVING):
            self.site.book.grant = grants.void(self.site.book.grant)
            self.handing_over_since = None
            leaving = self.role.holds or self.role is Role.RELEASING
            self.role = advance(self.role, Event.ENGINE_DOWN)
            if leaving:
                self._begin(Goal.LEAVE)
        if self.role is Role.WAITING:
            self.role = advance(self.role, Event.PEER_SEEN)

    def _serve(self, seen: Seen) -> None:
        self.was_serving |= is_known(seen.pbx, Pbx.RUNNING) and not seen.busy & ENDING
        watch = Watch(
            engine=Known(self.site.engine() is not None, self.now),
            granted_at=self.granted_at,
            was_serving=self.was_serving,
            line_absent_since=self.line_absent_since,
            gap=self.gap,
            moves=tuple(self.moves),
            line_at_peer_since=self.line_at_peer_since,
        )
        decision = decide(self.site.watch, watch, seen, self.now)
        if decision.act is not Act.STAY:
            self.decisions.append((self.now, decision))
        if decision.act is Act.HAND_OVER:
            self.hand_over()
        elif decision.act is Act.LET_GO:
            # The grant stands until Heartbeat itself ends it: were it voided here and the peer died before,
            # Heartbeat would believe in an owner that does not serve.
            self.handing_over_since = self.now
            self._revoked()
        elif decision.act is Act.RESTART_PBX:
            self.was_serving = False
            self._begin(Goal.ACQUIRE)
            self.role = Role.ACQUIRING

    def hand_over(self) -> None:
        """Give service up; Heartbeat is asked to move the rest."""
        self.handing_over_since = self.now
        self.moves.append(self.now)
        self._revoked()
        self.site.ask_standby()

    def _take_back(self, seen: Seen) -> None:
        """Nobody took over: serve again, unless the peer does serve and Heartbeat has yet to see to it."""
        if not (is_known(seen.peer.alive, True) and is_known(seen.peer.granted, True)):
            self.handing_over_since = None
            self._granted()

    def _granted(self) -> None:
        if not self.role.holds:
            self.role = advance(self.role, Event.GRANTED)
        self.granted_at, self.was_serving = self.now, False
        self._begin(Goal.ACQUIRE)

    def _revoked(self) -> None:
        if self.role in (Role.RELEASING, Role.LEAVING):
            return
        if self.role is not Role.OFF:
            self.role = advance(self.role, Event.REVOKED)
        self._begin(Goal.RELEASE)

    def _begin(self, goal: Goal) -> None:
        self.failed.clear()
        # A transfer remembers the line of its own time only: an older bounce it can neither see nor cure.
        self.site.server.pbx.ghost &= not self.site.server.bits
        self.transfer = plan.begin(goal, self.site.book.grant.generation, "test", self.site.policy, self.now)

    def _step(self, seen: Seen) -> None:
        if self.transfer is None:
            return
        step = plan.next_step(self.transfer, seen, self.now)
        self.transfer = step.transfer
        self._follow_role(step.transfer)
        for order in step.orders:
            self._give(order)

    def _follow_role(self, after: Transfer) -> None:
        confirmed = after.phase in (Phase.DONE, Phase.UNVERIFIABLE)
        if after.goal is Goal.ACQUIRE:
            if confirmed and self.role is Role.ACQUIRING:
                self.role = advance(self.role, Event.CONFIRMED)
            elif not confirmed and self.role is Role.ACTIVE:
                self.role = advance(self.role, Event.LOST)
        elif after.done and self.role in (Role.RELEASING, Role.LEAVING):
            self.role = advance(self.role, Event.RELEASED)

    def _give(self, order: Order) -> None:
        if order in self.busy:
            raise AssertionError(f"{order} was given while it was under way")
        generation = self.site.book.grant.generation
        self.given.append((self.now, order, generation))
        self.busy.add(order)
        self.site.server.jobs.append(Job(order, self._guard(order, generation), self._told))

    def _guard(self, order: Order, generation: int) -> Callable[[], bool]:
        if order not in (Order.ENERGISE, Order.START_PBX):
            return lambda: True

        def wanted() -> bool:
            held = self.site.book.grant.held and self.site.book.grant.generation == generation
            return held and self.transfer is not None and self.transfer.goal is Goal.ACQUIRE

        return wanted

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

    def _card(self) -> Reading[bool]:
        if "card" in self.site.server.blind:
            return Unknown("it cannot be seen", self.now)
        return Known(self.site.card.plugged, self.now)

    def _peer(self) -> Peer:
        alive = self.site.alive()
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
        return Peer(
            seen,
            Known(word.fit, at),
            silent if word.line is None else Known(word.line, at),
            Known(word.granted, at),
            silent if word.relay is None else Known(word.relay, at),
        )
