"""The terms of a transfer of service to or from this node: goals, phases, orders, what is seen.

See `plan` for the steps of a transfer.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from appliance.core.model import DChannel, Line, Node, Pbx, Relay
from appliance.core.reading import Known, Reading, T, Unknown, is_known
from appliance.core.relay_facts import Contacts


class Goal(enum.Enum):
    """The goal of a transfer."""

    ACQUIRE = "acquire"
    RELEASE = "release"
    LEAVE = "leave"  # release, and remove the cluster address too, because Heartbeat is not there to do it


class Phase(enum.Enum):
    """How far a transfer is; only DONE claims success."""

    MOVING = "moving"  # relay and Asterisk are ordered; the line's signal is not here yet
    SETTLING = "settling"  # signal received; waiting for the span to settle
    LINKING = "linking"  # the alarm is clear; D-channel or Asterisk are awaited
    LETTING_GO = "letting go"  # the relay is not known to be released
    STOPPING = "stopping"  # the line is let go; Asterisk (or the address) is still there
    DONE = "done"
    BLOCKED = "blocked"  # the transfer cannot go on by itself; the note says why and what to do
    UNVERIFIABLE = "unverifiable"  # done as ordered, but this hardware cannot say whether it worked

    __hash__ = object.__hash__


class Order(enum.Enum):
    """An order that the agent can carry out; every order is idempotent."""

    ENERGISE = "energise the relay"
    RELEASE = "release the relay"
    START_PBX = "start Asterisk"
    STOP_PBX = "stop Asterisk"
    KILL_PBX = "kill Asterisk"
    RESTART_SPANS = "restart the spans' links"
    RESTART_PBX = "restart Asterisk"
    REMOVE_ADDRESS = "remove the cluster address"
    PUT_ADDRESS = "put the cluster address back"

    __hash__ = object.__hash__  # as for Node: each turn looks for orders in sets of them


class Witness(enum.Enum):
    """The policy of the secondary when its peer is silent and the line has not arrived (HAWITNESS)."""

    OFF = "OFF"
    PREFER = "PREFER"
    REQUIRE = "REQUIRE"


_ACQUIRING = frozenset(
    {Phase.MOVING, Phase.SETTLING, Phase.LINKING, Phase.DONE, Phase.BLOCKED, Phase.UNVERIFIABLE}
)
_RELEASING = frozenset({Phase.LETTING_GO, Phase.STOPPING, Phase.DONE, Phase.BLOCKED})

# The phase in which a transfer begins.
FIRST: Mapping[Goal, Phase] = MappingProxyType(
    {Goal.ACQUIRE: Phase.MOVING, Goal.RELEASE: Phase.LETTING_GO, Goal.LEAVE: Phase.LETTING_GO}
)
# The phases a transfer may be in next. An acquired line can be lost again, so acquiring has no last phase; a
# release, once done, stays done.
TABLE: Mapping[Goal, Mapping[Phase, frozenset[Phase]]] = MappingProxyType(
    {
        Goal.ACQUIRE: dict.fromkeys(_ACQUIRING, _ACQUIRING),
        Goal.RELEASE: dict.fromkeys(_RELEASING - {Phase.DONE}, _RELEASING) | {Phase.DONE: frozenset()},
        Goal.LEAVE: dict.fromkeys(_RELEASING - {Phase.DONE}, _RELEASING) | {Phase.DONE: frozenset()},
    }
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The facts about the site that a transfer needs; times are in seconds."""

    node: Node
    has_card: bool  # this node carries the relay card
    has_line: bool  # there is a telephone line to wait for at all
    witness: Witness
    witness_wait: float
    line_deadline: float
    dchannel_deadline: float
    pbx_start_deadline: float
    pbx_stop_deadline: float
    release_deadline: float = 10.0
    prepares: bool = True  # Asterisk may be started ahead of a grant (see `core/prepared_start.py`)
    retry: float = 1.0
    # Seconds after which the relay's own watchdog takes the line from a primary that hangs; 0: it keeps the line.
    frees_after: float = 0.0
    stonith: bool = False  # the engine gives service only when the other node is surely gone (HASTONITH)


_UNSAID = Unknown("the other node does not say", 0.0)
_UNASKED = Unknown("SIP is not asked", 0.0)
_NO_REGISTER = Unknown("the relay is not asked", 0.0)


@dataclass(frozen=True, slots=True)
class Peer:
    """The state of the other node, as Heartbeat sees it (`alive`) and as that node reports it (the rest).

    `doubts`: why it is not known to be ready, though it is fit (see `core/fitness.py`).
    `fit_for_lan`: it could serve the telephones of the LAN, be it without the line. `granted`: it holds a grant, which
    it may have given up by itself; `serves`: it acts under one. `served_since`: when it began to serve, in whole
    seconds since the epoch by its own clock; None when it does not say. `engine`: the identity of its engine's master.
    `drops_minutes`: for how many minutes that drops requests to move service; `lost_minutes`: and for how many this
    node's does, as the peer has found; None when it does not (see `core/lost_request.py`). `demands`: when an operator
    last asked there for service by force, in whole seconds since the epoch by its own clock; 0 when not just now.
    `heard_since`: when this node began to serve, as the peer has heard; 0 when it hears of no service here, None when
    it does not say. `stood_still`: it has just stood still, and may have been called dead. `lan`: it reaches the LAN.
    `calls`: seen from there, a telephone could call through the cluster address. `hears_us`: it hears this node.
    `offers`: it has given service up, and nothing of it is left there; `prepares`: it has started Asterisk ahead of a
    grant (see `core/prepared_start.py`).
    """

    alive: Reading[bool]
    fit: Reading[bool]
    line: Reading[Line]
    granted: Reading[bool]
    relay: Reading[Relay]
    unfit_because: str = ""
    doubts: str = ""
    serves: Reading[bool] = _UNSAID
    fit_for_lan: Reading[bool] = _UNSAID
    served_since: int | None = None
    engine: str = ""
    drops_minutes: int | None = None
    lost_minutes: int | None = None
    demands: int = 0
    heard_since: int | None = None
    stood_still: bool = False
    lan: Reading[bool] = _UNSAID
    calls: Reading[bool] = _UNSAID
    hears_us: Reading[bool] = _UNSAID
    offers: bool = False
    prepares: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that a step looks at.

    `busy`: orders being carried out. `failed`: how the last try of an order failed. `maintenance`: an
    operator works on this node, and nothing is handed over or restarted by itself. `lan`: this node reaches the LAN;
    `calls`: seen from here, a telephone could call through the cluster address (see `core.lan`), through one of them
    where there are two; `calls_missing`: why through another it is known that it could not. `peer_off_at`: when
    HAFENCE confirmed that the peer has no power, None when it has not. `address`: one of the cluster's addresses is
    here; `address_missing`: those that are not, while another is. `lan_back_at`: when the LAN last came back to this
    node, because its interface has carrier again or another hardware address, or because it is reached again;
    `claim_over_at`: when another machine that had claimed a cluster address was last found to claim it no more. Both in
    monotonic seconds. `sip`: Asterisk answers this node by SIP. `contacts`: what the relay's register says, which is
    no proof of anything, at the time when it was asked (see `core/relay_position.py`).
    """

    commanded: Reading[Relay]
    card: Reading[bool]
    line: Reading[Line]
    dchannel: Reading[DChannel]
    pbx: Reading[Pbx]
    address: Reading[bool]
    peer: Peer
    busy: frozenset[Order] = frozenset()
    failed: Mapping[Order, str] = field(default_factory=dict)
    maintenance: bool = False
    lan: Reading[bool] = _UNSAID
    calls: Reading[bool] = _UNSAID
    peer_off_at: float | None = None
    address_missing: str = ""
    calls_missing: str = ""
    lan_back_at: float = float("-inf")
    claim_over_at: float = float("-inf")
    sip: Reading[bool] = _UNASKED
    contacts: Reading[Contacts] = _NO_REGISTER

    @property
    def every_call(self) -> Reading[bool]:
        """Whether a telephone could call at each of the cluster's addresses, which is what people are told."""
        return Known(False, self.calls.at, self.calls_missing) if self.calls_missing else self.calls


@dataclass(frozen=True, slots=True)
class Aside:
    """What an acquiring transfer remembers of a peer that fell silent (see `core/witness.py`); monotonic seconds.

    `since`, `because`: since when, and why, line and address are left to the other node although the grant stands here.
    `ended`: when that ended last. `peer_heard`: the peer was alive under this service. `silent_since`: since when it is
    not. `lan_cut_since`: since when this node is known to be cut off from the LAN. `able_since`: since when Asterisk
    runs here and the LAN is not known to be cut.
    """

    since: float | None = None
    because: str = ""
    ended: float | None = None
    peer_heard: bool = False
    silent_since: float | None = None
    lan_cut_since: float | None = None
    able_since: float | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """How far the recovery of a missing D-channel is (see `core/stuck_line.py`); times are monotonic seconds.

    `since`: since when it is missing. `grade`: the number of what is being done, `begun` when that began. `rounds`:
    how often a recovery before this one did not last, or was in vain. `tried`: the grades that were begun.
    `healed_at`: when the D-channel was back; None while it is missing.
    """

    since: float
    begun: float
    grade: int = 0
    rounds: int = 0
    tried: frozenset[int] = frozenset()
    healed_at: float | None = None


@dataclass(frozen=True, slots=True)
class AddressPuts:
    """How often the cluster address was put back.

    Attributes:
        count: How often since it last stayed for long enough (`core/cluster_address.py`).
        last: When it was last put back, in monotonic seconds.
        expected: It has not been here yet: that it is away is no theft.
    """

    count: int = 0
    last: float | None = None
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer: its goal, its reason, its generation, and how far it is; times are monotonic seconds.

    `ordered`: when each order was last given. `away_since`: since when the signal of the line is not here.
    `unclear_since`: since when the signal is here but its alarm is not clear. `linking_since`: since when
    only the D-channel is missing. `unseen_since`: since when something cannot be read. `pbx_since`: since
    when Asterisk is awaited. `left` is set while the line is away and Asterisk has not noticed, `ghost` when
    the line came back in that state (docs/facts/pri-timing.md, ghost link), `relinked_at` when the links of
    the spans were restarted because of that. `served` is set once Asterisk ran under this transfer: whether
    to start Asterisk again when it dies is then a decision (see `decide`), not a part of the plan.
    `had_address` is set once the cluster address was here under this transfer, `address_gone_since` is since when it
    is not, and `address_puts` how often it was put back. `never_set`: which address has not been here, for longer than
    that takes. `aside`: what is remembered of a silent peer. `recovery`: how far the recovery of its D-channel is, or
    of one before it.
    """

    goal: Goal
    generation: int
    reason: str
    began: float
    policy: Policy
    phase: Phase
    since: float
    note: str = ""
    ordered: Mapping[Order, float] = field(default_factory=dict)
    away_since: float | None = None
    linking_since: float | None = None
    unclear_since: float | None = None
    unseen_since: float | None = None
    pbx_since: float | None = None
    was_here: bool = False
    left: bool = False
    ghost: bool = False
    relinked_at: float | None = None
    served: bool = False
    had_address: bool = False
    never_set: str = ""
    address_gone_since: float | None = None
    address_puts: AddressPuts = AddressPuts()
    aside: Aside = Aside()
    recovery: Recovery | None = None

    @property
    def done(self) -> bool:
        """True when the transfer is confirmed, not merely commanded."""
        return self.phase is Phase.DONE


@dataclass(frozen=True, slots=True)
class Step:
    """The transfer as it now stands, and the orders to give now."""

    transfer: Transfer
    orders: tuple[Order, ...]


def heard_since(peer: Peer) -> int:
    """Return when the peer's service began, as it says; 0 when it is not heard to serve."""
    return peer.served_since or 0 if is_known(peer.serves, True) else 0


def arrived(line: Reading[Line]) -> bool:
    """Tell whether the signal of the line is known to be here."""
    return isinstance(line, Known) and line.value.arrived


def doubted_because(line: Reading[Line]) -> str:
    """Return why nobody can say whether the line is here, as a clause with what to do about it."""
    said = line.why if isinstance(line, Known) else line.reason
    return said or "no alarm of this hardware tells; make a test call"


def other_cause(line: Reading[Line]) -> str:
    """Return what else than the telephone line may be behind an absent line, as an addition to a sentence.

    The result is "" when the reading names no other cause.
    """
    return f". Or: {line.why}" if isinstance(line, Known) and line.value is Line.ABSENT and line.why else ""


def unknown_because(reading: Reading[T]) -> str:
    """Return the reason of an Unknown reading; "" for a known one."""
    return reading.reason if isinstance(reading, Unknown) else ""
