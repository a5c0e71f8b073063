"""A peer that lives and is not heard for ever, because it runs another cluster engine or has another secret.

Each node takes the other one for dead then, and both serve. No engine notices, and the agents do not hear each other
either, since they speak over the engine's paths. But they can ask each other by ssh. So a node that does not hear its
peer asks it, and one of the two gives way: the one that does not serve; if both do, the secondary, because the relay
obeys the primary alone (docs/adr/0025). It stops its engine, for a standby that hears nothing is none.
"""

from __future__ import annotations

from appliance.core.engine_change import TITLES, EngineReport
from appliance.core.model import Node
from appliance.core.roles import Role

SILENT = 5.0
"""Seconds without a word of the other node, under an engine that runs here, until it is asked by ssh."""

ASKED_EVERY = 20.0
"""Seconds between two such questions."""


def why_unheard(own: EngineReport, other: EngineReport) -> str:
    """Return why the two nodes will never hear each other, with what ends it, as a clause; "" for no known reason.

    Both were asked for the engine with which `own` works.
    """
    if own.changes or other.changes:
        return ""
    if (theirs := other.running or other.engine) != own.engine:
        return (
            f"{other.name} has {TITLES[theirs]} and {own.name} has {TITLES[own.engine]}, so neither "
            "hears the other and both would serve: on the one that is wrong 'asha ha stop', 'asha conf set HAENGINE' "
            "with the other's engine, 'service asha reload', 'asha ha start'"
        )
    if own.secret and other.secret and own.secret != other.secret:
        return (
            f"the nodes have different secrets for {TITLES[own.engine]}, so neither believes the other's messages and "
            "both would serve: on the secondary 'asha ha stop', remove its secret (authkeys in /etc/ha.d, or authkey "
            "in /etc/corosync), 'asha ha start' brings the primary's"
        )
    return ""


def gives_way(own: EngineReport, other: EngineReport) -> bool:
    """Tell whether this node's engine is to be stopped, of two nodes that will never hear each other."""
    serves, other_serves = (report.role == Role.ACTIVE.value for report in (own, other))
    if serves == other_serves:
        return serves and own.node == Node.SECONDARY.value
    return other_serves
