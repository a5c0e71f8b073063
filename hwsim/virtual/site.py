"""What an agent finds around it, what it tells its peer, and what outlives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.core.decide import WatchPolicy
from appliance.core.grant import Grant
from appliance.core.model import Line, Node, Relay
from appliance.core.transfer import Policy, Witness
from hwsim.virtual.links import Links
from hwsim.virtual.metal import Card, Server

if TYPE_CHECKING:
    from hwsim.virtual.heartbeat import Heartbeat

PEER_MAX_AGE = 5.0
WATCH = WatchPolicy(restart_allowed=False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0)


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
    lost_request: bool = False


@dataclass
class Book:
    """The grant on file: all that outlives an agent. `lost`: nothing is on file that can be read."""

    grant: Grant = field(default_factory=Grant)
    lost: bool = False


@dataclass
class Site:
    """What an agent finds around it."""

    node: Node
    server: Server
    card: Card
    book: Book
    policy: Policy
    watch: WatchPolicy
    heartbeat: Heartbeat
    links: Links
