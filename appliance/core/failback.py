"""The automatic return of service to the primary (HAAUTOFAILBACK=on).

Service returns only when nothing is lost by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.duty import DataDuty, Duty
from appliance.core.model import Node
from appliance.core.reading import Reading, is_known
from appliance.core.roles import Role


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
        return "this node is no primary that stands by"
    if not is_known(home.peer_alive, True) or home.peer_role != Role.ACTIVE.value:
        return "the peer does not serve"
    if not home.fit:
        return "this node is not fit"
    return data_not_home(home, max_age) if home.synch else ""


def data_not_home(home: Home, max_age: float) -> str:
    """Return why the peer's data cannot be said to be here; "" when they are.

    `max_age`: how old the last merge may be, in seconds.
    """
    if home.duty.duty is not Duty.MERGE:
        return home.duty.why or "the peer's data are not merged"
    if home.merged_ago is None or home.merged_ago > max_age:
        return "what the peer has got while it served is not here yet"
    if home.conflicts:
        return f"{home.conflicts} files changed on both nodes wait for a choice ('asha conflicts')"
    return ""
