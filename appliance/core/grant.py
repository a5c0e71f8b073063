"""The grant: Heartbeat's permission to hold the line, with a generation so that late scripts change nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace


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
    outlive it. `clearing`: it was voided, and what this node held under it is not known to be let go yet, so that an
    agent that is started again must finish that.
    """

    held: bool = False
    generation: int = 0
    ticket: float = 0.0
    engine: str = ""
    clearing: bool = False


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
    return replace(grant, held=False, generation=grant.generation + 1, engine="", clearing=True)


def settled(grant: Grant) -> Grant:
    """Return the voided grant after everything that was held under it has been let go."""
    return replace(grant, clearing=False)


def confirm(grant: Grant, engine: str) -> Grant:
    """The grant after the Heartbeat master `engine` has said that this node holds everything.

    The ticket stays: the next script that is started, or one that is on its way, is obeyed.
    """
    if valid(grant, engine):
        return grant
    return replace(grant, held=True, generation=grant.generation + 1, engine=engine)


def valid(grant: Grant, engine: str) -> bool:
    """Held, and by the Heartbeat master that runs now."""
    return grant.held and grant.engine == engine
