"""Take this node's spans down and up again, so that the far end sees its carrier fall."""

from __future__ import annotations

from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.clock import Clock
from appliance.host.process import find_program, run

# Seconds for `dahdi_cfg`, which waits for each span to start.
_DEADLINE = 30.0


def restart_carriers(root: Path, clock: Clock, away: float) -> None:
    """Shut all configured spans down, and `away` seconds later configure them again. Raises HostError.

    Only while no program has their channels open: a shut-down span forgets how its channels are set up, and `dahdi_cfg`
    sets them up anew (docs/facts/dahdi.md). Nothing is done where DAHDI is not loaded.
    """
    if not (root / "dev/dahdi/ctl").exists():
        return
    program = find_program("dahdi_cfg")
    run(
        [program, "-s"], deadline=_DEADLINE
    )  # its status is 1 when it has worked; whether it has, is seen below
    clock.sleep(away)
    finished = run([program], deadline=_DEADLINE)
    if not finished.ok:
        raise HostError(f"The spans were taken down and did not all come up again: {finished.explain()}.")
