"""The choice of the cluster engine of this machine."""

from __future__ import annotations

from appliance.cluster.engine import ClusterEngine
from appliance.cluster.heartbeat.engine import HeartbeatEngine
from appliance.cluster.pacemaker.engine import PacemakerEngine
from appliance.core.errors import HostError

# In the order of preference where nothing is said and nothing runs: Pacemaker is experimental.
_ENGINES: tuple[type[HeartbeatEngine] | type[PacemakerEngine], ...] = (HeartbeatEngine, PacemakerEngine)


def installed_engine(choice: str) -> ClusterEngine:
    """Return the cluster engine of this node.

    One that is named is returned whether it is installed or not, which shows when one of its methods is called.

    Args:
        choice: The engine's name, or `auto` for the one that runs, else the first that is installed.
    """
    engines = [engine() for engine in _ENGINES]
    named = [engine for engine in engines if engine.name.casefold() == choice.casefold()]
    running = [engine for engine in engines if engine.identity()]
    found = named or running or [engine for engine in engines if _is_installed(engine)]
    return (found or engines)[0]


def _is_installed(engine: ClusterEngine) -> bool:
    try:
        engine.place()
    except HostError:
        return False
    return True


def engine_identity() -> str:
    """Return the identity of the master that runs now, of whichever engine; "" when none does.

    The resource script needs this when it has no agent to ask, and before the conf file is read.
    """
    return next((identity for engine in _ENGINES if (identity := engine().identity())), "")
