"""What a node has to do for the data just now: fetch it, merge it, or leave it alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.core.model import Node, Pbx
from appliance.core.reading import Known, Reading, is_known
from appliance.core.roles import Role

LOOSE = "HASYNCH is LOOSE: nothing is synchronised"
NEWER = "this node has newer data, got while it served; 'asha failback' on the primary brings it there"
"""Why a secondary takes nothing from its peer."""


class Duty(enum.Enum):
    """PULL: make ours equal to the peer's. MERGE: bring what the peer has newer into ours. NONE: touch nothing."""

    NONE = "none"
    PULL = "pull"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class DataSeen:
    """What the duty follows from. `served`: that node has data of its own which its peer has not got.

    `last`: Asterisk is about to start here, and waits for a last merge.
    """

    node: Node
    role: Role
    pbx: Reading[Pbx]
    synch: bool
    own_served: bool
    peer_role: str
    peer_served: Reading[bool]
    last: bool = False


@dataclass(frozen=True, slots=True)
class DataDuty:
    """The duty, and why when there is none. `live`: Asterisk serves on the data meanwhile."""

    duty: Duty
    why: str = ""
    live: bool = False


def data_duty(seen: DataSeen) -> DataDuty:
    """The seed's rule first: never touch the data where Asterisk runs. Then: newer data is merged, not overwritten."""
    if not seen.synch:
        return _none(LOOSE)
    return _primary(seen) if seen.node is Node.PRIMARY else _secondary(seen)


def keeps_newer(seen: DataSeen) -> bool:
    """Whether this node stands by with data that its peer is to fetch: somebody has to bring them there.

    Where nothing is synchronised (LOOSE) no data are anybody's to bring: that is the site's choice, and no problem.
    """
    return seen.synch and seen.node is Node.SECONDARY and seen.role is Role.STANDBY and seen.own_served


def receives(seen: DataSeen) -> str:
    """Why what is written into this node's data now would be lost to the peer's; "" when it would not."""
    duty = data_duty(seen)
    if duty.duty is Duty.PULL:
        return "this node stands by, and its data come from the active node"
    if duty.duty is Duty.MERGE:
        return "the secondary's data are the newer ones until they are merged into this node's"
    silent = seen.synch and seen.node is Node.SECONDARY and not isinstance(seen.pbx, Known)
    return duty.why if silent and not seen.role.holds and not seen.own_served else ""


def _secondary(seen: DataSeen) -> DataDuty:
    """It takes what the primary has, but never over what it has got itself while serving."""
    if seen.role.holds or seen.role in (Role.RELEASING, Role.LEAVING):
        return _none("this node serves")
    if not isinstance(seen.pbx, Known):
        return _none(f"it is not known whether Asterisk runs here: {seen.pbx.reason}")
    if seen.pbx.value.process_alive:
        return _none("Asterisk runs here")
    return _none(NEWER) if seen.own_served else DataDuty(Duty.PULL)


def _primary(seen: DataSeen) -> DataDuty:
    """It gives. It takes only what its peer has got while serving, and that also while it serves itself."""
    newer, peer_stands_by = is_known(seen.peer_served, True), seen.peer_role == Role.STANDBY.value
    if seen.role is Role.ACTIVE and newer and peer_stands_by:
        return DataDuty(Duty.MERGE, live=True)
    before_service = seen.role is Role.ACQUIRING and seen.last and newer and peer_stands_by
    at_rest = seen.role is Role.STANDBY and (newer or seen.peer_role == Role.ACTIVE.value)
    if not before_service and not at_rest:
        return _none("the secondary fetches from this node, and has nothing newer")
    if not isinstance(seen.pbx, Known):
        return _none(f"it is not known whether Asterisk runs here: {seen.pbx.reason}")
    return _none("Asterisk runs here") if seen.pbx.value.process_alive else DataDuty(Duty.MERGE)


def _none(why: str) -> DataDuty:
    return DataDuty(Duty.NONE, why)
