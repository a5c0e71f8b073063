"""The role of a node as a state table, from which the diagram in the documents is made."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from appliance.core.reading import Reading, is_known


class Role(enum.Enum):
    """The part that this node plays in the pair."""

    OFF = "off"  # the HA engine does not run here
    WAITING = "waiting"  # the engine runs and waits for its peer, at most initdead
    STANDBY = "standby"  # the engine runs, the peer was seen, no grant
    ACQUIRING = "acquiring"  # granted; relay, Asterisk and line on their way
    ACTIVE = "active"  # granted and in service as far as it can be confirmed
    RELEASING = "releasing"  # the grant is gone or given back; letting go
    LEAVING = "leaving"  # Heartbeat died under this node; letting go of everything, address included

    @property
    def holds(self) -> bool:
        """True when this node acts under a grant."""
        return self in (Role.ACQUIRING, Role.ACTIVE)


class Event(enum.Enum):
    """An event that can change a role."""

    ENGINE_UP = "engine up"
    ENGINE_DOWN = "engine down"
    PEER_SEEN = "peer seen"
    GRANTED = "granted"
    CONFIRMED = "confirmed"
    LOST = "lost"  # a confirmed service is no longer complete; still granted
    REVOKED = "revoked"
    RELEASED = "released"


def claims_service(role: Role, lan: Reading[bool]) -> bool:
    """Return whether service is to stay with this node, for an engine that asks.

    After a split that has healed, both nodes may have been granted service: the one that serves the telephones goes on,
    and not the one that was cut off or lets go. One that was granted service claims it before the line is confirmed:
    during a split the line may be at the other.

    Args:
        role: This node's role.
        lan: Whether this node reaches the LAN.
    """
    return role.holds and not is_known(lan, False)


class IllegalEvent(ValueError):
    """An event for which the table has no transition; the role stays as it was."""


TABLE: Mapping[Role, Mapping[Event, Role]] = MappingProxyType(
    {
        Role.OFF: {Event.ENGINE_UP: Role.WAITING},
        Role.WAITING: {
            Event.PEER_SEEN: Role.STANDBY,
            Event.GRANTED: Role.ACQUIRING,
            Event.REVOKED: Role.RELEASING,
            Event.ENGINE_DOWN: Role.OFF,
        },
        Role.STANDBY: {
            Event.GRANTED: Role.ACQUIRING,
            Event.REVOKED: Role.RELEASING,
            Event.ENGINE_DOWN: Role.OFF,
        },
        Role.ACQUIRING: {
            Event.CONFIRMED: Role.ACTIVE,
            Event.REVOKED: Role.RELEASING,
            Event.ENGINE_DOWN: Role.LEAVING,
        },
        Role.ACTIVE: {
            Event.LOST: Role.ACQUIRING,
            Event.REVOKED: Role.RELEASING,
            Event.ENGINE_DOWN: Role.LEAVING,
        },
        Role.RELEASING: {
            Event.RELEASED: Role.STANDBY,
            Event.GRANTED: Role.ACQUIRING,
            Event.ENGINE_DOWN: Role.LEAVING,
        },
        Role.LEAVING: {
            Event.RELEASED: Role.OFF,
            Event.ENGINE_UP: Role.RELEASING,
        },
    }
)


def advance(role: Role, event: Event) -> Role:
    """Return the role after `event`.

    Raises IllegalEvent, and changes nothing, when the table has no such transition.
    """
    try:
        return TABLE[role][event]
    except KeyError:
        raise IllegalEvent(f"'{event.value}' cannot happen to a node that is {role.value}") from None


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    arrows = [
        f"    {role.value} --> {target.value}: {event.value}"
        for role, row in TABLE.items()
        for event, target in row.items()
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> off", *arrows])
