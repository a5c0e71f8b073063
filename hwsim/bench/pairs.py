"""A contender's pair that lives over many plays: brought home before each, and set up anew only when it must be."""

from __future__ import annotations

from pathlib import Path

from hwsim.bench.contender import Contender, bring_home, ready, served_by
from hwsim.bench.play import RunFailed
from hwsim.demo.scenario import OTHER, ScenarioFailed
from hwsim.nodes import Power, RackError
from hwsim.rack import SIDES, Rack

_WITHIN = 40.0


class Pair:
    """The pair of `contender`, whose nodes' logs are kept below `logs` when it does not come home.

    `lives` counts how often it was set up.
    """

    def __init__(self, contender: Contender, logs: Path) -> None:
        self.contender = contender
        self.lives = 0
        self.problem = ""
        self._logs = logs
        self._rack: Rack | None = None

    @property
    def rack(self) -> Rack:
        """The rack of a pair that has come home. Raises RunFailed with what kept it from that."""
        if self._rack is None or self.problem:
            raise RunFailed(self.problem or "the pair was not set up")
        return self._rack

    async def come_home(self) -> None:
        """Have the primary serve and the secondary stand by: by handing service back, or else on a fresh rack.

        What keeps a fresh rack from it is noted in `problem`.
        """
        self.problem = ""
        if not (self._rack is not None and await self._back(self._rack)):
            await self._set_up()

    async def down(self) -> None:
        """Take the rack down. Harmless when there is none."""
        if self._rack is not None:
            rack, self._rack = self._rack, None
            await rack.down()

    async def _back(self, rack: Rack) -> bool:
        """Bring a pair home on the rack it is on; return False when it does not come home."""
        if any(server.node.power is not Power.ON for server in rack.servers.values()):
            return False
        try:
            (active,) = (side for side in SIDES if _answers(rack, side))
            if active != "primary":
                await self.contender.settled(rack, active)
                asked = await self.contender.hand_over(rack, active)
                await served_by(rack, OTHER[active], asked, _WITHIN)
            await ready(self.contender, rack)
        except (ScenarioFailed, RackError, ValueError):
            rack.keep_logs(self._logs / f"{self.contender.name}-not-home-{self.lives}")
            return False
        return True

    async def _set_up(self) -> None:
        await self.down()
        self.lives += 1
        self._rack = Rack(self.contender.site)
        try:
            await self._rack.up()
            await bring_home(self.contender, self._rack)
        except (ScenarioFailed, RackError) as problem:
            logs = self._logs / f"{self.contender.name}-set-up-{self.lives}"
            self._rack.keep_logs(logs)
            self.problem = f"no pair came up: {problem} (logs: {logs})"


def _answers(rack: Rack, side: str) -> bool:
    """Tell whether `side` has answered a telephone a moment ago."""
    return rack.first_answer("sip", side, rack.now() - 0.5) is not None
