"""What the controller has done to the world, as data: each effect is carried out by whoever drives it.

The agent (`appliance/agent/cycle.py`), the resource script without an agent and the nodes of virtual time carry out the
effects of a step in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.core.transfer import Order


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """Write an entry of `kind` into the journal."""

    kind: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GiveOrder:
    """Have `order` carried out.

    `under`: the generation of the grant without which it must not be begun any more; None for an order that lets go,
    which is always wanted.
    """

    order: Order
    reason: str
    generation: int
    under: int | None


@dataclass(frozen=True, slots=True)
class ResetCard:
    """Reset the relay card, which also releases its relay."""


@dataclass(frozen=True, slots=True)
class AskStandby:
    """Ask the engine to have the peer take over."""


@dataclass(frozen=True, slots=True)
class AskTakeover:
    """Ask the engine to bring service here."""


@dataclass(frozen=True, slots=True)
class RestartEngine:
    """End this node's engine by force and start it again; what it held is let go of as after its death.

    `until_dead`: it is kept off until the peer has called it dead.
    """

    reason: str
    until_dead: bool = False


@dataclass(frozen=True, slots=True)
class ExpectEngine:
    """Note on file that the engine of this node runs, and is to run until an operator stops it."""


@dataclass(frozen=True, slots=True)
class FencePeer:
    """Have HAFENCE cut the peer's power."""

    reason: str


@dataclass(frozen=True, slots=True)
class VoidGrant:
    """End the grant on file without a script (see `core.grant.void`)."""


@dataclass(frozen=True, slots=True)
class ConfirmGrant:
    """Note on file that the engine's master `engine` has this node serve (see `core.grant.confirm`)."""

    engine: str


@dataclass(frozen=True, slots=True)
class SettleGrant:
    """Note on file that everything of the voided grant has been let go (see `core.grant.settled`)."""


@dataclass(frozen=True, slots=True)
class AnnounceAddress:
    """Tell the LAN that the cluster address is here.

    `why`: what has begun the schedule with this announcement; "" when it goes on with an earlier one. `under`: the
    generation of the grant without which it must not be sent any more.
    """

    why: str
    under: int


@dataclass(frozen=True, slots=True)
class ForgetFailures:
    """Forget how the orders of an earlier transfer ended."""


@dataclass(frozen=True, slots=True)
class ForgetRelay:
    """Forget what the card was told last, because somebody else may have told it something else since.

    Attributes:
        why: Why it is not known any more, as a clause.
    """

    why: str


Effect = (
    WriteEntry
    | GiveOrder
    | ResetCard
    | AskStandby
    | AskTakeover
    | RestartEngine
    | ExpectEngine
    | FencePeer
    | VoidGrant
    | ConfirmGrant
    | SettleGrant
    | AnnounceAddress
    | ForgetFailures
    | ForgetRelay
)
