"""The metal of a pair in virtual time: relay, line, Asterisk, and orders that take their time.

Figures from docs/facts/pri-timing.md, typical. Written from the facts, not from the product.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.core.engine_target import EngineTarget
from appliance.core.model import DChannel, Line, Node, Pbx, Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.transfer import Order
from hwsim.line.q921 import Cure

SETTLE = 5.0  # RED gone -> RECOVERING is held
LINK_UP = 0.8  # line back -> D-channel up
LINK_LOST = 6.9  # layer 1 lost -> D-channel down
BELIEVES = 14.0  # for so long an exchange believes in an old link at the most
CARD_DEADLINE = 2.0
BOOT = 2.0
STOP = 0.5
STARTER_WAITS = 4.0  # as safe_asterisk does
PUTTING = 0.6  # it is asked on the LAN first whether another machine has the address
STOP_DEADLINE = 5.0


@dataclass
class Card:
    """The relay card in the primary. The coil does as told; the armature follows unless it is stuck."""

    plugged: bool = True
    mute: bool = False
    stuck: bool = False
    takes: float = 0.05  # seconds for a command
    tool_hangs: bool = False  # a command is carried out, and its tool has to be ended
    coil: Relay = Relay.RELEASED
    armature: Relay = Relay.RELEASED
    moves: int = 0

    @property
    def obeys(self) -> bool:
        """It does as it is told."""
        return self.plugged and not self.mute and not self.stuck and not self.tool_hangs

    @property
    def settled(self) -> bool:
        """The armature is where the coil has it, or stuck."""
        return self.stuck or self.armature is self.coil

    def settle(self) -> None:
        """Have the armature follow the coil."""
        if not self.plugged:
            self.coil = Relay.RELEASED
        if not self.settled:
            self.armature = self.coil
            self.moves += 1


@dataclass
class Asterisk:
    """One node's Asterisk and its D-channel. `ghost`: it believes in a link that the far end has dropped."""

    state: Pbx = Pbx.DEAD
    since: float = 0.0
    link_up: bool = False
    ghost: bool = False
    linkable_since: float | None = None
    far_end: bool = True  # the provider's layer 2 answers
    needs: Cure | None = None  # the link is stuck until this happens
    stuck_at: float = 0.0
    fell_at: float = 0.0  # when the D-channel last went down
    starts_fail: bool = False
    dies_after: float | None = None  # it dies so many seconds after each start
    starter: bool = False  # something else starts it whenever it does not run

    def be(self, state: Pbx, now: float) -> None:
        """Enter `state`."""
        if state is not self.state:
            self.state, self.since = state, now
        if state in (Pbx.DEAD, Pbx.STARTING):
            self.drop_link()
            self.cure(Cure.SPAN_RESTART, Cure.PBX_RESTART)

    def stick(self, needs: Cure, now: float) -> None:
        """Have the link go down, and stay so until what it `needs` has happened."""
        self.needs, self.stuck_at = needs, now

    def cure(self, *cures: Cure) -> None:
        """Have one of `cures` happen."""
        self.needs = None if self.needs in cures else self.needs

    def drop_link(self, now: float = 0.0) -> None:
        """Lose the D-channel."""
        self.fell_at = now if self.link_up else self.fell_at
        self.link_up = self.ghost = False
        self.linkable_since = None

    def live(self, now: float) -> None:
        """Start or die by something else than an order."""
        if self.starter and self.state is Pbx.DEAD and now - self.since >= STARTER_WAITS:
            self.be(Pbx.STARTING, now)
        if self.dies_after is not None and self.state is Pbx.RUNNING and now - self.since >= self.dies_after:
            self.be(Pbx.DEAD, now)

    def follow_bits(self, bits: bool, lost_at: float, watched: bool, now: float) -> None:
        """Q.921: up a while after bits flow; down a while after they are lost; a short loss goes unnoticed.

        Only a loss that somebody watched leaves a ghost here: no one can know of another.
        """
        if self.state is Pbx.STARTING and now - self.since >= BOOT - 0.1:
            self.be(Pbx.RUNNING, now)
        if self.state is not Pbx.RUNNING:
            return
        if now - self.stuck_at >= BELIEVES:
            self.cure(Cure.TIME)
        if not bits:
            self.cure(Cure.CARRIER_FALLS)
        if bits and (self.needs is not None or not self.far_end):
            self.drop_link(now)
        elif bits:
            self.linkable_since = now if self.linkable_since is None else self.linkable_since
            self.link_up = self.link_up or now - self.linkable_since >= LINK_UP
        if bits:
            return
        self.linkable_since = None
        self.ghost = self.ghost or (self.link_up and watched)
        if now - lost_at >= LINK_LOST:
            self.drop_link(now)


class Step(enum.Enum):
    """How far a job is."""

    WAITING = 1
    UNDER_WAY = 2


@dataclass
class Job:
    """An order given to a thread: it begins, takes its time, and tells whoever still listens."""

    order: Order
    wanted: Callable[[], bool]
    tell: Callable[[Order, str], None]
    step: Step = Step.WAITING
    ends: float = 0.0


@dataclass
class Server:
    """One node: its power, its Asterisk, what its span sees, and the orders under way on it.

    `renamed`: no interface has the name in the conf file (HADEV), so that no address can be set. `believed`: the engine
    takes the address for one that is here, and sets it no more, as Pacemaker does (docs/facts/pacemaker.md).
    """

    node: Node
    power: bool = True
    frozen: bool = False
    pbx: Asterisk = field(default_factory=Asterisk)
    address: bool = False
    renamed: bool = False
    believed: bool = False
    bits: bool = False
    bits_since: float = 0.0
    blind: set[str] = field(default_factory=set)
    jobs: list[Job] = field(default_factory=list)
    clock: float = 0.0  # by how many seconds its clock is ahead
    maintenance: bool = False
    engine_target: EngineTarget = EngineTarget.STARTED  # on the disk; the pair has served before

    @property
    def runs(self) -> bool:
        """It has power and is not frozen."""
        return self.power and not self.frozen

    def facts(self, now: float) -> object:
        """Everything that can be seen of this node, but for the times at which it was seen."""
        settled = self.bits and now - self.bits_since >= SETTLE
        pbx = self.pbx
        return (
            pbx.state,
            pbx.link_up,
            pbx.needs,
            self.bits,
            settled,
            self.address,
            self.maintenance,
            frozenset(self.blind),
        )

    def line(self, now: float) -> Reading[Line]:
        """Return the line as its span shows it."""
        if not self.bits:
            return self._seen("line", Line.ABSENT, now)
        return self._seen("line", Line.CLEAR if now - self.bits_since >= SETTLE else Line.SETTLING, now)

    def dchannel(self, now: float) -> Reading[DChannel]:
        """Return the D-channel as Asterisk reports it."""
        if self.pbx.state is not Pbx.RUNNING:
            return Unknown("Asterisk does not run", now)
        return self._seen("dchannel", DChannel.UP if self.pbx.link_up else DChannel.DOWN, now)

    def asterisk(self, now: float) -> Reading[Pbx]:
        """Return Asterisk as the probes find it."""
        return self._seen("pbx", self.pbx.state, now)

    def _seen(self, what: str, value: object, now: float) -> Reading:  # type: ignore[type-arg]
        return Unknown("it cannot be seen", now) if what in self.blind else Known(value, now)

    def due(self, now: float) -> float:
        """Return when something happens here by itself."""
        pbx = self.pbx
        times = [job.ends if job.ends else now + 0.05 for job in self.jobs] if self.runs else []
        if pbx.starter and pbx.state is Pbx.DEAD:
            times.append(pbx.since + STARTER_WAITS)
        if pbx.dies_after is not None and pbx.state is Pbx.RUNNING:
            times.append(pbx.since + pbx.dies_after)
        if pbx.needs is Cure.TIME:
            times.append(pbx.stuck_at + BELIEVES)
        if pbx.state is Pbx.STARTING:
            times.append(pbx.since + BOOT - 0.1)
        if self.bits:
            times.append(self.bits_since + SETTLE)
            if pbx.linkable_since is not None and not pbx.link_up:
                times.append(pbx.linkable_since + LINK_UP)
            elif pbx.linkable_since is None and pbx.far_end and pbx.state is Pbx.RUNNING:
                times.append(now + 0.05)
        elif pbx.link_up:
            times.append(self.bits_since + LINK_LOST)
        return min((time for time in times if time > now), default=float("inf"))

    def follow_line(self, bits: bool, agent: bool, now: float) -> None:
        """Have the span and Asterisk follow the signal. `agent`: somebody watches them."""
        if bits is not self.bits:
            self.bits, self.bits_since = bits, now
        if self.runs:
            self.pbx.live(now)
        watched = agent and self.runs and not self.blind & {"line", "dchannel"}
        self.pbx.follow_bits(self.bits, self.bits_since, watched, now)

    def put_address(self) -> None:
        """Set the cluster address, where its interface is there."""
        self.address = self.address or not self.renamed

    def granted_address(self) -> None:
        """Set the cluster address as the engine does with its grant: where it does not believe that it is here."""
        if not self.believed:
            self.put_address()

    def lose_power(self, now: float) -> None:
        """Go dark, with everything that ran."""
        self.power = self.frozen = self.address = False
        self.pbx.be(Pbx.DEAD, now)
        self.jobs.clear()


RELAY = {Order.ENERGISE: Relay.ENERGISED, Order.RELEASE: Relay.RELEASED}


class Hands:
    """Carries out the jobs of one server: card commands one after the other, the rest side by side.

    `elsewhere`: another machine answers for the cluster address, which is not set here then.
    """

    def __init__(self, server: Server, card: Card, elsewhere: Callable[[], bool]) -> None:
        self._elsewhere = elsewhere
        self._server = server
        self._card = card

    def work(self, now: float) -> None:
        """Begin and end what is due."""
        jobs = self._server.jobs
        for job in list(jobs):
            waits = job.order in RELAY and any(
                other.order in RELAY and other.step is Step.UNDER_WAY for other in jobs
            )
            if job.step is Step.WAITING and not waits:
                self._begin(job, now)
            if job.step is Step.UNDER_WAY and now >= job.ends:
                jobs.remove(job)
                job.tell(job.order, self._end(job.order, now))

    def _begin(self, job: Job, now: float) -> None:
        if not job.wanted():
            self._server.jobs.remove(job)
            job.tell(job.order, "skipped")
            return
        job.step, job.ends = Step.UNDER_WAY, now + self._duration(job.order)
        pbx = self._server.pbx
        if job.order is Order.RESTART_PBX:
            pbx.be(Pbx.DEAD, now)
        if (
            job.order in (Order.START_PBX, Order.RESTART_PBX)
            and pbx.state is Pbx.DEAD
            and not pbx.starts_fail
        ):
            pbx.be(Pbx.STARTING, now)

    def _duration(self, order: Order) -> float:
        if order in RELAY:
            return CARD_DEADLINE if self._card.mute or self._card.tool_hangs else self._card.takes
        if order is Order.STOP_PBX:
            return STOP_DEADLINE if self._server.pbx.state is Pbx.HUNG else STOP
        if order in (Order.START_PBX, Order.RESTART_PBX):
            return 0.2 if self._server.pbx.starts_fail else BOOT
        return PUTTING if order is Order.PUT_ADDRESS else 0.1

    def _end(self, order: Order, now: float) -> str:
        """Have the order take effect; return the problem, or nothing."""
        pbx = self._server.pbx
        match order:
            case Order.ENERGISE | Order.RELEASE:
                return self._move(RELAY[order])
            case Order.START_PBX | Order.RESTART_PBX:
                return "" if pbx.state is Pbx.RUNNING else "it ended while it booted"
            case Order.STOP_PBX | Order.KILL_PBX:
                pbx.be(Pbx.DEAD, now)
            case Order.RESTART_SPANS:
                pbx.drop_link()
                pbx.cure(Cure.SPAN_RESTART)
            case Order.REMOVE_ADDRESS:
                self._server.address = False
            case Order.PUT_ADDRESS:
                if self._elsewhere():
                    return "the cluster address is elsewhere by now, so it is not set here"
                if self._server.renamed:
                    return "there is no such interface"
                self._server.put_address()
        return ""

    def _move(self, relay: Relay) -> str:
        if not self._card.plugged or self._card.mute:
            return "the card does not answer"
        self._card.coil = relay
        return "the tool did not end and was killed" if self._card.tool_hangs else ""
