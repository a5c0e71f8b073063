"""A relay board on a serial port, open for one command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from appliance.host.clock import Clock
from appliance.hw.board import Opener, States
from appliance.hw.modbus import MAKERS, modbus_language
from appliance.hw.relay import CardSilent
from appliance.hw.serial_languages import LANGUAGES, Language
from appliance.hw.serial_port import LineSettings, opened_port, port_trouble_named
from appliance.hw.wire import Wire


class SerialSession:
    """A session in `language` over `wire`."""

    def __init__(self, language: Language, wire: Wire) -> None:
        self._language = language
        self._wire = wire

    def begin(self) -> None:
        self._language.begin(self._wire)

    def switch(self, contact: int, on: bool) -> None:
        self._wire.ask(self._language.command(contact, on))
        self._language.acknowledged(self._wire, contact, on)

    def together(self, contacts: tuple[int, ...], on: bool) -> bool:
        if self._language.together is None:
            return False
        self._language.together(self._wire, contacts, on)
        return True

    def states(self, contacts: tuple[int, ...]) -> States:
        if self._language.ask is None:
            raise CardSilent("The board cannot be asked.")
        return self._language.ask(self._wire, contacts)

    def guard(self, seconds: int) -> None:
        if self._language.guard is not None:
            self._language.guard(self._wire, seconds)


def serial_opener(driver: str, clock: Clock) -> Opener:
    """Return what opens a board that speaks the language of RELAYDRIVER `driver`."""
    language = modbus_language(driver) if driver in MAKERS else LANGUAGES[driver]

    @contextlib.contextmanager
    def opened(tty: Path, what: str, until: float, force: bool) -> Iterator[SerialSession]:
        line = LineSettings(language.baud)
        port = opened_port(tty, line, clock, until, force=force, lines_stay_raised=True)
        with port_trouble_named(tty, what), port as handle:
            yield SerialSession(language, Wire(handle, clock, until))

    return opened
