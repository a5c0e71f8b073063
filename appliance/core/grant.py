"""The grant: the permission of Heartbeat to hold the line.

A generation number and the start times of scripts make sure that a script which is late changes nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace


class Verb(enum.Enum):
    """The wish of the resource script."""

    START = "start"
    STOP = "stop"


class Verdict(enum.Enum):
    """The outcome of the wish of a script."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"  # the grant was in that state already
    STALE = "stale"  # a script that was started later has been obeyed already


@dataclass(frozen=True, slots=True)
class Grant:
    """The permission of this node to hold the line, and the script it comes from.

    `generation` grows by one with every change of `held` and never falls. `ticket` is the time (seconds since
    boot) at which the script process obeyed last was started: a script with an older ticket is late. `engine`
    names the Heartbeat master that gave the grant (`pid:starttime`), so that the grant does not outlive that
    master. `clearing`: the grant was voided, and what this node held under it is not known to be let go yet,
    so that an agent that is started again must finish letting go.
    """

    held: bool = False
    generation: int = 0
    ticket: float = 0.0
    engine: str = ""
    clearing: bool = False


def ask(grant: Grant, verb: Verb, ticket: float, engine: str) -> tuple[Grant, Verdict]:
    """Apply the wish of a script and return the grant after it.

    Only ACCEPTED changes `held`; STALE changes nothing at all.
    """
    if ticket < grant.ticket:
        return grant, Verdict.STALE
    wants = verb is Verb.START
    same = grant.held == wants and (not wants or grant.engine == engine)
    if same:
        return replace(grant, ticket=ticket), Verdict.REPEATED
    return Grant(wants, grant.generation + 1, ticket, engine if wants else ""), Verdict.ACCEPTED


def void(grant: Grant) -> Grant:
    """Return the grant after Heartbeat died or this node gave service up by itself.

    The grant is then not held, and its generation is one higher.
    """
    if not grant.held:
        return grant
    return replace(grant, held=False, generation=grant.generation + 1, engine="", clearing=True)


def settled(grant: Grant) -> Grant:
    """Return the voided grant after everything that was held under it has been let go."""
    return replace(grant, clearing=False)


def confirm(grant: Grant, engine: str) -> Grant:
    """Return the grant after the Heartbeat master `engine` has said that this node holds everything.

    The ticket stays as it is, so that the next script, or one that is on its way, is obeyed.
    """
    if valid(grant, engine):
        return grant
    return replace(grant, held=True, generation=grant.generation + 1, engine=engine)


def valid(grant: Grant, engine: str) -> bool:
    """Tell whether the grant is held and was given by the Heartbeat master that runs now."""
    return grant.held and grant.engine == engine
