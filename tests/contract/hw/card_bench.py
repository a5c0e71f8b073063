"""A workbench: the simulated card on its tty, and the product's conf that points at it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from appliance.config import Conf
from appliance.core.model import Relay
from appliance.core.reading import Reading
from appliance.host.clock import SystemClock
from appliance.hw.discovery import DeviceInfo, find_card
from appliance.hw.drivers import open_card
from appliance.hw.relay import RelayCard
from hwsim.card import card as sim
from hwsim.card import vendortool
from hwsim.card.tty import CardTty
from hwsim.simtime import LoopTime

T = TypeVar("T")


class ImpatientClock(SystemClock):
    """Real time, but the long pauses that a real card may want are cut short."""

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, 0.01))


class CardBench:
    """Everything below `root`; the card lives on a loop of its own thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tool = root / "rhinofailover"
        self.store = root / "card.json"
        self.lock = root / "run/card.lock"
        self.clock = ImpatientClock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.card, self.tty = self.do(self._build)
        vendortool.install(self.tool)
        self.plug()

    def do(self, action: Callable[[], T]) -> T:
        """Run `action` on the card's loop."""

        async def on_loop() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(5)

    def plug(self, name: str = "ttyUSB0") -> None:
        self.do(lambda: self.tty.plug(name))

    def unplug(self) -> None:
        self.do(self.tty.unplug)

    def conf(self, **fields: Any) -> Conf:
        return Conf(**{"card_tty": self.root / "dev/ttyUSB0", "card_tool": self.tool, **fields})

    def open(self, **fields: Any) -> RelayCard:
        return open_card(
            self.conf(**fields), self.clock, sys_root=self.root, store=self.store, lock=self.lock
        )

    def find(self) -> Reading[DeviceInfo | None]:
        return find_card(self.conf(), self.clock.now(), sys_root=self.root, store=self.store)

    def observe(self, relay: int = 0) -> Relay:
        position = self.do(lambda: self.card.position(relay))
        return Relay.ENERGISED if position is sim.Position.NO else Relay.RELEASED

    def close(self) -> None:
        self.unplug()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _build(self) -> tuple[sim.RelayCard, CardTty]:
        card = sim.RelayCard(LoopTime(), relays=2)
        return card, CardTty(card, self.root / "dev", self.root / "sys")
