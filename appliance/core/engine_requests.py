"""What was asked of the engine, and what is known of an engine that drops requests.

Heartbeat moves service by a conversation of both masters. One that has taken a request and misses the end of it waits
for that end for an hour, and drops every other request. Which of the two masters waits decides what gets out
(docs/facts/heartbeat.md), so it is remembered by the master's identity: one that was replaced waits for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

_NEVER = float("-inf")

# For so long Heartbeat waits for the end of a move, and drops every request meanwhile, in seconds.
HOUR = 3600.0
# A request that is taken is answered, or cancelled, within so many seconds.
ANSWERED_WITHIN = 12.0
# An early standby request is ignored for about a second, and one to a dead peer is cancelled after 10 s with the
# resources kept (measured with Heartbeat 3.0.6).
STANDBY_AGAIN = 2.0
STANDBY_GIVEN_UP = ANSWERED_WITHIN
# A request made while Heartbeat still tells its peer of the last move is dropped here and taken up there; the peer
# then waits for us for an hour and drops every further request (seen in tests/system, Heartbeat 3.0.6).
ENGINE_SETTLES = 2.0
# An engine that says for so long, in seconds, that it moves service, while nothing moves, waits for the end of a move
# that nobody makes any more. A resource of the site's own may take as long as this to start.
MOVING_FOR_EVER = 45.0
# So long after deadtime an engine that has ended has been called dead by its peer, in seconds: ticks, and the two
# seconds more that a node announces at its start (docs/facts/heartbeat.md).
DEATH_CALLED = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of this node's engine, and what the engine said to it; times are monotonic seconds.

    `takeover_at`: when it was last asked to bring service here. `dropped_at`: when it last logged that it drops a
    request, and `seconds_left`: for how long it goes on with that, as it said.
    """

    takeover_at: float = _NEVER
    dropped_at: float = _NEVER
    seconds_left: float = 0.0


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class StuckMaster:
    """A master that drops requests until `until`; known since `at`. `engine`: its identity, "" when not known.

    `by_its_word`: it has dropped nothing yet, and is known by saying that it moves service.
    """

    at: float
    until: float
    engine: str
    by_its_word: bool = False


@dataclass(frozen=True, slots=True)
class LostRequests:
    """What this node knows of requests that were lost.

    `own`, `peers`: this node's master and that of the peer, while they are known to be stuck.
    `dropped_at`, `takeover_at`: what of `Asked` has been looked at. `repeated_at`: when a request for service that
    nobody had answered was last made once more. `met`: the peer's last demand for service that was
    looked at. `forced_at`: when the engine was last ended so that the peer takes over. `moving_since`: since when this
    node's engine says, without a break, that it moves service, while each node knows its role.
    """

    own: StuckMaster | None = None
    peers: StuckMaster | None = None
    dropped_at: float = _NEVER
    takeover_at: float = _NEVER
    repeated_at: float = _NEVER
    met: int = 0
    forced_at: float = _NEVER
    moving_since: float | None = None


NONE_LOST = LostRequests()
