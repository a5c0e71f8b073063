"""The watchdog over the pair: states of two living nodes that must not last, and what ends each of them.

The engine decides who serves, and there are ordinary events after which it never does: two nodes that started apart
both serve forever, an order is lost and nobody serves, a request is lost and every later one is dropped for an hour
(docs/facts/heartbeat.md). The agents hear each other and can see it. So each of these states has a `FaultRule`: how
long it may last before it is one, what the product does about it, and what people are told when that does not help.

Both nodes compute the same from the same words, so that exactly one of them acts: what is compared are values that
each has told the other, never an age that is measured twice.

Nothing here acts. `standing` follows which faults there are, `due` says what to do now; `core/controller.py` does it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.core.engine_requests import MOVING_FOR_EVER
from appliance.core.engine_traits import ENGINE
from appliance.core.model import Node
from appliance.core.reading import Reading, is_known
from appliance.core.values import changed


class PairFault(enum.Enum):
    """A state of the pair that the product does not leave as it is."""

    BOTH_SERVE = "both nodes serve"
    PEER_DEAF = "both nodes serve, and one does not hear the other"
    BOTH_GAVE_UP = "both nodes give service up to each other"
    GRANT_KEPT = "granted but not serving"
    SERVES_UNGRANTED = "serving but not granted"
    NOBODY_SERVES = "nobody serves"
    REQUEST_LOST = "a request to the engine was lost"

    __hash__ = object.__hash__  # as for Node


FAULTS = tuple(PairFault)


class Remedy(enum.Enum):
    """What the product does about a fault, on the node whose turn it is."""

    YIELD = "let go of everything and restart this node's engine"
    LET_GO = "let go of everything, the cluster address too, until the other node serves no longer"
    TAKE_BACK_OR_RESTART = (
        "the one takes service back, the other lets go of everything and restarts its engine"
    )
    TAKE_OVER = "ask the engine to bring service here"
    RESTART_ENGINE = "restart this node's engine"
    BE_CALLED_DEAD = "end this node's engine, and start it when the other node has called it dead"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What is known about one fault, and what is done.

    Attributes:
        fault: The fault.
        dwell: For how many seconds it must have been seen without a break before anything is done: longer than what an
            ordinary move makes of it.
        remedies: What is done, one after the other and from the first again, each when the one before did not help.
        patience: How many seconds a remedy is given before the next one.
        who: Which of the two nodes acts, as the subject of a clause for people.
        bound: After how many seconds people are told, when the fault still stands.
        says: What is told then, as a clause.
        todo: What an operator can do about it.
    """

    fault: PairFault
    dwell: float
    remedies: tuple[Remedy, ...]
    patience: float
    who: str
    bound: float
    says: str
    todo: str


# A joint start of the engine waits 12 s before it chooses, and a planned move takes 2 (docs/facts/heartbeat.md).
_NOBODY_DWELL = 15.0
# A node says that it hears nothing when a few messages are missing, and by then it may have begun to serve.
_DEAF_DWELL = 2.0
# An engine that settles two that served begins within 2.8 s, and its stop takes the grant back.
_KEPT_DWELL = 5.0
# A node that gives service up is asked by its engine to let go within this time, when the engine moves service on.
_GAVE_UP_DWELL = 2.0
# The engine's word follows a start or a stop late, and while it moves something it says nothing of who serves.
_UNGRANTED_DWELL = 20.0
# What the nodes tell each other of lost requests has arrived by then.
_LOST_DWELL = 2.0
# A remedy that was begun so often, and after which the fault has come back, is given its patience each time.
_LASTING = 3
# How long a fault that is gone is remembered, in seconds.
_REMEMBERED = 60.0

RULES: tuple[FaultRule, ...] = (
    FaultRule(
        fault=PairFault.BOTH_SERVE,
        # When a split heals, Heartbeat begins after 2.4 s to let go on both nodes, and then nobody serves for 17 s
        # (docs/facts/heartbeat.md): every second before that counts. `acknowledged` keeps what is late from counting.
        dwell=0.0,
        remedies=(Remedy.YIELD,),
        patience=45.0,
        who="the node that was frozen, or else the one without the line, or else the one that began to serve later,",
        bound=30.0,
        says=f"both nodes serve, and {ENGINE} does not settle it",
        todo="Stop one of them: 'asha ha stop' on the node that is not to serve, then 'asha ha start'.",
    ),
    FaultRule(
        fault=PairFault.PEER_DEAF,
        dwell=_DEAF_DWELL,
        remedies=(Remedy.LET_GO,),
        patience=20.0,
        who="the node that hears the other one",
        bound=20.0,
        says="both nodes serve, and the other node does not hear this one",
        todo="Look for a firewall, a cable or a port that works one way; or 'asha ha stop' on one of the nodes.",
    ),
    FaultRule(
        fault=PairFault.BOTH_GAVE_UP,
        dwell=_GAVE_UP_DWELL,
        remedies=(Remedy.TAKE_BACK_OR_RESTART,),
        patience=20.0,
        who="the primary takes it back if it is fit, or else the secondary if that is fit; the other one restarts,",
        bound=20.0,
        says="both nodes have given service up, each to the other",
        todo="See with 'asha status' why each of them cannot serve; then 'asha pbx start' on the one that can.",
    ),
    FaultRule(
        fault=PairFault.GRANT_KEPT,
        dwell=_KEPT_DWELL,
        remedies=(Remedy.RESTART_ENGINE,),
        patience=30.0,
        who="the node that does not serve",
        bound=45.0,
        says="the other node serves, and this node still has a part of it: "
        f"the word of {ENGINE} or the cluster address",
        todo=(
            "'asha ha stop' on the node that does not serve, then 'asha ha start'. Where the address comes back, see "
            "what else sets it (NetworkManager, networkd, a script)."
        ),
    ),
    FaultRule(
        fault=PairFault.SERVES_UNGRANTED,
        dwell=_UNGRANTED_DWELL,
        remedies=(Remedy.TAKE_OVER,),
        patience=30.0,
        who="the node that serves",
        bound=60.0,
        says=f"this node serves, and {ENGINE} says that it holds nothing",
        todo="'asha takeover' on the node that serves; see who has run the resource script by hand.",
    ),
    FaultRule(
        fault=PairFault.NOBODY_SERVES,
        dwell=_NOBODY_DWELL,
        remedies=(Remedy.TAKE_OVER, Remedy.RESTART_ENGINE),
        patience=20.0,
        who="the primary if it is fit, or else the secondary if that is fit,",
        bound=45.0,
        says="both nodes stand by and nobody serves",
        todo="'asha takeover' on the node that is to serve; else 'asha ha stop' and 'asha ha start' there.",
    ),
    FaultRule(
        fault=PairFault.REQUEST_LOST,
        dwell=_LOST_DWELL,
        remedies=(Remedy.BE_CALLED_DEAD,),
        patience=120.0,
        who="the standby",
        bound=60.0,
        says=f"{ENGINE} has lost a request to move service, and drops every other one for an hour",
        todo=(
            "Service stays where it is, and an Asterisk that dies is started again there; a node that cannot serve "
            f"has the other one take over by ending {ENGINE} on itself. To move service now: 'asha standby --force' "
            "on the node that serves, which costs as much as a failover after a power cut."
        ),
    ),
)
_RULE = {rule.fault: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Claim:
    """What one of two nodes that serve has to say for itself.

    `line`: the line's signal is there. `since`: when it began to serve, in whole seconds since the epoch by its own
    clock, as it tells the other; None when it does not tell, as an older version does not. `stood_still`: it has just
    stood still for so long that the other one may have called it dead, and then lets go by itself (`core/decide.py`).
    """

    line: bool
    since: int | None
    stood_still: bool = False


@dataclass(frozen=True, slots=True)
class PairView:
    """What the node `node` knows of the pair now.

    `engine`: the engine runs here. `peer_alive`: it sees the other node. `peer_hears`: that node hears this one.
    `serves`, `peer_serves`: who acts under a grant. `engine_serves`: the engine says that this node does.
    `peer_granted`: the other node holds one. `has_let_go`: this node holds a grant and has given service up, because
    the peer has it; `gives_up`: the same, so that the peer takes it. `stands_by`: this node has settled down as a
    standby. `moving`: the engine says that resources are on their way. `own`, `peer`: their claims. `fit`, `peer_fit`:
    who could serve. `address`: the cluster address is set here. `lost_request`: an engine drops requests to move
    service. `acknowledged`: what the peer says of itself it said after it had heard of this node's service, so that it
    is no late word of a service that has ended. `asked`: the engine asks whether the other node is gone, and gives no
    service here until it has been told so.
    """

    node: Node
    engine: bool
    peer_alive: Reading[bool]
    serves: bool
    engine_serves: Reading[bool]
    peer_serves: Reading[bool]
    peer_granted: Reading[bool]
    peer_hears: Reading[bool]
    has_let_go: bool
    gives_up: bool
    stands_by: bool
    moving: bool
    own: Claim
    peer: Claim
    fit: bool
    peer_fit: Reading[bool]
    lost_request: bool
    acknowledged: bool = True
    address: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True)
class StandingFault:
    """A fault of the pair; times are monotonic seconds.

    `there`: it is there now. `first`: when it was first seen. `since`: since when it is there without a break.
    `seen_at`: when it was last seen. `tried`: how often a remedy was begun, the last time at `tried_at`. A fault that
    comes back soon is the same one, so that a remedy which does not last is not tried for ever in silence.
    """

    fault: PairFault
    first: float
    since: float
    seen_at: float
    there: bool = True
    tried: int = 0
    tried_at: float = float("-inf")

    def is_due(self, now: float) -> bool:
        """Tell whether it is there for longer than an ordinary move makes of it."""
        return self.there and now - self.since >= _RULE[self.fault].dwell

    def is_overdue(self, now: float) -> bool:
        """Tell whether it has outlasted its bound, so that people are told."""
        return self.is_due(now) and now - self.first >= _RULE[self.fault].bound


def in_words(says: str, todo: str, lasted: float) -> str:
    """Return what people are told of a fault that has lasted for so many seconds."""
    return f"{says}, for {lasted:.0f} s. {todo}" if lasted >= 1.0 else f"{says}. {todo}"


def rule_of(fault: PairFault) -> FaultRule:
    """Return the rule of `fault`."""
    return _RULE[fault]


def standing(before: Collection[StandingFault], view: PairView, now: float) -> tuple[StandingFault, ...]:
    """Return the faults there are at `now`, and those that were there a short time ago."""
    there = [fault for fault in FAULTS if _is_there(fault, view)]
    if not there and not before:
        return ()
    known = {one.fault: one for one in before if now - one.seen_at < _REMEMBERED}
    for fault in FAULTS:
        if fault in there or _is_being_mended(known.get(fault), view, now):
            known[fault] = _seen(known.get(fault), fault, now)
        elif fault in known:
            known[fault] = changed(known[fault], there=False)
    return tuple(known.values())


def _seen(before: StandingFault | None, fault: PairFault, now: float) -> StandingFault:
    if before is None:
        return StandingFault(fault, now, now, now)
    if before.there:
        return changed(before, seen_at=now)
    # The remedy had helped, so it is not waited for any more; unless it helps for a moment, again and again.
    tried_at = float("-inf") if before.tried < _LASTING else before.tried_at
    return changed(before, there=True, since=now, seen_at=now, tried_at=tried_at)


def _is_being_mended(one: StandingFault | None, view: PairView, now: float) -> bool:
    """Tell whether nobody serves yet after a remedy that takes its time: an engine that is restarted says nothing."""
    if one is None or one.fault is not PairFault.NOBODY_SERVES or not one.there:
        return False
    served = view.serves or is_known(view.peer_serves, True) or is_known(view.peer_granted, True)
    return not served and now - one.tried_at < _RULE[one.fault].patience


def _is_there(fault: PairFault, view: PairView) -> bool:
    return view.engine and _SIGNS[fault](view)


def _both_serve(view: PairView) -> bool:
    return is_known(view.peer_alive, True) and view.serves and is_known(view.peer_serves, True)


def _both_gave_up(view: PairView) -> bool:
    others = is_known(view.peer_alive, True) and is_known(view.peer_granted, True)
    return view.gives_up and others and is_known(view.peer_serves, False)


def _grant_kept(view: PairView) -> bool:
    others = is_known(view.peer_alive, True) and is_known(view.peer_serves, True)
    let_go = view.has_let_go or view.gives_up
    kept = let_go or (view.stands_by and (view.address or is_known(view.engine_serves, True)))
    return others and kept and not is_known(view.peer_hears, False)


def _serves_ungranted(view: PairView) -> bool:
    return view.serves and is_known(view.engine_serves, False) and not _both_serve(view)


def _nobody_serves(view: PairView) -> bool:
    # What waits for an answer on purpose is not mended by another request, which would count after the heal.
    alone = is_known(view.peer_alive, False) and not view.asked
    beside = is_known(view.peer_alive, True) and is_known(view.peer_granted, False)
    return view.stands_by and (alone or beside)


_SIGNS: Mapping[PairFault, Callable[[PairView], bool]] = MappingProxyType(
    {
        PairFault.BOTH_SERVE: lambda view: _both_serve(view) and not is_known(view.peer_hears, False),
        PairFault.PEER_DEAF: lambda view: _both_serve(view) and is_known(view.peer_hears, False),
        PairFault.BOTH_GAVE_UP: _both_gave_up,
        PairFault.GRANT_KEPT: _grant_kept,
        PairFault.SERVES_UNGRANTED: _serves_ungranted,
        PairFault.NOBODY_SERVES: _nobody_serves,
        PairFault.REQUEST_LOST: lambda view: is_known(view.peer_alive, True) and view.lost_request,
    }
)


def due(fault: StandingFault, view: PairView, now: float) -> Remedy | None:
    """Return what this node is to do about `fault` at `now`; None when it is not its turn, or not time yet."""
    rule = _RULE[fault.fault]
    if not fault.there:
        return None
    dwell = MOVING_FOR_EVER if view.moving and fault.fault is PairFault.NOBODY_SERVES else rule.dwell
    if (
        now - fault.since < dwell
        or now - fault.tried_at < rule.patience
        or not _is_its_turn(fault.fault, view)
    ):
        return None
    return rule.remedies[fault.tried % len(rule.remedies)]


def tried(fault: StandingFault, now: float) -> StandingFault:
    """Return `fault` after a remedy was begun at `now`."""
    return changed(fault, tried=fault.tried + 1, tried_at=now)


def _is_its_turn(fault: PairFault, view: PairView) -> bool:
    match fault:
        case PairFault.BOTH_SERVE:
            return view.acknowledged and yields(view.node, view.own, view.peer)
        case PairFault.PEER_DEAF | PairFault.GRANT_KEPT | PairFault.SERVES_UNGRANTED:
            return True  # only the node that is to act can see them
        case PairFault.BOTH_GAVE_UP:
            return serves_next(view) is not None
        case PairFault.NOBODY_SERVES:
            return serves_next(view) is view.node
        case PairFault.REQUEST_LOST:
            return view.stands_by


def yields(node: Node, own: Claim, peer: Claim) -> bool:
    """Tell whether `node` lets go, of two that serve.

    One that stood still lets go for the one that took over meanwhile. Else the line stays where it is; of two with or
    without it, the one that has served longer goes on, because more telephones know it; of two that began alike, the
    primary. A peer that does not say when it began is of a version that lets go for nobody.
    """
    if peer.since is None or own.since is None:
        return peer.since is None
    if own.stood_still is not peer.stood_still:
        return own.stood_still
    if own.line is not peer.line:
        return peer.line
    if own.since != peer.since:
        return own.since > peer.since
    return node is Node.SECONDARY


def serves_next(view: PairView) -> Node | None:
    """Return which node is to serve when nobody does; None when neither is known to be able to."""
    peer_able = is_known(view.peer_alive, True) and is_known(view.peer_fit, True)
    able = {view.node: view.fit, view.node.other: peer_able}
    return next((node for node in (Node.PRIMARY, Node.SECONDARY) if able[node]), None)
