"""Which engine this machine has."""

from __future__ import annotations

from appliance.cluster.engine import ClusterEngine
from appliance.cluster.heartbeat.engine import HeartbeatEngine


def installed_engine() -> ClusterEngine:
    """Return the engine by which this node works; whether it is there is found out when it is asked."""
    return HeartbeatEngine()


def engine_identity() -> str:
    """Return the identity of the master that runs now, "" when none does; for a script that has no agent to ask."""
    return installed_engine().identity()
