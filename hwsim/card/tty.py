"""The simulated card plugged in: a pseudo-terminal on the asyncio loop, seen as a USB serial tty."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from pathlib import Path

from hwsim.card.card import RelayCard
from hwsim.card.sysfs import DeviceTree, Usb

_CHUNK = 4096


class CardTty:
    """The cable between a card and a host whose /dev and /sys are `dev_dir` and `sys_dir`.

    Plugging in gives the card power; unplugging takes it and hangs up any program that has the tty open, as
    pulling the cable does. A card that loses its power by itself is unplugged too. Must be created on a
    running loop.
    """

    kind = "tty"
    first = "ttyUSB0"

    def __init__(self, card: RelayCard, dev_dir: Path, sys_dir: Path, usb: Usb | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._card = card
        self._tree = DeviceTree(dev_dir, sys_dir, usb or Usb())
        self._name = ""
        self._master = self._slave = -1
        card.on_say.append(self._say)
        card.on_power.append(self._power_changed)

    @property
    def plugged(self) -> bool:
        """True when there is a tty now."""
        return bool(self._name)

    @property
    def path(self) -> str:
        """The pseudo-terminal behind the name, "" while unplugged."""
        return os.ttyname(self._slave) if self.plugged else ""

    def plug(self, name: str = "ttyUSB0") -> None:
        """Plug in, to be seen as `name`, after pulling the cable out where needed."""
        self.unplug()
        # This open slave handle keeps the pty alive between two programs that open it.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._loop.add_reader(self._master, self._listen)
        self._name = name
        self._tree.add(name, self.path)
        self._card.power_on()

    def unplug(self) -> None:
        """Pull the cable. Harmless when unplugged."""
        if not self.plugged:
            return
        name, self._name = self._name, ""
        self._tree.remove(name)
        self._loop.remove_reader(self._master)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1
        self._card.power_off()

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._card.hear(os.read(self._master, _CHUNK))

    def _say(self, data: bytes) -> None:
        if self.plugged:
            with contextlib.suppress(BlockingIOError):  # no program reads: a tty drops what it cannot hold
                os.write(self._master, data)

    def _power_changed(self, powered: bool) -> None:
        if not powered:
            self.unplug()
