"""What an agent finds around it, what it tells its peer, and what outlives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from appliance.core import grant as grants
from appliance.core.controller_events import ControllerPolicy
from appliance.core.decide import WatchPolicy
from appliance.core.effects import ConfirmGrant, SettleGrant, VoidGrant
from appliance.core.grant import Grant, Verb, Verdict
from appliance.core.journal_entry import JournalEntry
from appliance.core.model import Line, Node, Relay
from appliance.core.move_limit import KINDS, MoveRecord, remembered
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.service_state import ServiceState, first_state
from appliance.core.transfer import Peer, Policy, Witness
from hwsim.virtual.links import Links
from hwsim.virtual.metal import Card, Server

PEER_MAX_AGE = 5.0
EPOCH = 1.7e9  # what the clocks show at virtual time 0
WATCH = WatchPolicy(restart_allowed=False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0, move_limit=6)


def policy_for(node: Node, witness: Witness = Witness.OFF) -> Policy:
    """Return the times of the conf file's defaults, as far as a transfer needs them."""
    return Policy(
        node=node,
        has_card=node is Node.PRIMARY,
        has_line=True,
        witness=witness,
        witness_wait=5.0,
        line_deadline=8.0,
        dchannel_deadline=8.0,
        pbx_start_deadline=60.0,
        pbx_stop_deadline=5.0,
    )


@dataclass(frozen=True)
class Message:
    """What the agent of one node tells that of the other."""

    granted: bool
    fit: bool
    line: Line | None
    relay: Relay | None
    role: str = ""
    fit_for_lan: bool = True
    serves: bool = False
    since: int | None = None
    engine: str = ""
    drops_minutes: int | None = None
    lost_minutes: int | None = None
    demands: int = 0
    heard_since: int = 0
    stood_still: bool = False
    lan: bool | None = None
    calls: bool | None = None
    hears: bool | None = None
    offers: bool = False
    prepares: bool = False

    def peer(self, alive: Reading[bool], hears_us: Reading[bool], at: float) -> Peer:
        """Return the peer that has said this `at`."""
        silent = Unknown("the other node does not say", at)
        return Peer(
            alive=alive,
            fit=Known(self.fit, at),
            line=silent if self.line is None else Known(self.line, at),
            granted=Known(self.granted, at),
            relay=silent if self.relay is None else Known(self.relay, at),
            serves=Known(self.serves, at),
            fit_for_lan=Known(self.fit_for_lan, at),
            served_since=self.since,
            engine=self.engine,
            drops_minutes=self.drops_minutes,
            lost_minutes=self.lost_minutes,
            demands=self.demands,
            heard_since=self.heard_since,
            stood_still=self.stood_still,
            lan=silent if self.lan is None else Known(self.lan, at),
            calls=silent if self.calls is None else Known(self.calls, at),
            hears_us=hears_us,
            offers=self.offers,
            prepares=self.prepares,
        )


def value_or_none(reading: Reading[bool]) -> bool | None:
    """Return what is known; None when nothing is."""
    return reading.value if isinstance(reading, Known) else None


@dataclass
class Book:
    """All that outlives an agent: the grant on file, and the journal. `lost`: no grant is on file that can be read."""

    grant: Grant = field(default_factory=Grant)
    lost: bool = False
    journal: list[JournalEntry] = field(default_factory=list)

    def ask(self, verb: Verb, ticket: float, engine: str) -> Verdict:
        """Do what the resource script wants."""
        self.grant, verdict = grants.ask(self.grant, verb, ticket, engine)
        self.lost = False
        return verdict

    def keep(self, effect: VoidGrant | ConfirmGrant | SettleGrant) -> None:
        """Keep the grant as it is after the effect."""
        match effect:
            case VoidGrant():
                self.grant = grants.void(self.grant)
            case ConfirmGrant(engine):
                self.grant, self.lost = grants.confirm(self.grant, engine), False
            case SettleGrant():
                self.grant = grants.settled(self.grant)

    def note(self, at: float, wall: float, kind: str, fields: Mapping[str, object]) -> None:
        """Write an entry of the journal. `wall`: the time of day, in seconds since the epoch."""
        self.journal.append(JournalEntry({"at": at, "wall": wall, "kind": kind, **fields}))

    def moves(self, wall: float, now: float) -> MoveRecord:
        """Return the moves of service that the journal knows of, for an agent that starts."""
        return remembered((entry for entry in reversed(self.journal) if entry.kind in KINDS), wall, now)


class Engine(Protocol):
    """What an agent asks of the cluster engine, and asks it to do (see `hwsim/virtual/heartbeat.py`)."""

    def identity(self, node: Node) -> int | None:
        """Return the master that runs on `node`."""
        ...

    def serves(self, node: Node) -> bool | None:
        """Return its word on whether `node` serves; None while it does not say."""
        ...

    def moving(self, node: Node) -> bool:
        """Tell whether it says that it is in transition."""
        ...

    def alive(self, node: Node) -> bool | None:
        """Return what `node`'s master says of its peer; None when it does not say."""
        ...

    def ask_standby(self, node: Node, now: float) -> float:
        """Ask for a hand-over by the master of `node`; return for how many seconds it logs that it drops that."""
        ...

    def ask_takeover(self, node: Node, now: float) -> float:
        """Ask by the master of `node` that the other one hands over; return as `ask_standby`."""
        ...

    def restart_engine(self, node: Node, now: float, *, until_dead: bool = False) -> None:
        """End the master by force and start it again, at once or when the peer has called it dead."""
        ...


@dataclass
class Site:
    """What an agent finds around it. `servers`: both nodes, of which it sees what can be seen over the LAN."""

    node: Node
    servers: Mapping[Node, Server]
    card: Card
    book: Book
    policy: Policy
    watch: WatchPolicy
    heartbeat: Engine
    links: Links

    def __post_init__(self) -> None:
        self.server = self.servers[self.node]

    @property
    def controller_policy(self) -> ControllerPolicy:
        """What the conf file says now."""
        return ControllerPolicy(self.policy, self.watch, PEER_MAX_AGE)

    def plugged(self, now: float) -> Reading[bool]:
        """Return whether the card is there, as an agent sees it at `now`."""
        if "card" in self.server.blind:
            return Unknown("it cannot be seen", now)
        return Known(self.card.plugged, now)

    def wall(self, now: float) -> float:
        """Return what the node's clock shows, in seconds since the epoch."""
        return EPOCH + now + self.server.clock

    def first_state(self, now: float) -> ServiceState:
        """Return the state of an agent that starts: what the grant on file and the journal say."""
        return first_state(self.book.grant, now, self.book.moves(self.wall(now), now))
