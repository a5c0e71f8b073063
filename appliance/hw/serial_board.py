"""A relay board on a serial port as a RelayCard: several contacts that carry one line together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import Contacts, RelayFacts
from appliance.host.clock import Clock
from appliance.hw.card_lock import CardLock
from appliance.hw.deadline import within
from appliance.hw.modbus import MbapWire, has_mbap, modbus_language, usual_port
from appliance.hw.relay import CardRefused, CardSilent, ContactsSplit
from appliance.hw.serial_languages import LANGUAGES, States
from appliance.hw.serial_port import LineSettings, opened_port, port_trouble_named
from appliance.hw.tcp_port import NetworkPlace, TcpPort
from appliance.hw.wire import Wire

_OWN_SHARE = 0.9  # of the deadline; the rest is left for reporting what went wrong
_WORDS = {Relay.ENERGISED: "energise", Relay.RELEASED: "release"}


class SerialBoard:
    """A board for which nothing is held open between commands, as for the Rhino card.

    A caller that hangs must not lock out the caller that releases the line.
    """

    def __init__(self, conf: Conf, clock: Clock, locate: Callable[[], Path], turn: CardLock) -> None:
        self._language = LANGUAGES.get(conf.relay_driver) or modbus_language(conf.relay_driver)
        self._network = (
            NetworkPlace.of(conf.relay_device, usual_port(conf.relay_driver))
            if conf.relay_on_network
            else None
        )
        self._framed = conf.relay_on_network and has_mbap(conf.relay_driver)
        self._facts = conf.relay_facts
        self._contacts = conf.contacts
        self._deadline = conf.card_deadline
        self._clock = clock
        self._locate = locate
        self._turn = turn

    @property
    def facts(self) -> RelayFacts:
        return self._facts

    def reset(self) -> None:
        """Release: these boards have no command that resets them."""
        self.move(Relay.RELEASED)

    def move(self, relay: Relay) -> None:
        what = f"{_WORDS[relay]} {_listed(self._contacts)}"
        force = relay is Relay.RELEASED
        self._in_turn(what, force, lambda wire: self._move(wire, relay is Relay.ENERGISED))

    def position(self) -> Reading[Contacts]:
        if self._language.ask is None:
            return Unknown(f"the {self._facts.title} cannot be asked", self._clock.now())
        seen: list[States] = []
        try:
            self._in_turn("the question for its relays", False, lambda wire: seen.append(self._read(wire)))
        except HardwareError as problem:
            return Unknown(str(problem), self._clock.now())
        on = [seen[0][contact] for contact in self._contacts]
        state = Contacts.ENERGISED if all(on) else Contacts.SPLIT if any(on) else Contacts.RELEASED
        return Known(state, self._clock.now(), "its register, not its contacts")

    def guard(self, seconds: int) -> None:
        if set_watchdog := self._language.guard:
            self._in_turn("the command to the watchdog", False, lambda wire: set_watchdog(wire, seconds))

    def feed(self) -> None:
        """Feed the board's watchdog by a question: such boards take anything that they are asked for a sign of life."""
        if self._language.guard is not None:
            self._in_turn("feeding the watchdog", False, self._ask)

    def close(self) -> None:
        pass

    def _in_turn(self, what: str, force: bool, action: Callable[[Wire], None]) -> None:
        until = self._clock.now() + self._deadline * _OWN_SHARE

        def body() -> None:
            with self._turn.taken(until, force=force), self._opened(what, until, force) as wire:
                self._begin(wire, force)
                action(wire)

        within(body, self._deadline, f"{what} of the relay board")

    @contextlib.contextmanager
    def _opened(self, what: str, until: float, force: bool) -> Iterator[Wire]:
        if self._network is not None:
            with self._connected(self._network, until) as wire:
                yield wire
            return
        tty = self._locate()
        line = LineSettings(self._language.baud)
        port = opened_port(tty, line, self._clock, until, force=force, lines_stay_raised=True)
        with port_trouble_named(tty, what), port as opened:
            yield Wire(opened, self._clock, until)

    @contextlib.contextmanager
    def _connected(self, place: NetworkPlace, until: float) -> Iterator[Wire]:
        port = TcpPort(place, until - self._clock.now())
        try:
            yield (MbapWire if self._framed else Wire)(port, self._clock, until)
        except OSError as problem:
            raise CardSilent(
                f"The device at {place} broke off: {problem}.", todo="Check its power."
            ) from problem
        finally:
            port.close()

    def _begin(self, wire: Wire, force: bool) -> None:
        try:
            self._language.begin(wire)
        except HardwareError:
            if not force:  # a board that does not answer may still let go of the line
                raise

    def _move(self, wire: Wire, on: bool) -> None:
        done: list[int] = []
        try:
            self._switch(wire, on, done)
            self._compare(wire, on)
        except (HardwareError, OSError) as problem:
            split = bool(done) and len(done) < len(self._contacts)
            if on and (split or isinstance(problem, ContactsSplit)):
                self._take_back(wire)
            if split:
                raise ContactsSplit(
                    f"Of {_listed(self._contacts)} only {_listed(done)} took the command: {problem}",
                    todo="Release all of them, and check the board.",
                ) from problem
            raise

    def _switch(self, wire: Wire, on: bool, done: list[int]) -> None:
        """Switch all contacts of the line, and note those done in `done`.

        By one command where the board has one for several. A release goes on with the other contacts when one fails.
        """
        together = self._language.together
        if together is not None and len(self._contacts) > 1:
            try:
                together(wire, self._contacts, on)
            except HardwareError:
                if on:
                    raise
            else:
                done.extend(self._contacts)
                return
        problems: list[HardwareError] = []
        for contact in self._contacts:
            try:
                self._switch_one(wire, contact, on)
                done.append(contact)
            except HardwareError as problem:
                if on:
                    raise
                problems.append(problem)
        if problems:
            raise problems[0]

    def _switch_one(self, wire: Wire, contact: int, on: bool) -> None:
        wire.ask(self._language.command(contact, on))
        self._language.acknowledged(wire, contact, on)

    def _compare(self, wire: Wire, on: bool) -> None:
        """Compare what the board's register says with what was commanded, where it can be asked."""
        if self._language.ask is None:
            return
        states = self._read(wire)
        wrong = [contact for contact in self._contacts if states[contact] is not on]
        if not wrong:
            return
        says = f"The board says that {_listed(wrong)} did not take the command to {'energise' if on else 'release'}."
        if len(wrong) < len(self._contacts):
            raise ContactsSplit(says, todo="Release all of them, and check the board.")
        raise CardRefused(says, todo="Check the board and its power.")

    def _read(self, wire: Wire) -> States:
        if self._language.ask is None:
            raise CardSilent("The board cannot be asked.")
        return self._language.ask(wire, self._contacts)

    def _ask(self, wire: Wire) -> None:
        self._read(wire)

    def _take_back(self, wire: Wire) -> None:
        """Release what was energised of a line that is split: half of it is of no use at either node."""
        with contextlib.suppress(HardwareError, OSError):
            self._switch(wire, False, [])


def _listed(contacts: tuple[int, ...] | list[int]) -> str:
    numbers = ", ".join(str(contact) for contact in contacts)
    return f"contact{'s' if len(contacts) > 1 else ''} {numbers}"
