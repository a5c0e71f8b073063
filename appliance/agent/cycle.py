"""The agent's cycle: look at the board, decide, take the transfer one step, hand out orders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from appliance.agent.desk import Desk
from appliance.agent.journal import Journal
from appliance.agent.rooms.maintenance import MaintenanceRoom
from appliance.agent.site import Site
from appliance.agent.tenure import Tenure
from appliance.agent.world import World
from appliance.core.decide import Act, Decision, Watch, decide
from appliance.core.fitness import Standing, unfit_reasons
from appliance.core.grant import held_here
from appliance.core.memory import ENDING
from appliance.core.model import Line, Pbx, Relay
from appliance.core.reading import Known, is_known
from appliance.core.roles import Event, Role
from appliance.core.transfer import Goal, Order, Phase, Seen, arrived
from appliance.host.clock import Clock

# How often the cycle turns by itself, in seconds; a touch of the board turns it at once.
BUSY_PERIOD = 0.1
IDLE_PERIOD = 1.0
# facts/heartbeat: an early standby request is ignored for about a second, and one to a dead peer is
# cancelled after 10 s with the resources kept.
STANDBY_AGAIN = 2.0
STANDBY_GIVEN_UP = 12.0
# A request made while Heartbeat still tells its peer of the last move is dropped here and taken up there; the
# peer then waits for us for an hour and drops every further request (seen in tests/system, Heartbeat 3.0.6).
HEARTBEAT_SETTLES = 2.0
# For so long Heartbeat must say that a node without a grant serves before that is believed, in seconds: a script that
# is on its way has spoken by then.
LOST_GRANT_DWELL = 5.0


class Cycle:
    """Turns the board's readings into orders. `ask_standby` has Heartbeat hand over to the peer."""

    def __init__(
        self,
        *,
        site: Site,
        world: World,
        tenure: Tenure,
        desk: Desk,
        journal: Journal,
        clock: Clock,
        maintenance: MaintenanceRoom,
        ask_standby: Callable[[], Awaitable[None]],
    ) -> None:
        self._site = site
        self._world = world
        self._tenure = tenure
        self._desk = desk
        self._journal = journal
        self._clock = clock
        self.maintenance = maintenance
        self._ask_standby = ask_standby
        self._standby_asked = float("-inf")
        self._standby: asyncio.Task[None] | None = None
        self._line_absent_since: float | None = None
        self._line_at_peer_since: float | None = None
        self._peer_let_go = False
        self._last_turn = clock.now()
        self._gap = 0.0
        self._gap_at = float("-inf")
        self._peer_alive: bool | None = None
        self._failures_of: float | None = None
        self._adrift_since: float | None = None
        self.decision = Decision(Act.STAY)
        self.turned = asyncio.Event()

    async def run(self) -> None:
        """Turn until cancelled."""
        while True:
            self.turn()
            self.turned.set()
            self._world.changed.clear()
            try:
                async with asyncio.timeout(BUSY_PERIOD if self.busy else IDLE_PERIOD):
                    await self._world.changed.wait()
            except TimeoutError:
                pass

    @property
    def busy(self) -> bool:
        """Something is on its way: look more often."""
        transfer = self._tenure.transfer
        settled = transfer is None or transfer.phase in (Phase.DONE, Phase.UNVERIFIABLE)
        return (
            not settled or self._line_absent_since is not None or self._tenure.handing_over_since is not None
        )

    def seen(self, now: float) -> Seen:
        """Everything core looks at, as the board has it at `now`."""
        world = self._world
        return Seen(
            commanded=self._desk.commanded,
            card=world.card,
            line=world.line,
            dchannel=world.dchannel,
            pbx=world.pbx(self._site.probe_policy, now),
            address=world.address,
            peer=world.peer(now, self._site.conf.peer_max_age),
            busy=self._desk.busy,
            failed=dict(self._desk.failed),
            maintenance=self.maintenance.on,
        )

    def unfit(self, now: float) -> tuple[str, ...]:
        """Why this node could not serve if it were asked; empty when it could."""
        world = self._world
        policy = self._site.transfer_policy
        standing = Standing(
            has_card=policy.has_card,
            has_line=policy.has_line,
            card=world.card,
            line=world.line,
            pbx_installed=world.pbx_installed,
            start_failed_at=self._desk.start_failed_at,
            start_failure=self._desk.start_failure,
        )
        return unfit_reasons(standing, now)

    def turn(self) -> None:
        """One turn: everything that follows from what the board shows now."""
        now = self._clock.now()
        self._measure_gap(now)
        self._tenure.follow_book()
        self._follow_engine()
        self._follow_peer()
        self._forget_old_failures()
        seen = self.seen(now)
        self._follow_line(seen, now)
        self._follow_lost_grant(seen, now)
        if self._tenure.role.holds:
            self._serve(seen, now)
        elif self._tenure.peer_has_it and self._tenure.handing_over_since is not None:
            self._await_settled(seen, now, self._tenure.handing_over_since)
        elif self._tenure.handing_over_since is not None:
            self._press_hand_over(now)
        self._give(self._tenure.step(seen, now))

    def _forget_old_failures(self) -> None:
        transfer = self._tenure.transfer
        began = transfer.began if transfer is not None else None
        if began != self._failures_of:
            self._failures_of = began
            self._desk.forget_failures()

    def _measure_gap(self, now: float) -> None:
        stood_still = now - self._last_turn - IDLE_PERIOD
        self._last_turn = now
        if stood_still >= self._site.conf.deadtime:
            self._gap, self._gap_at = stood_still, now
            self._journal.note("gap", seconds=round(stood_still, 2))
        elif now - self._gap_at > self._site.conf.peer_max_age:
            self._gap = 0.0  # the peer has had its say since

    def _follow_engine(self) -> None:
        tenure, world = self._tenure, self._world
        if tenure.grant.held and world.engine_id and tenure.grant.engine != world.engine_id:
            # Heartbeat replaces itself when a split heals: what the old master granted ended with it.
            self._engine_gone()
        if is_known(world.engine, True) and tenure.role is Role.OFF and not self._clearing:
            tenure.happen(Event.ENGINE_UP)
        elif is_known(world.engine, False) and tenure.role not in (Role.OFF, Role.LEAVING):
            self._engine_gone()
        if tenure.role is Role.WAITING and world.peer_seen:
            tenure.happen(Event.PEER_SEEN)

    def _follow_lost_grant(self, seen: Seen, now: float) -> None:
        """Heartbeat holds that this node serves, and this node has no grant: nobody serves, and nobody would ask.

        The start that gave the grant was lost, with the grant's file or with its script. When Heartbeat has said so for
        a while, without a move under way, and the peer does not serve, its word is the grant.
        """
        tenure, world = self._tenure, self._world
        adrift = (
            tenure.role in (Role.WAITING, Role.STANDBY)
            and not tenure.grant.held
            and bool(world.engine_id)
            and held_here(self._site.node, world.heartbeat_holds)
            and not is_known(seen.peer.granted, True)
        )
        if not adrift:
            self._adrift_since = None
        elif self._adrift_since is None:
            self._adrift_since = now
        elif now - self._adrift_since >= LOST_GRANT_DWELL:
            self._adrift_since = None
            tenure.take_up(world.engine_id, "Heartbeat has this node serve, and no grant of it is on file")

    def _follow_peer(self) -> None:
        alive = self._world.peer_alive
        if isinstance(alive, Known) and alive.value is not self._peer_alive:
            self._peer_alive = alive.value
            self._journal.note("peer", alive=alive.value)

    @property
    def _clearing(self) -> bool:
        transfer = self._tenure.transfer
        return self._tenure.role is Role.OFF and transfer is not None and not transfer.done

    def _engine_gone(self) -> None:
        tenure, reason = self._tenure, "Heartbeat died under this node; its peer takes over"
        if tenure.role.holds or tenure.role is Role.RELEASING:
            tenure.leave(reason)
            return
        given_up = tenure.grant.held
        tenure.leave(reason)
        if tenure.role not in (Role.OFF, Role.LEAVING):
            tenure.happen(Event.ENGINE_DOWN)
        if given_up:
            # Service was being handed over: the address is still here, and nobody else will take it off.
            tenure.clear(reason)

    def _follow_line(self, seen: Seen, now: float) -> None:
        if not is_known(seen.line, Line.ABSENT):
            self._line_absent_since = None
        elif self._line_absent_since is None and self._tenure.role.holds:
            self._line_absent_since = now
        if not self._tenure.role.holds:
            self._line_absent_since = None
        let_go = is_known(seen.peer.relay, Relay.RELEASED)
        if not arrived(seen.peer.line):
            self._line_at_peer_since = None
        elif self._line_at_peer_since is None or let_go is not self._peer_let_go:
            self._line_at_peer_since = now
        self._peer_let_go = let_go

    def _serve(self, seen: Seen, now: float) -> None:
        tenure = self._tenure
        if is_known(seen.pbx, Pbx.RUNNING) and not seen.busy & ENDING:
            tenure.was_serving = True
        watch = Watch(
            engine=self._world.engine,
            granted_at=tenure.granted_at,
            was_serving=tenure.was_serving,
            line_absent_since=self._line_absent_since,
            gap=self._gap,
            moves=tuple(tenure.moves),
            line_at_peer_since=self._line_at_peer_since,
        )
        decision = decide(self._site.watch_policy, watch, seen, now)
        if decision != self.decision and (decision.reason or self.decision.reason):
            self._note(decision, seen)
        self.decision = decision
        self._act(decision)

    def _note(self, decision: Decision, seen: Seen) -> None:
        self._journal.note(
            "decision",
            act=decision.act.value,
            reason=decision.reason or "all is well again",
            evidence=list(decision.evidence),
            pbx=seen.pbx.value.value if isinstance(seen.pbx, Known) else seen.pbx.reason,
            generation=self._tenure.grant.generation,
        )

    def _act(self, decision: Decision) -> None:
        if decision.act is Act.HAND_OVER:
            self.hand_over(decision.reason)
        elif decision.act is Act.LET_GO:
            self._tenure.let_go(decision.reason)
        elif decision.act is Act.RESTART_PBX:
            # The plan of a fresh transfer kills what hangs and starts what is dead.
            self._tenure.begin_again(decision.reason)

    def hand_over(self, reason: str) -> None:
        """Let the line go at once and have Heartbeat move the rest."""
        self._tenure.hand_over(reason)
        self._press_hand_over(self._clock.now())
        self._world.touch()  # an operator's wish comes between two turns, and the line is to go first

    def _press_hand_over(self, now: float) -> None:
        since = self._tenure.handing_over_since
        if since is not None and now - since >= STANDBY_GIVEN_UP:
            self._tenure.take_back("the peer did not take over")
        elif now - self._standby_asked >= STANDBY_AGAIN and not self._heartbeat_in_flux(now):
            self._standby_asked = now
            self._standby = asyncio.create_task(self._request_standby())

    def _await_settled(self, seen: Seen, now: float, since: float) -> None:
        """Heartbeat takes the grant from one of two that served. From the peer: then service belongs here."""
        peer = seen.peer
        gone = is_known(peer.alive, False) or is_known(peer.granted, False)
        mute = not is_known(peer.granted, True) and now - since >= STANDBY_GIVEN_UP
        if mute or (gone and now - since >= HEARTBEAT_SETTLES):
            self._tenure.take_back("the peer serves no longer, and Heartbeat left service here")

    def _heartbeat_in_flux(self, now: float) -> bool:
        since = self._tenure.handing_over_since
        if now - self._tenure.asked_at < HEARTBEAT_SETTLES:
            return True
        # It may call itself in transition for ever; then a request is the last that can be tried.
        patient = since is not None and now - since < STANDBY_GIVEN_UP - STANDBY_AGAIN
        return patient and is_known(self._world.heartbeat_holds, "transition")

    async def _request_standby(self) -> None:
        await self._ask_standby()

    def _give(self, orders: tuple[Order, ...]) -> None:
        transfer = self._tenure.transfer
        if transfer is None:
            return
        for order in orders:
            reason = transfer.reason if transfer.phase is not Phase.BLOCKED else transfer.note
            self._desk.give(order, reason, transfer.generation, self._guard(order))

    def _guard(self, order: Order) -> Callable[[], bool]:
        """An order to acquire is void once its grant has changed; letting go is always wanted."""
        if order is not Order.ENERGISE and order is not Order.START_PBX:
            return lambda: True
        generation = self._tenure.grant.generation

        def wanted() -> bool:
            grant, transfer = self._tenure.grant, self._tenure.transfer
            acquiring = transfer is not None and transfer.goal is Goal.ACQUIRE
            return grant.held and grant.generation == generation and acquiring

        return wanted
