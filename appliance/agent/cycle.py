"""Drives the controller: hands it what the sensors see, and carries out what it says, in its order.

Nothing is decided here. What a turn, an operator or the resource script changes is `core/controller.py`; this module
owns the state between two steps, the grant on file, and the way of an effect to the journal, the executor and the
engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.context import NodeContext
from appliance.agent.executor import Executor
from appliance.agent.grant_file import GrantFile
from appliance.agent.rhythm import until_beat
from appliance.core import controller
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
from appliance.core.decide import peer_could_serve
from appliance.core.effects import (
    AnnounceAddress,
    AskStandby,
    AskTakeover,
    ConfirmGrant,
    Effect,
    ExpectEngine,
    FencePeer,
    ForgetFailures,
    ForgetRelay,
    GiveOrder,
    ResetCard,
    RestartEngine,
    SettleGrant,
    VoidGrant,
    WriteEntry,
)
from appliance.core.engine_target import EngineTarget
from appliance.core.feeding import CompletedCycle
from appliance.core.fencing import FenceInputs
from appliance.core.fitness import Fitness, FitnessInputs, fitness_of
from appliance.core.grant import Grant, Verb, Verdict
from appliance.core.health import sip_answers
from appliance.core.lan import LAN_MAX_AGE
from appliance.core.model import Relay
from appliance.core.peer_gone import SAME_QUESTION
from appliance.core.reading import Known, fresh, is_known
from appliance.core.relay_position import POSITION_MAX_AGE
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState
from appliance.core.timing import BUSY_PERIOD, IDLE_PERIOD
from appliance.core.transfer import Goal, Seen

# For so long the status says that a grant was taken from the engine's word, in seconds; the journal has it for good.
_TOLD_FOR = 3600.0
# An older count of the channels in calls says nothing of those that a release ends, in seconds.
_COUNT_AGE = 90.0


class EngineAsks(Protocol):
    """The requests that the controller makes to the engine. None raises; how each went is in the journal."""

    async def standby(self) -> None:
        """Ask it to have the peer take over."""

    async def takeover(self) -> None:
        """Ask it to bring service here."""

    async def restart(self, *, until_dead: bool = False) -> None:
        """End it by force and start it again, at once or when the peer has called it dead."""

    async def keep_target(self) -> None:
        """Keep on file whether it is to run."""


class Cycle:
    """The controller of this node, its state, and its driver.

    `asks` carries the controller's requests to the engine, `fence` begins to cut the peer's power for the reason given.
    `drilling` tells whether a drill is under way. `released` is set whenever no release is under way, so that
    a stop can wait for it. `turned` is set after every turn, and `completed` is called with what it has left.
    """

    def __init__(
        self,
        context: NodeContext,
        *,
        book: GrantFile,
        executor: Executor,
        maintenance: MaintenanceSwitch,
        asks: EngineAsks,
        fence: Callable[[str], None],
    ) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._service = context.service
        self._book = book
        self._executor = executor
        self._journal = context.journal
        self._clock = context.clock
        self._loses_requests = context.engine.loses_requests
        self.maintenance = maintenance
        self._asks = asks
        self._fence = fence
        self.drilling: Callable[[], bool] = lambda: False
        self._requests: set[asyncio.Future[None]] = set()
        self.released = asyncio.Event()
        self.released.set()
        self.turned = asyncio.Event()
        self.completed: Callable[[CompletedCycle], None] = lambda done: None

    async def run(self) -> None:
        """Turn until cancelled: after each period, and at once when the board is touched."""
        while True:
            self.turn()
            self.turned.set()
            self.completed(self._left())
            self._observations.changed.clear()
            try:
                async with asyncio.timeout(until_beat(self._period)):
                    await self._observations.changed.wait()
            except TimeoutError:
                pass

    @property
    def state(self) -> ServiceState:
        """The state of the controller after its last step."""
        return self._service.state

    @property
    def busy(self) -> bool:
        """Something is on its way: look more often."""
        return self.state.busy

    @property
    def _period(self) -> float:
        """The seconds after which the next turn is due although nothing is touched."""
        return BUSY_PERIOD if self.busy or self.state.announcing.close else IDLE_PERIOD

    @property
    def grant_problem(self) -> str:
        """Why the grant is not on file as it should be; "" when it is."""
        told = self.state.regained if self._clock.now() - self.state.granted_at < _TOLD_FOR else ""
        return self._book.problem or told

    def _left(self) -> CompletedCycle:
        now, observations, this_node = self._clock.now(), self._observations, self._this_node
        looks = {"line": observations.line.at} if this_node.transfer_policy.has_line else {}
        looks |= {"relay card": observations.card.at} if this_node.has_card else {}
        role, done = self.state.role, self.state.transfer is None or self.state.transfer.done
        return CompletedCycle(
            holds=role.holds or (role in (Role.RELEASING, Role.LEAVING) and not done),
            peer_able=peer_could_serve(self.seen(now)),
            looks={what: now - at for what, at in looks.items()},
            orders=self._executor.under_way(now),
            relay_holds=self._relay_holds,
        )

    @property
    def _relay_holds(self) -> bool:
        """Whether a relay with a watchdog of its own holds the line here, under a grant."""
        policy, state = self._this_node.transfer_policy, self.state
        guarded = policy.has_card and policy.frees_after > 0
        granted = state.role.holds and state.grant.held
        return guarded and granted and is_known(self._executor.commanded, Relay.ENERGISED)

    # -- what it sees -------------------------------------------------------------------------------------

    def seen(self, now: float) -> Seen:
        """Everything core looks at, as the board has it at `now`."""
        observations = self._observations
        calls = fresh(observations.calls, now, LAN_MAX_AGE)
        return Seen(
            commanded=self._executor.commanded,
            card=observations.card,
            contacts=fresh(observations.contacts, now, POSITION_MAX_AGE),
            line=observations.line,
            dchannel=observations.dchannel,
            pbx=observations.pbx(self._this_node.probe_policy, now),
            address=observations.address,
            address_missing=observations.address_missing,
            peer=observations.peer(now, self._this_node.conf.peer_max_age),
            busy=self._executor.busy,
            failed=dict(self._executor.failed),
            maintenance=self.maintenance.on,
            lan=fresh(observations.lan, now, LAN_MAX_AGE),
            calls=calls,
            lan_back_at=observations.lan_back_at,
            claim_over_at=observations.claim_over_at,
            sip=sip_answers(observations.probes, self._this_node.probe_policy, now),
            calls_missing=observations.calls_missing if now - observations.calls.at <= LAN_MAX_AGE else "",
        )

    def unfit(self, now: float) -> tuple[str, ...]:
        """Why this node could not serve if it were asked; empty when it could."""
        return self.fitness(now).unfit

    def fitness(self, now: float) -> Fitness:
        """Return whether this node could serve if it were asked."""
        observations = self._observations
        policy = self._this_node.transfer_policy
        standing = FitnessInputs(
            has_card=policy.has_card,
            has_line=policy.has_line,
            card=observations.card,
            line=observations.line,
            pbx_installed=observations.pbx_installed,
            start_failed_at=self._executor.start_failed_at,
            start_failure=self._executor.start_failure,
            lan=fresh(observations.lan, now, LAN_MAX_AGE),
            not_settable=observations.not_settable,
            engine=observations.engine,
            disks=observations.disks,
            has_address=bool(self._this_node.conf.addresses),
        )
        return fitness_of(standing, now)

    def _inputs(self) -> Inputs:
        observations = self._observations
        asked = self._clock.now() - observations.gone_asked_at <= SAME_QUESTION
        return Inputs(
            seen=self.seen(self._clock.now()),
            engine=observations.engine,
            engine_id=observations.engine_id,
            engine_serves=observations.engine_serves,
            engine_moving=observations.engine_moving,
            peer_seen=observations.peer_seen,
            fit=not self.unfit(self._clock.now()),
            wall=self._clock.wall(),
            pbx_started_by=observations.pbx_started_by,
            engine_target=observations.engine_target,
            woke=observations.woke,
            fence=FenceInputs(
                bool(observations.duplicate) and observations.duplicate == observations.peer_mac,
                self.drilling(),
                observations.fenced,
                asked,
            ),
            asked=observations.asked,
            loses_requests=self._loses_requests,
        )

    # -- what happens -------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Take one turn: everything that follows from what the board shows now."""
        on_file = self._book.peek()
        if on_file is not None:
            self._step(GrantSeen(on_file))
        self._step(Tick(self._inputs()))

    async def begin(self) -> None:
        """Hand in what the engine says to an agent that starts; return when what follows is done."""
        for effect in self._decide(Starting(self._inputs(), self._book.lost)):
            self._carry_out(effect)
            await self._executor.settle()

    def start(self) -> None:
        """Hand in the first look, which gives an agent that starts its role."""
        self._step(Started(self._inputs(), self._book.read()))

    def ask(self, verb: Verb, ticket: float, engine: str) -> Verdict:
        """Do what the resource script wants. `ticket`: when it was started, in seconds since boot."""
        grant, verdict = self._book.ask(verb, ticket, engine)
        self._step(ScriptSpoke(verb, grant, verdict))
        return verdict

    def hand_over(self, reason: str, *, force: bool = False) -> None:
        """Let the line go at once and have Heartbeat move the rest, by its end with `force`: an operator wants it."""
        self._step(HandOver(reason, force))
        self._observations.notify_changed()  # an operator's wish comes between two turns, and the line is to go first

    def start_pbx(self, reason: str) -> None:
        """Start Asterisk again under the present grant: an operator wants it."""
        self._step(StartPbx(reason))
        self._observations.notify_changed()

    def acknowledge_moves(self, by: str) -> None:
        """Begin to count the moves of service afresh: `by` has looked at why they were so many."""
        self._step(AcknowledgeMoves(by))
        self._observations.notify_changed()

    def clear_node(self, reason: str) -> None:
        """Let go of everything whatever the role: before Heartbeat is started."""
        self._step(ClearNode(reason))
        self._observations.notify_changed()

    # -- what follows -------------------------------------------------------------------------------------

    def _step(self, event: ControllerEvent) -> None:
        # The line goes first: what the engine is asked for starts programs, which take the processor from the card's.
        for effect in sorted(self._decide(event), key=_asks_engine):
            self._carry_out(effect)
        if self.state.releasing:
            self.released.clear()
        else:
            self.released.set()
        self._observations.stepped.set()

    def _decide(self, event: ControllerEvent) -> tuple[Effect, ...]:
        this_node = self._this_node
        policy = ControllerPolicy(
            this_node.transfer_policy,
            this_node.watch_policy,
            this_node.conf.peer_max_age,
            this_node.fence_policy,
        )
        self._service.state, effects = controller.step(self.state, event, policy, self._clock.now())
        return effects

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case WriteEntry(kind, fields):
                self._journal.note(kind, **fields, **self._in_calls(kind, fields))
            case GiveOrder(order, reason, generation, under):
                self._executor.give(order, reason, generation, self._still_wanted(under))
            case ResetCard():
                self._executor.reset_card()
            case AskStandby():
                self._request(self._asks.standby())
            case AskTakeover():
                self._request(self._asks.takeover())
            case RestartEngine(_, until_dead):
                self._request(self._asks.restart(until_dead=until_dead))
            case ExpectEngine():
                self._observations.engine_target = EngineTarget.STARTED
                self._request(self._asks.keep_target())
            case FencePeer(reason):
                self._fence(reason)
            case VoidGrant() | ConfirmGrant() | SettleGrant():
                self._service.state = replace(self.state, grant=self._keep(effect))
            case AnnounceAddress(why, under):
                self._executor.announce(why, self._may_announce(under))
            case ForgetFailures():
                self._executor.forget_failures()
            case ForgetRelay(why):
                self._executor.forget_relay(why)

    def _in_calls(self, kind: str, fields: Mapping[str, object]) -> dict[str, object]:
        """Return what an entry says of the calls that a release ends, as far as they were counted lately."""
        counted, now = self._observations.channels, self._clock.now()
        released = kind == "transfer" and fields.get("goal") == Goal.RELEASE.value
        if not released or not isinstance(counted, Known) or now - counted.at > _COUNT_AGE:
            return {}
        return {"channels": counted.value, "channels_ago": round(now - counted.at, 1)}

    def _keep(self, effect: VoidGrant | ConfirmGrant | SettleGrant) -> Grant:
        """Return the grant as it stands on file after the effect.

        A script that worked alone may have spoken since the grant was read: what is on file counts.
        """
        match effect:
            case VoidGrant():
                return self._book.void()
            case ConfirmGrant(engine):
                return self._book.confirm(engine)
            case SettleGrant():
                return self._book.settled()

    def _request(self, asking: Awaitable[None]) -> None:
        request = asyncio.ensure_future(asking)
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)

    def _still_wanted(self, under: int | None) -> Callable[[], bool]:
        """Return the check that an order makes in its thread when its turn comes: whether it is wanted."""
        return lambda: under is None or self.state.wants(under)

    def _may_announce(self, under: int) -> Callable[[], bool]:
        """Return the check that is made in a thread just before the address is announced: whether this node serves."""
        return lambda: (
            self.state.role.holds and self.state.grant.held and self.state.grant.generation == under
        )


def _asks_engine(effect: Effect) -> bool:
    return isinstance(effect, AskStandby | AskTakeover | RestartEngine)
