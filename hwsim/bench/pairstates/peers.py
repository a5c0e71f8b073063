"""asha and plain Heartbeat as the stories of the pair need them: brought home, and begun again after a boot."""

from __future__ import annotations

from typing import Any, Protocol

from hwsim.bench import plain_heartbeat
from hwsim.demo.scenario import Stage
from hwsim.rack import Rack


class PairPeer(Protocol):
    """A way to make two servers one."""

    @property
    def name(self) -> str: ...

    async def home(self, rack: Rack) -> None:
        """Bring the pair up: the primary serves, the secondary is ready. Raises ScenarioFailed or RackError."""

    async def begin(self, rack: Rack, side: str) -> None:
        """Start on a node that has booted what its init and its operator start."""


class Asha:
    """The product, with the conf values of the story."""

    name = "asha"

    async def home(self, rack: Rack) -> None:
        """Bring the pair up, until both nodes know their LAN."""
        stage = Stage(rack, lambda words: None)
        await stage.home()
        for server in rack.servers.values():
            await stage.until_status(server, _lan_is_known, 30, "the LAN of both nodes is well")

    async def begin(self, rack: Rack, side: str) -> None:
        """Start the agent, and the engine by `asha ha start`."""
        await rack.start_agent(side)
        await rack.servers[side].asha("ha", "start")


class PlainHeartbeat:
    """Heartbeat with the address and one shell resource, which moves the relay and starts the same Asterisk."""

    name = "plain Heartbeat"

    async def home(self, rack: Rack) -> None:
        """Bring the pair up, until Heartbeat has settled on both nodes."""
        await plain_heartbeat.bring_up(rack)

    async def begin(self, rack: Rack, side: str) -> None:
        """Start Heartbeat."""
        await plain_heartbeat.start(rack.servers[side])


PEERS: tuple[PairPeer, ...] = (Asha(), PlainHeartbeat())


def _lan_is_known(status: dict[str, Any]) -> bool:
    return bool(status["lan"]["reached"]["value"] and status["peer"]["lan"]["value"])
