"""What a node has to do for the data just now: fetch it, merge it, or leave it alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.core.model import Node, Pbx
from appliance.core.reading import Known, Reading, is_known
from appliance.core.roles import Role


class Duty(enum.Enum):
    """PULL: make ours equal to the peer's. MERGE: bring what the peer has newer into ours. NONE: touch nothing."""

    NONE = "none"
    PULL = "pull"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class DataSeen:
    """What the duty follows from. `served`: that node has data of its own which its peer has not got."""

    node: Node
    role: Role
    pbx: Reading[Pbx]
    synch: bool
    own_served: bool
    peer_role: str
    peer_served: Reading[bool]


@dataclass(frozen=True, slots=True)
class DataDuty:
    """The duty, and why when there is none."""

    duty: Duty
    why: str = ""


def data_duty(seen: DataSeen) -> DataDuty:
    """The seed's rule first: never touch the data where Asterisk runs. Then: newer data is merged, not overwritten."""
    if not seen.synch:
        return _none("HASYNCH is LOOSE: nothing is synchronised")
    return _primary(seen) if seen.node is Node.PRIMARY else _secondary(seen)


def _secondary(seen: DataSeen) -> DataDuty:
    """It takes what the primary has, but never over what it has got itself while serving."""
    if seen.role.holds or seen.role in (Role.RELEASING, Role.LEAVING):
        return _none("this node serves")
    if not isinstance(seen.pbx, Known):
        return _none(f"it is not known whether Asterisk runs here: {seen.pbx.reason}")
    if seen.pbx.value.process_alive:
        return _none("Asterisk runs here")
    if seen.own_served:
        return _none("this node has newer data, got while it served; 'asha sync --discard' gives it up")
    return DataDuty(Duty.PULL)


def _primary(seen: DataSeen) -> DataDuty:
    """It gives. It takes only what its peer has got while serving, and that also while it serves itself."""
    newer = is_known(seen.peer_served, True)
    if seen.role is Role.STANDBY and (newer or seen.peer_role == Role.ACTIVE.value):
        return DataDuty(Duty.MERGE)
    if seen.role is Role.ACTIVE and newer and seen.peer_role == Role.STANDBY.value:
        return DataDuty(Duty.MERGE)
    return _none("the secondary fetches from this node, and has nothing newer")


def _none(why: str) -> DataDuty:
    return DataDuty(Duty.NONE, why)
