"""asha on the rack, brought up by `asha ha start`."""

from __future__ import annotations

from hwsim.demo.scenario import Stage
from hwsim.rack import Rack


class Asha:
    """The product as a contender."""

    name = "asha"
    note = "asha under real Heartbeat, the conf's default times (keepalive 200 ms, deadtime 2 s)"

    async def home(self, rack: Rack, part: float) -> None:
        """Bring the primary to active and the secondary to standby, with Heartbeat settled.

        The last relay move is so long ago that it has no effect any more.
        """
        await Stage(rack, lambda words: None).home()
        moved = rack.history.first("relay", "primary", 0.0) or rack.now()
        await rack.pause(max(0.0, moved + rack.site.move_dwell - rack.now()))
        await rack.pause(rack.site.keepalive * part)
