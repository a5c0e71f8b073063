"""asha on the rack, brought up by `asha ha start`."""

from __future__ import annotations

from hwsim.demo.scenario import Stage
from hwsim.rack import Rack


class Asha:
    """The product as a contender."""

    name = "asha"
    note = "asha under real Heartbeat, the conf's default times (keepalive 200 ms, deadtime 2 s)"

    async def home(self, rack: Rack, part: float) -> None:
        """Primary active, secondary standing by and fit, Heartbeat settled, the last relay move forgotten."""
        await Stage(rack, lambda words: None).home()
        moved = rack.history.first("relay", "primary", 0.0) or rack.now()
        await rack.pause(max(0.0, moved + rack.site.move_dwell - rack.now()))
        await rack.pause(rack.site.keepalive * part)
