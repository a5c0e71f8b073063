"""asha on the rack, brought up by `asha ha start`, on either engine."""

from __future__ import annotations

from hwsim.bench.agent_cost import AGENT
from hwsim.bench.contender import Part
from hwsim.demo.scenario import Stage, in_step
from hwsim.introduction import introduce
from hwsim.nodes.engines import HEARTBEAT, Engine
from hwsim.rack import Rack
from hwsim.site import Site

_WITHIN = 60.0


class Asha:
    """The product as a contender, on `engine`, with the conf file's default times."""

    def __init__(self, name: str = "asha", engine: Engine = HEARTBEAT) -> None:
        self.name = name
        self.site = Site(engine=engine)
        self.period = self.site.keepalive
        self.rest = self.site.move_dwell
        engines = tuple(engine.daemons[daemon] for daemon in engine.masters)
        self.parts = (Part("engine", engines), Part("agent", (AGENT,)))
        self.packages = engine.packages

    @property
    def note(self) -> str:
        """How it was set up."""
        keepalive, deadtime = self.site.keepalive * 1000, self.site.deadtime
        times = f"the conf's default times (keepalive {keepalive:.0f} ms, deadtime {deadtime:g} s)"
        return f"asha under real {self.site.engine.title}, {times}"

    async def bring_up(self, rack: Rack) -> None:
        """Bring up the primary alone first, then the secondary."""
        await Stage(rack, lambda words: None).home(_WITHIN)
        if rack.site.extra.get("HASYNCH") == "LAZY":
            await introduce(rack.servers)
        await self.settled(rack, "primary")

    async def settled(self, rack: Rack, active: str) -> None:
        """Wait until both nodes say so, the engine is at rest, and a standby secondary has the primary's data."""
        stage = Stage(rack, lambda words: None)
        await stage.at_home(_WITHIN, active)
        if rack.site.extra.get("HASYNCH") == "LAZY" and active == "primary":
            await stage.until_status(stage.secondary, in_step, _WITHIN, "the secondary's data are in step")

    async def hand_over(self, rack: Rack, side: str) -> float:
        """Give the command `asha standby`."""
        asked = rack.now()
        await Stage(rack, lambda words: None).ask(rack.servers[side], "standby")
        return asked

    async def fail_back(self, rack: Rack) -> float:
        """Give the command `asha failback`, which brings the secondary's data first."""
        asked = rack.now()
        await Stage(rack, lambda words: None).ask(rack.servers["primary"], "failback")
        return asked
