"""Which faults a soak draws from, at which time of it and on which engine."""

from __future__ import annotations

from hwsim.campaign.faults import FAULTS
from hwsim.nodes.engines import HEARTBEAT
from hwsim.soak.explained import ENDS_PROGRAMS

# What a leak is measured on must live: what ends the programs comes in this last part of the run.
LIVING_PART = 5 / 6
# Orders to Heartbeat's own programs and files.
_HEARTBEATS_OWN = frozenset({"hb_standby", "logs rotated", "packets lost", "resource stopped by hand"})


def pool(engine: str, part: float) -> frozenset[str]:
    """Return the faults that are drawn from on `engine` (its HAENGINE) when `part` (0 to 1) of the run is over."""
    left_out = frozenset() if engine == HEARTBEAT.name else _HEARTBEATS_OWN
    return frozenset(FAULTS) - left_out - (frozenset() if part >= LIVING_PART else ENDS_PROGRAMS)
