"""The duty of a node towards the data at this moment: fetch them, merge them, or leave them alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.core.model import Node, Pbx
from appliance.core.reading import Known, Reading, is_known
from appliance.core.roles import Role

LOOSE = "HASYNCH is LOOSE: nothing is synchronised"
NEWER = "this node has newer data, got while it served; 'asha failback' on the primary brings it there"
"""Why a secondary takes nothing from the other node."""
_PREPARES = "Asterisk is being started here, because this node is about to serve"


class Duty(enum.Enum):
    """The task of a node with the data.

    PULL: make the data here equal to the peer's. MERGE: bring the peer's newer data into the data here. NONE:
    touch nothing.
    """

    NONE = "none"
    PULL = "pull"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class DataSeen:
    """The facts that the duty follows from.

    `own_served`, `peer_served`: that node has data of its own which the other node has not got. `last`:
    Asterisk is about to start here and waits for a last merge. `prepares`: it is being started ahead of a grant.
    """

    node: Node
    role: Role
    pbx: Reading[Pbx]
    synch: bool
    own_served: bool
    peer_role: str
    peer_served: Reading[bool]
    last: bool = False
    prepares: bool = False


@dataclass(frozen=True, slots=True)
class DataDuty:
    """The duty, and the reason when there is none. `live`: Asterisk serves with these data meanwhile."""

    duty: Duty
    why: str = ""
    live: bool = False


def data_duty(seen: DataSeen) -> DataDuty:
    """Return the duty that follows from `seen`.

    The rule of asha 1.0.0-2 comes first: the data are not replaced where Asterisk runs. Next: newer data are
    merged, never overwritten.
    """
    if not seen.synch:
        return _none(LOOSE)
    return _primary(seen) if seen.node is Node.PRIMARY else _secondary(seen)


def keeps_newer(seen: DataSeen) -> bool:
    """Tell whether this node stands by with data that its peer still has to fetch.

    With HASYNCH=LOOSE nothing is synchronised, so no such data count: that is the site's choice and no
    problem.
    """
    return seen.synch and seen.node is Node.SECONDARY and seen.role is Role.STANDBY and seen.own_served


def receives(seen: DataSeen) -> str:
    """Return why data written on this node now would be lost to the peer's data; "" when they would not."""
    duty = data_duty(seen)
    if duty.duty is Duty.PULL:
        return "this node is on standby, and its data come from the active node"
    if duty.duty is Duty.MERGE:
        return "the secondary's data are the newer ones until they are merged into this node's"
    silent = seen.synch and seen.node is Node.SECONDARY and not isinstance(seen.pbx, Known)
    return duty.why if silent and not seen.role.holds and not seen.own_served else ""


def _secondary(seen: DataSeen) -> DataDuty:
    """Return the duty of a secondary: fetch from the primary, but never over data got while serving."""
    if seen.role.holds or seen.role in (Role.RELEASING, Role.LEAVING):
        return _none("this node serves")
    if seen.prepares:
        return _none(_PREPARES)
    if not isinstance(seen.pbx, Known):
        return _none(f"it is not known whether Asterisk runs here: {seen.pbx.reason}")
    if seen.pbx.value.process_alive:
        return _none("Asterisk runs here")
    return _none(NEWER) if seen.own_served else DataDuty(Duty.PULL)


def _primary(seen: DataSeen) -> DataDuty:
    """Return the duty of a primary, from which the secondary normally fetches.

    A primary only merges what its peer got while the peer served, and does that also while it serves itself.
    """
    newer, peer_stands_by = is_known(seen.peer_served, True), seen.peer_role == Role.STANDBY.value
    if seen.role is Role.ACTIVE and newer and peer_stands_by:
        return DataDuty(Duty.MERGE, live=True)
    starts = seen.role is Role.ACQUIRING or seen.prepares
    before_service = starts and seen.last and newer and peer_stands_by
    at_rest = seen.role is Role.STANDBY and (newer or seen.peer_role == Role.ACTIVE.value)
    if seen.prepares and not before_service:
        return _none(_PREPARES)
    if not before_service and not at_rest:
        return _none("the secondary fetches from this node, and has nothing newer")
    if not isinstance(seen.pbx, Known):
        return _none(f"it is not known whether Asterisk runs here: {seen.pbx.reason}")
    return _none("Asterisk runs here") if seen.pbx.value.process_alive else DataDuty(Duty.MERGE)


def _none(why: str) -> DataDuty:
    return DataDuty(Duty.NONE, why)


# The signs of a sick source, which must not be copied: states that a healthy node never shows.


# So few files may vanish all at once without suspicion: somebody emptied a mailbox, for example.
FEW = 10


@dataclass(frozen=True, slots=True)
class TreeSigns:
    """One directory as seen from here.

    `there` and `empty` describe the source; `known` counts files here, `gone` those of them that the source
    lacks.
    """

    key: str
    path: str
    there: bool
    empty: bool
    known: int
    gone: int = 0


def refusal(signs: TreeSigns, max_loss: int) -> str:
    """Return why the source is taken for sick, by name; "" when it looks healthy.

    `max_loss` is in percent.
    """
    name = f"{signs.path} ({signs.key})"
    if signs.known == 0:
        return ""
    if not signs.there:
        return f"{name} is missing there, and {signs.known} files of it are here"
    if signs.empty:
        return f"{name} is empty there, and {signs.known} files of it are here"
    if max_loss < 100 and signs.gone > FEW and signs.gone * 100 > max_loss * signs.known:
        share = f"{signs.gone} of {signs.known} files"
        return f"{share} of {name} have vanished there at once (SYNCMAXLOSS is {max_loss} %)"
    return ""


# The automatic return of service to the primary (HAAUTOFAILBACK=on).
#
# Service returns only when nothing is lost by it.


@dataclass(frozen=True, slots=True)
class Home:
    """The facts that the return of service depends on.

    `merged_ago`: seconds since everything the peer had was here; None when that never was so.
    """

    node: Node
    role: Role
    fit: bool
    peer_alive: Reading[bool]
    peer_role: str
    synch: bool
    duty: DataDuty
    merged_ago: float | None
    conflicts: int


def why_not(home: Home, max_age: float) -> str:
    """Return why service does not go back to this node now; "" when it may.

    `max_age`: how old the last merge may be, in seconds.
    """
    if home.node is not Node.PRIMARY or home.role is not Role.STANDBY:
        return "this node is not a primary on standby"
    if not is_known(home.peer_alive, True) or home.peer_role != Role.ACTIVE.value:
        return "the other node does not serve"
    if not home.fit:
        return "this node is not known to be ready"
    return data_not_home(home, max_age) if home.synch else ""


def data_not_home(home: Home, max_age: float) -> str:
    """Return why the peer's data cannot be said to be here; "" when they are.

    `max_age`: how old the last merge may be, in seconds.
    """
    if home.duty.duty is not Duty.MERGE:
        return home.duty.why or "the other node's data are not merged"
    if home.merged_ago is None or home.merged_ago > max_age:
        return "what the other node has got while it served is not here yet"
    if home.conflicts:
        return f"{home.conflicts} files changed on both nodes wait for a choice ('asha conflicts')"
    return ""
