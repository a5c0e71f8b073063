"""A Modbus board behind TCP, open for one command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from appliance.host.clock import Clock
from appliance.hw.board import Opener
from appliance.hw.modbus import MAKERS, MbapWire, modbus_language
from appliance.hw.relay import CardSilent
from appliance.hw.serial_board import SerialSession
from appliance.hw.tcp_port import NetworkPlace, TcpPort
from appliance.hw.wire import Wire


def tcp_opener(driver: str, clock: Clock) -> Opener:
    """Return what opens a board of RELAYDRIVER `driver` at its address."""
    maker, language = MAKERS[driver], modbus_language(driver)

    @contextlib.contextmanager
    def opened(address: Path, what: str, until: float, force: bool) -> Iterator[SerialSession]:
        place = board_place(driver, address)
        port = TcpPort(place, until - clock.now())
        try:
            wire = (MbapWire if maker.mbap else Wire)(port, clock, until)
            yield SerialSession(language, wire)
        except OSError as problem:
            raise CardSilent(
                f"The device at {place} broke off during {what}: {problem}.", todo="Check its power."
            ) from problem
        finally:
            port.close()

    return opened


def board_place(driver: str, address: Path) -> NetworkPlace:
    """Return where a board of RELAYDRIVER `driver` is, given what RELAYDEVICE says."""
    return NetworkPlace.of(str(address), MAKERS[driver].port)
