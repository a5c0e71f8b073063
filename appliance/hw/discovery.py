"""Finding the card's tty or hidraw node by USB identity when its number changed, and noticing when they come and go."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.config import Conf
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import Attachment
from appliance.host.paths import CARD
from appliance.hw.hidraw_sysfs import SysfsRelayBoards
from appliance.hw.ttys_sysfs import SysfsTtys
from appliance.hw.uevents import KernelEvents
from appliance.hw.usb_identity import DeviceInfo, UsbIdentity, remember, remembered

__all__ = [
    "DeviceInfo",
    "DeviceWatch",
    "Ttys",
    "UsbIdentity",
    "find_card",
    "hid_boards",
    "usb_ttys",
    "watch_devices",
]


class Ttys(Protocol):
    """A source of information about the ttys on USB, or about the relay boards among the hidraw nodes."""

    def all(self) -> Iterable[DeviceInfo]:
        """Return every device. Raises OSError when the list cannot be read."""
        ...

    def named(self, name: str) -> DeviceInfo | None:
        """Return the device called `name` ("ttyUSB0", "hidraw0"), or None when there is none. Raises OSError."""
        ...


class DeviceWatch(Protocol):
    """A source of events which tell that some device changed, but not what changed: the listener looks itself."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when there are events to drain."""
        ...

    def drain(self) -> bool:
        """Take in all waiting events without blocking; return True when something about them changed."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


def find_card(
    conf: Conf,
    now: float,
    *,
    sys_root: Path = Path("/"),
    dev_root: Path | None = None,
    store: Path = CARD,
    ttys: Ttys | None = None,
) -> Reading[DeviceInfo | None]:
    """Return where the card is: `Known(None)` when it is surely absent, `Unknown` when that cannot be told.

    The first time, the card is the device at `conf.relay_tty` (RHINOUSB, RELAYDEVICE). Its USB identity is kept
    in `store`, and from then on the card is the device of that identity, whatever its tty is called; another
    device that took the name of the tty is not the card. A device of the same make at the configured tty and in
    the same USB port is a replacement card, and is accepted as the card; for any other change remove `store`.
    Without a serial number a board of RELAYDRIVER is known by its port alone: its adapter is in many other
    devices. A board of HID kind need not be at a configured node: without one it is the only such board.
    `dev_root` is the directory of the device files: by default the directory of the configured tty, or /dev when the
    configured tty is a link somewhere below /dev, or when none is configured. `now` is in seconds on the monotonic
    clock.
    """
    dev_root = dev_root or (sys_root / "dev" if conf.relay_anywhere else _home(conf.relay_tty))
    hid = conf.relay_attachment is Attachment.HID
    source = hid_boards if hid else usb_ttys
    look = _Look(
        conf.relay_tty,
        ttys or source(sys_root, dev_root),
        store,
        now,
        may_move_ports=not conf.relay_driver,
        only_listed=hid,
        anywhere=conf.relay_anywhere,
    )
    try:
        return look.find()
    except OSError as problem:
        return Unknown(f"the list of ttys could not be read: {problem}", now)


def usb_ttys(sys_root: Path = Path("/"), dev_root: Path = Path("/dev")) -> Ttys:
    """Return the USB ttys as a scan of sysfs below `sys_root` finds them (docs/adr/0021-libraries-in-the-agent.md)."""
    return SysfsTtys(sys_root, dev_root)


def hid_boards(sys_root: Path = Path("/"), dev_root: Path = Path("/dev")) -> Ttys:
    """Return the relay boards of HID kind as a scan of sysfs below `sys_root` finds them."""
    return SysfsRelayBoards(sys_root, dev_root)


def watch_devices() -> DeviceWatch:
    """Listen to the kernel's own device events. Raises HostError when the kernel gives no netlink socket."""
    return KernelEvents()


def _home(tty: Path) -> Path:
    return Path("/dev") if tty.is_relative_to("/dev") else tty.parent


@dataclass(frozen=True, slots=True)
class _Look:
    """One search for the card that belongs at the configured `tty`."""

    tty: Path
    ttys: Ttys
    store: Path
    now: float
    may_move_ports: bool = True
    """Whether one of the same kind in another port may be the card: its adapter is not in every other device too."""
    only_listed: bool = False
    """Whether the card is always among `ttys`: a HID board has a name, and other devices have hidraw nodes too."""
    anywhere: bool = False
    """Whether a card never seen before is wherever there is one, because no `tty` was configured."""

    def find(self) -> Reading[DeviceInfo | None]:
        known = remembered(self.store, self.tty)
        here = self._at_configured()
        if known is None and self.anywhere:
            return self._only_one()
        if known is None or (here and here.usb and here.usb.same_device(known)):
            return self._seen(here, known)
        return self._search(known, here)

    def _only_one(self) -> Reading[DeviceInfo | None]:
        boards = [info for info in self.ttys.all() if info.tty.exists()]
        if len(boards) > 1:
            names = ", ".join(sorted(info.tty.name for info in boards))
            return Unknown(f"there are several boards, and RELAYDEVICE does not say which: {names}", self.now)
        return self._seen(next(iter(boards), None), None)

    def _at_configured(self) -> DeviceInfo | None:
        """Return the device at the configured tty, or None when no tty is there.

        The configured tty may be a kernel name, a link to one (by-id), or a plain serial port.
        """
        if not self._is_there(self.tty):
            return None
        for name in dict.fromkeys((self.tty.name, self.tty.resolve().name)):
            found = self.ttys.named(name)
            if found is not None:
                return DeviceInfo(self.tty, found.usb)
        return None if self.only_listed else DeviceInfo(self.tty, None)

    def _is_there(self, path: Path) -> bool:
        """Return True when `path` is a device; of a board that sysfs lists the node need only exist."""
        return path.exists() if self.only_listed else _is_tty(path)

    def _search(self, known: UsbIdentity, here: DeviceInfo | None) -> Reading[DeviceInfo | None]:
        """Look among all ttys for the remembered card, which is not at its configured tty."""
        alike = [
            info
            for info in self.ttys.all()
            if info.usb and info.usb.same_kind(known) and self._is_there(info.tty)
        ]
        same = [info for info in alike if info.usb and info.usb.same_device(known)]
        if len(same) > 1:  # clones that share one serial number: the port decides
            same = [info for info in same if info.usb and info.usb.port == known.port] or same
        if len(same) > 1:
            names = ", ".join(info.tty.name for info in same)
            return Unknown(f"several devices look like the card: {names}", self.now)
        if same:
            return self._seen(same[0], known)
        if here and here.usb and here.usb.same_kind(known) and here.usb.port == known.port:  # a replacement
            return self._seen(here, known)
        if (
            len(alike) == 1 and not known.serial and self.may_move_ports
        ):  # a card without a serial number, moved to another port
            return self._seen(alike[0], known)
        return Known(None, self.now)

    def _seen(self, info: DeviceInfo | None, known: UsbIdentity | None) -> Reading[DeviceInfo | None]:
        if info is not None and info.usb is not None and info.usb != known:
            remember(self.store, self.tty, info.usb)
        return Known(info, self.now)


def _is_tty(path: Path) -> bool:
    """Return True when `path` is a character device.

    A plain file is what `echo > /dev/ttyUSB0` leaves behind when there is no such device.
    """
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
