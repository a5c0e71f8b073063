"""The stories: what happens to a pair at home, the same for every peer, in times that are fixed beforehand.

A story watches for so long after its last event that a pair which settles has settled, and one that has not by then is
told so: seconds beyond that are not counted for anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from hwsim.bench.pairstates.peers import PairPeer
from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes.network import LAN, LINKS
from hwsim.rack import SIDES, Rack
from hwsim.service_log import ServiceLog

_SPLIT = 20.0
_FROZEN = 60.0
_TELCO_DEAD = 90.0
_FLAPS, _LIVES = 240.0, 20.0
_APART_WITHIN = 40.0


@dataclass
class Scene:
    """One play: the rack, the pair on it, who serves when, and since when two that serve count as such.

    A node that stands still serves nobody, whatever address it holds.
    """

    rack: Rack
    peer: PairPeer
    log: ServiceLog
    began: float = 0.0
    two_count_since: float = 0.0

    async def pause(self, seconds: float) -> None:
        """Let time go by."""
        await self.rack.pause(seconds)

    def cut(self, side: str, *links: str) -> None:
        """Pull cables of `side`."""
        for link in LINKS:
            if link in (links or LINKS):
                self.rack.servers[side].node.cut(link)

    def heal(self, side: str) -> None:
        """Put the cables of `side` back."""
        for link in LINKS:
            self.rack.servers[side].node.heal(link)

    async def serves(self, side: str) -> None:
        """Wait until `side` serves. Raises ScenarioFailed."""
        if not await self.rack.history.wait(lambda: self.log.serves(side), _APART_WITHIN):
            raise ScenarioFailed(f"within {_APART_WITHIN:g} s the {side} did not serve")

    def kill_asterisk(self) -> None:
        """Kill every Asterisk that runs."""
        for side in SIDES:
            if self.rack.asterisk_runs(side):
                self.rack.kill_asterisk(side)


@dataclass(frozen=True)
class Story:
    """A story; `watched`: seconds after its last event; `conf`: what is set for asha."""

    name: str
    title: str
    play: Callable[[Scene], Awaitable[None]]
    watched: float
    conf: Mapping[str, str] = field(default_factory=dict)


async def _split(scene: Scene) -> None:
    scene.cut("primary")
    await scene.pause(_SPLIT)
    scene.heal("primary")


async def _cold_start_apart(scene: Scene) -> None:
    scene.rack.power_off("primary")
    await scene.serves("secondary")
    scene.cut("primary")
    await scene.rack.boot("primary")
    await scene.peer.begin(scene.rack, "primary")
    await scene.serves("primary")
    scene.began = scene.two_count_since = scene.rack.now()
    scene.heal("primary")


async def _lan_lost_active(scene: Scene) -> None:
    scene.cut("primary", LAN)


async def _lan_lost_standby(scene: Scene) -> None:
    scene.cut("secondary", LAN)
    await scene.pause(5.0)
    scene.rack.kill_asterisk("primary")


async def _links_cut_then_killed(scene: Scene) -> None:
    scene.cut("secondary")
    await scene.pause(5.0)
    scene.rack.kill_asterisk("primary")


async def _paused(seconds: float, scene: Scene) -> None:
    await scene.rack.freeze("primary")
    await scene.pause(seconds)
    scene.two_count_since = scene.rack.thaw("primary")


async def _power_cycle(scene: Scene) -> None:
    for side in SIDES:
        scene.rack.power_off(side)
    await scene.pause(5.0)
    await asyncio.gather(*(scene.rack.boot(side) for side in SIDES))
    await asyncio.gather(*(scene.peer.begin(scene.rack, side) for side in SIDES))


async def _telco_dead(scene: Scene) -> None:
    scene.rack.line.cut()
    await scene.pause(_TELCO_DEAD)
    scene.rack.line.restore()


async def _flapping(scene: Scene) -> None:
    """Have Asterisk die on both nodes, each time it has run for a while."""
    ends = scene.rack.now() + _FLAPS
    while scene.rack.now() < ends:
        if any(map(scene.rack.asterisk_runs, SIDES)):
            await scene.pause(min(_LIVES, ends - scene.rack.now()))
            scene.kill_asterisk()
        await scene.pause(0.1)


STORIES: tuple[Story, ...] = (
    Story("split-off", "all cables out for 20 s, HAWITNESS=OFF", _split, 45.0),
    Story("split-prefer", "the same, HAWITNESS=PREFER", _split, 45.0, {"HAWITNESS": "PREFER"}),
    Story("split-require", "the same, HAWITNESS=REQUIRE", _split, 45.0, {"HAWITNESS": "REQUIRE"}),
    Story(
        "cold-start-apart",
        "the primary boots behind cut cables, serves, they heal (from the heal on)",
        _cold_start_apart,
        60.0,
    ),
    Story("lan-lost-active", "the LAN cable of the active node is out", _lan_lost_active, 45.0),
    Story(
        "lan-lost-standby",
        "the LAN cable of the standby is out, 5 s later Asterisk dies",
        _lan_lost_standby,
        45.0,
    ),
    Story(
        "links-cut-killed",
        "all cables of the standby are out, 5 s later Asterisk dies on the active node",
        _links_cut_then_killed,
        45.0,
    ),
    Story("frozen-60", "the active node stands still for 60 s, and goes on", partial(_paused, _FROZEN), 45.0),
    Story("pause-1", "a virtual machine's pause of 1 s", partial(_paused, 1.0), 40.0),
    Story("pause-3", "a pause of 3 s", partial(_paused, 3.0), 40.0),
    Story("pause-10", "a pause of 10 s", partial(_paused, 10.0), 40.0),
    Story("power-cycle", "both nodes lose power for 5 s", _power_cycle, 60.0),
    Story("telco-dead", "the provider's line is dead for 90 s", _telco_dead, 20.0),
    Story("flapping", "for 240 s Asterisk dies 20 s after each start", _flapping, 0.0),
)
