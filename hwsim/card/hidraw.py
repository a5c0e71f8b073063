"""The simulated HID board plugged in: a file that answers its ioctls, seen as a hidraw node."""

from __future__ import annotations

from pathlib import Path

from hwsim.card.hid_board import HID_USB, HidBoard
from hwsim.card.sysfs import HidTree, Usb

FIRST = "hidraw0"


class HidCable:
    """The cable between a board and a host whose /dev and /sys are `dev_dir` and `sys_dir`.

    The host reaches the file that answers for the board at `node`. Plugging in gives the board power; unplugging takes
    it. A board that loses its power otherwise is unplugged too.
    """

    kind = "hidraw"
    first = FIRST

    def __init__(self, board: HidBoard, node: Path, dev_dir: Path, sys_dir: Path, usb: Usb = HID_USB) -> None:
        self._board = board
        self._node = node
        self._tree = HidTree(dev_dir, sys_dir, usb)
        self._name = ""
        board.on_power.append(self._power_changed)

    @property
    def plugged(self) -> bool:
        """True when there is a hidraw node now."""
        return bool(self._name)

    def plug(self, name: str = FIRST) -> None:
        """Plug in, to be seen as `name`, after pulling the cable out where needed."""
        self.unplug()
        self._name = name
        self._tree.add(name, str(self._node), self._board.name)
        self._board.power_on()

    def unplug(self) -> None:
        """Pull the cable. Harmless when unplugged."""
        if not self.plugged:
            return
        name, self._name = self._name, ""
        self._tree.remove(name)
        self._board.power_off()

    def _power_changed(self, powered: bool) -> None:
        if not powered:
            self.unplug()
