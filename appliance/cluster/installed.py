"""The choice of the cluster engine of this machine."""

from __future__ import annotations

from appliance.cluster.engine import ClusterEngine
from appliance.cluster.heartbeat.engine import HeartbeatEngine


def installed_engine() -> ClusterEngine:
    """Return the cluster engine of this node.

    Whether the engine is installed shows only when one of its methods is called.
    """
    return HeartbeatEngine()


def engine_identity() -> str:
    """Return the identity of the master that runs now; "" when none does.

    The resource script needs this when it has no agent to ask.
    """
    return installed_engine().identity()
