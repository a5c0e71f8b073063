"""The grant: Heartbeat's permission to hold the line, with a generation so that late scripts change nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from appliance.core.model import Node
from appliance.core.reading import Reading, is_known


class Verb(enum.Enum):
    """What the resource script asks for."""

    START = "start"
    STOP = "stop"


class Verdict(enum.Enum):
    """What became of a script's wish."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"  # it was so already
    STALE = "stale"  # a script that was started later has spoken already


@dataclass(frozen=True, slots=True)
class Grant:
    """Whether this node may hold the line, and since which script.

    `generation` grows by one with every change of `held` and never falls. `ticket` is the time (seconds
    since boot) at which the last obeyed script process was started: a script with an older ticket is late.
    `engine` names the Heartbeat master that gave the grant (`pid:starttime`), so that a grant does not
    outlive it.
    """

    held: bool = False
    generation: int = 0
    ticket: float = 0.0
    engine: str = ""


def ask(grant: Grant, verb: Verb, ticket: float, engine: str) -> tuple[Grant, Verdict]:
    """Apply a script's wish. Only ACCEPTED changes `held`; STALE changes nothing at all."""
    if ticket < grant.ticket:
        return grant, Verdict.STALE
    wants = verb is Verb.START
    same = grant.held == wants and (not wants or grant.engine == engine)
    if same:
        return replace(grant, ticket=ticket), Verdict.REPEATED
    return Grant(wants, grant.generation + 1, ticket, engine if wants else ""), Verdict.ACCEPTED


def void(grant: Grant) -> Grant:
    """The grant after Heartbeat died or this node gave it up by itself: not held, one generation on."""
    if not grant.held:
        return grant
    return replace(grant, held=False, generation=grant.generation + 1, engine="")


def confirm(grant: Grant, engine: str) -> Grant:
    """The grant after the Heartbeat master `engine` has said that this node holds everything.

    The ticket stays: the next script that is started, or one that is on its way, is obeyed.
    """
    if valid(grant, engine):
        return grant
    return replace(grant, held=True, generation=grant.generation + 1, engine=engine)


def held_here(node: Node, holds: Reading[str]) -> bool:
    """Heartbeat says for sure that `node` holds the one resource, which haresources gives to the primary.

    `holds` is its word for what this node holds: "all", or of the two nodes' resources its own ("local") or the other
    node's ("foreign"). See Held in appliance/cluster/view.py.
    """
    own = "local" if node is Node.PRIMARY else "foreign"
    return is_known(holds, "all") or is_known(holds, own)


def valid(grant: Grant, engine: str) -> bool:
    """Held, and by the Heartbeat master that runs now."""
    return grant.held and grant.engine == engine
