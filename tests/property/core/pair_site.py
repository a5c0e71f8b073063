"""What an agent finds around it, and what it tells its peer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pair_metal import Card, Server

from appliance.core.decide import WatchPolicy
from appliance.core.grant import Grant
from appliance.core.model import Line, Node, Relay
from appliance.core.transfer import Policy, Witness

PEER_MAX_AGE = 5.0
WATCH = WatchPolicy(restart_allowed=False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0)


def policy_for(node: Node, witness: Witness = Witness.OFF) -> Policy:
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
class Word:
    """What one node tells the other."""

    granted: bool
    fit: bool
    line: Line | None
    relay: Relay | None
    serves: bool = False
    since: int | None = None
    lost_request: bool = False


@dataclass
class Book:
    """The grant on file: all that outlives an agent. `lost`: nothing is on file that can be read."""

    grant: Grant = field(default_factory=Grant)
    lost: bool = False


@dataclass
class Site:
    """What an agent finds around it; `engine` is Heartbeat's identity or None, `alive` its view of the peer,
    `engine_moving` whether it says that it is in transition, `engine_serves` its word on who serves, None when it
    says neither."""

    server: Server
    card: Card
    book: Book
    policy: Policy
    watch: WatchPolicy
    engine: Callable[[], int | None]
    alive: Callable[[], bool | None]
    ask_standby: Callable[[], None]
    ask_takeover: Callable[[], None]
    restart_engine: Callable[[], None]
    engine_moving: Callable[[], bool]
    engine_serves: Callable[[], bool | None]
