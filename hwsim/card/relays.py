"""The relay of a rack, by what the product's RELAYDRIVER calls it, and the cable to its machine."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hwsim.card import berofos, hid_board
from hwsim.card.berofos import Berofos
from hwsim.card.boards import ADAPTER, SPEECHES, new_board
from hwsim.card.card import RelayCard
from hwsim.card.hid_board import HidBoard
from hwsim.card.hidraw import HidCable
from hwsim.card.tty import CardTty
from hwsim.simtime import Scheduler

DRIVERS = (*SPEECHES, hid_board.DRIVER, berofos.DRIVER)
"""What is simulated besides the Rhino card, which is "", by RELAYDRIVER."""


class Cable(Protocol):
    """The cable between a relay and its machine: `kind` is the class of device that the machine sees."""

    kind: str
    first: str

    @property
    def plugged(self) -> bool:
        """True when the machine sees the device."""
        ...

    def plug(self, name: str) -> None:
        """Plug in, to be seen as `name`, after pulling the cable out where needed."""
        ...

    def unplug(self) -> None:
        """Pull the cable. Harmless when unplugged."""
        ...


def new_relay(time: Scheduler, relay: str) -> RelayCard:
    """Return the relay that RELAYDRIVER calls `relay`, without power."""
    if relay == hid_board.DRIVER:
        return HidBoard(time)
    if relay == berofos.DRIVER:
        return Berofos(time)
    return new_board(time, relay) if relay else RelayCard(time)


def new_cable(card: RelayCard, relay: str, node: Path, dev_dir: Path, sys_dir: Path) -> Cable:
    """Return the cable from `card` to the machine with that /dev and /sys, which reaches a HID board at `node`."""
    if isinstance(card, HidBoard):
        return HidCable(card, node, dev_dir, sys_dir)
    return CardTty(card, dev_dir, sys_dir, ADAPTER if relay else None)
