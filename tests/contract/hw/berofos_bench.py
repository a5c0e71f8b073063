"""A workbench with a simulated berofos behind HTTP and UDP on the loopback, and the product's conf for it."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from appliance.config import Conf
from appliance.core.model import Relay
from appliance.core.reading import Reading
from appliance.host.clock import SystemClock
from appliance.hw.discovery import DeviceInfo
from appliance.hw.drivers import find_relay, open_card
from appliance.hw.relay import RelayCard
from hwsim.card.berofos import PASSWORD, Berofos
from hwsim.card.card import Position
from hwsim.card.network import UDP_PORT, BerofosOnNetwork
from hwsim.simtime import LoopTime

T = TypeVar("T")
_PORT = 8080
_numbers = itertools.count(1)


class BerofosBench:
    """The device has an address of its own on the loopback: its UDP port is fixed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.address = f"127.{os.getpid() % 250 + 2}.{os.getpid() // 250 % 250}.{next(_numbers)}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.berofos, self.network = self.do(self._build)
        self.plug()

    def do(self, action: Callable[[], T]) -> T:
        """Run `action` on the device's loop."""

        async def on_loop() -> T:
            return action()

        return self._await(on_loop())

    def plug(self) -> None:
        tcp = socket.create_server((self.address, _PORT))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((self.address, UDP_PORT))
        udp.setblocking(False)
        self._await(self.network.start(tcp, udp))

    def unplug(self) -> None:
        self.do(self.network.stop)

    def conf(self, **fields: Any) -> Conf:
        given = {
            "relay_driver": "berofos",
            "relay_device": f"{self.address}:{_PORT}",
            "relay_password": PASSWORD,
            "card_deadline": 2.0,
        }
        return Conf(**{**given, **fields})

    def open(self, **fields: Any) -> RelayCard:
        return open_card(
            self.conf(**fields), SystemClock(), store=self.root / "card.json", lock=self.root / "lock"
        )

    def find(self) -> Reading[DeviceInfo | None]:
        return find_relay(self.conf(), SystemClock(), store=self.root / "card.json", lock=self.root / "lock")

    def line(self) -> Relay:
        """Where the line is, seen from outside."""
        position = self.do(self.berofos.position)
        return Relay.ENERGISED if position is Position.NO else Relay.RELEASED

    def close(self) -> None:
        self.unplug()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    def _build(self) -> tuple[Berofos, BerofosOnNetwork]:
        berofos = Berofos(LoopTime())
        return berofos, BerofosOnNetwork(berofos)
