"""The available relay card drivers; a new driver is one more line in a list here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from appliance.config import Conf
from appliance.core.errors import HardwareError
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import RELAYS, Attachment
from appliance.host.clock import Clock
from appliance.host.paths import CARD, CARD_LOCK
from appliance.hw.board import Board, Opener
from appliance.hw.card_lock import CardLock
from appliance.hw.discovery import DeviceInfo, find_card
from appliance.hw.hid_board import hid_opener
from appliance.hw.relay import CardAbsent, RelayCard
from appliance.hw.rhino.card import RhinoCard
from appliance.hw.rhino.serial_transport import WireWay
from appliance.hw.rhino.vendor_tool import ToolWay
from appliance.hw.serial_board import serial_opener

Locate: TypeAlias = Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Driver:
    """A value of RHINODRIVER or, where that is set, of RELAYDRIVER, and the driver that it selects."""

    name: str
    about: str
    open: Callable[[Conf, Clock, Locate, CardLock], RelayCard]


def _open_tool(conf: Conf, clock: Clock, locate: Locate, turn: CardLock) -> RelayCard:
    return RhinoCard(ToolWay(conf, clock), conf, clock, locate, turn)


def _open_serial(conf: Conf, clock: Clock, locate: Locate, turn: CardLock) -> RelayCard:
    return RhinoCard(WireWay(conf, clock), conf, clock, locate, turn)


def _open_board(conf: Conf, clock: Clock, locate: Locate, turn: CardLock) -> RelayCard:
    return Board(conf, clock, locate, turn, _board_opener(conf, clock))


def _board_opener(conf: Conf, clock: Clock) -> Opener:
    if conf.relay_attachment is Attachment.NETWORK:
        from appliance.hw.tcp_board import tcp_opener  # noqa: PLC0415 - agents with a board at a tty do not need it

        return tcp_opener(conf.relay_driver, clock)
    if conf.relay_attachment is Attachment.HID:
        return hid_opener(clock)
    return serial_opener(conf.relay_driver, clock)


def _open_berofos(conf: Conf, clock: Clock, locate: Locate, turn: CardLock) -> RelayCard:
    from appliance.hw.berofos import Berofos  # noqa: PLC0415 - it brings http.client, which other agents do not need

    return Berofos(conf, clock, turn)


RHINO_DRIVERS: tuple[Driver, ...] = (
    Driver("tool", "runs the vendor's rhinofailover for each command", _open_tool),
    Driver("serial", "speaks to the card itself, by a wire profile", _open_serial),
)
_NO_BOARDS = {"berofos": _open_berofos}  # what is no relay board has a driver of its own
RELAY_DRIVERS: tuple[Driver, ...] = tuple(
    Driver(name, facts.title, _NO_BOARDS.get(name, _open_board)) for name, facts in RELAYS.items()
)


def open_card(
    conf: Conf,
    clock: Clock,
    *,
    sys_root: Path = Path("/"),
    store: Path = CARD,
    lock: Path = CARD_LOCK,
) -> RelayCard:
    """Return the card, driven as the conf file says. Nothing is sent, and the card may still be absent.

    A device file is looked up again at each command, as `find_card` does, so a card that was plugged in again under
    another name goes on working. Raises HardwareError when the wire profile is wrong.
    """
    drivers, name = (
        (RELAY_DRIVERS, conf.relay_driver) if conf.relay_driver else (RHINO_DRIVERS, conf.card_driver)
    )
    driver = next(driver for driver in drivers if driver.name == name)
    return driver.open(conf, clock, lambda: locate_card(conf, clock, sys_root, store), CardLock(lock, clock))


def find_relay(
    conf: Conf, clock: Clock, *, store: Path = CARD, lock: Path = CARD_LOCK
) -> Reading[DeviceInfo | None]:
    """Return where the relay is, as `find_card` does; of one on the network, whether it answers.

    A device on the network that does not answer is Unknown: it may hold the line all the same.
    """
    if not conf.relay_on_network:
        return find_card(conf, clock.now(), store=store)
    if conf.relay_driver not in _NO_BOARDS:
        return _answers(conf, clock)
    said = open_card(conf, clock, lock=lock).position()
    return said if isinstance(said, Unknown) else Known(DeviceInfo(conf.relay_tty, None), said.at)


def _answers(conf: Conf, clock: Clock) -> Reading[DeviceInfo | None]:
    """Return whether somebody answers at the board's address.

    The board is asked nothing: that would feed its watchdog.
    """
    from appliance.hw.tcp_board import board_place  # noqa: PLC0415
    from appliance.hw.tcp_port import TcpPort  # noqa: PLC0415

    try:
        TcpPort(board_place(conf.relay_driver, conf.relay_tty), conf.card_deadline / 2).close()
    except HardwareError as problem:
        return Unknown(str(problem), clock.now())
    return Known(DeviceInfo(conf.relay_tty, None), clock.now())


def locate_card(conf: Conf, clock: Clock, sys_root: Path, store: Path) -> Path:
    """Return the card's current tty or hidraw node, or the address of one on the network. Raises CardAbsent.

    When it cannot be told where the card is, the configured one is returned.
    """
    if conf.relay_on_network:
        return conf.relay_tty
    found = find_card(conf, clock.now(), sys_root=sys_root, store=store)
    if not isinstance(found, Known):
        if conf.relay_anywhere:  # no device is the configured one
            raise CardAbsent(
                f"Which device is the relay is not known: {found.reason}.", todo="Set RELAYDEVICE."
            )
        return conf.relay_tty
    if found.value is None:
        raise CardAbsent(
            f"There is no relay card at {conf.relay_tty}, nor under another name.",
            todo=f"Check its cable, its power and {conf.relay_tty_key}; for a new card in another port, remove {store} "
            "first.",
        )
    return found.value.tty
