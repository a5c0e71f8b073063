"""The rules for who may ask the agent what.

Root may ask everything, the panel's user some verbs, nobody else anything.
The panel faces the network. An attacker who takes the panel over can do what an operator could do on its
pages, and no more; see docs/adr/0013-what-the-panel-may-ask.md.
"""

from __future__ import annotations

import grp
import pwd
from dataclasses import dataclass

from appliance.control.protocol import ControlRequest
from appliance.core.alerts import one_line
from appliance.core.errors import ClusterError
from appliance.host.paths import PANEL_USER

PANEL_GROUP = PANEL_USER
PANEL_VERBS = frozenset(
    {
        "status",
        "events",
        "journal",
        "journal page",
        "relay list",
        "history",
        "trends",
        "meters",
        "conf",
        "conf preview",
        "conf set",
        "job",
        "job start",
        "introduction",
        "introduction take",
        "maintenance on",
        "maintenance off",
        "ha start",
        "ha stop",
        "pbx start",
        "pbx stop",
        "standby",
        "takeover",
        "line release",
        "cleanup",
        "panel note",
    }
)
# With one of these arguments the asker accepts that something is lost: only root may accept that.
_ROOT_ONLY = ("leave_data", "anew", "force", "not_ready")
_MARK = " (panel)"
_BY_LENGTH = 120


@dataclass(frozen=True, slots=True)
class AllowedUsers:
    """The uids that may ask the agent.

    `own` is the agent's uid, `panel` that of the panel's user (None when there is no such user).
    """

    own: int
    panel: int | None = None


def authorise(request: ControlRequest, uid: int, hosts: AllowedUsers) -> ControlRequest:
    """Return `request` as it may be carried out for `uid`, with `by` cleaned.

    Whatever name the panel gives for the asker, the journal also says that the request came through the
    panel. Raises ClusterError when the request is not allowed.
    """
    by = one_line(str(request.arguments.get("by", "")), _BY_LENGTH)
    if uid in (0, hosts.own):
        return request.naming(by) if "by" in request.arguments else request
    if uid != hosts.panel:
        raise ClusterError("Only root may ask that.", todo="Run it as root.")
    if request.verb not in PANEL_VERBS:
        raise ClusterError("The panel may not ask that.", todo="Use the asha command as root.")
    if any(request.arguments.get(name) for name in _ROOT_ONLY):
        raise ClusterError("That takes root: something is lost by it.", todo="Use the asha command as root.")
    return request.naming(by.removesuffix(_MARK) + _MARK)


def panel_uid() -> int | None:
    """Return the uid of the panel's user, or None when there is no such user."""
    try:
        return pwd.getpwnam(PANEL_USER).pw_uid
    except KeyError:
        return None


def panel_gid() -> int | None:
    """Return the gid of the panel's group, or None when there is no such group."""
    try:
        return grp.getgrnam(PANEL_GROUP).gr_gid
    except KeyError:
        return None
