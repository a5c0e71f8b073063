"""A relay board as a RelayCard: several contacts that carry one line together, however the board is spoken to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeAlias

from appliance.config import Conf
from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import Contacts, ReadBack, RelayFacts
from appliance.host.clock import Clock
from appliance.hw.card_lock import CardLock
from appliance.hw.deadline import still_hangs, within
from appliance.hw.relay import CardRefused, ContactsSplit

_OWN_SHARE = 0.9  # of the deadline; the rest is left for reporting what went wrong
_QUESTION = "the question for its relays"
_WORDS = {Relay.ENERGISED: "energise", Relay.RELEASED: "release"}

States: TypeAlias = dict[int, bool]
"""Contact → whether its coil is driven, as the board's register has it."""


class BoardSession(Protocol):
    """A board that is open for one command. Everything here raises HardwareError and OSError."""

    def begin(self) -> None:
        """Say what must be said first; it moves nothing."""
        ...

    def switch(self, contact: int, on: bool) -> None:
        """Switch one contact, and take the board's answer to that."""
        ...

    def together(self, contacts: tuple[int, ...], on: bool) -> bool:
        """Switch `contacts` by one command and leave the others; False when the board has none for them."""
        ...

    def states(self, contacts: tuple[int, ...]) -> States:
        """Return at least the states of `contacts`. Never called on a board that cannot be asked."""
        ...

    def guard(self, seconds: int) -> None:
        """Set the board's own watchdog, 0 for none. Never called on a board without one."""
        ...


Opener: TypeAlias = Callable[[Path, str, float, bool], AbstractContextManager[BoardSession]]
"""Opens the board at a device file or an address, for what, until when on the monotonic clock, and whether by force."""


class Board:
    """A board for which nothing is held open between commands, as for the Rhino card.

    A caller that hangs must not lock out the caller that releases the line.
    """

    def __init__(
        self, conf: Conf, clock: Clock, locate: Callable[[], Path], turn: CardLock, opener: Opener
    ) -> None:
        self._facts = conf.relay_facts
        self._contacts = conf.contacts
        self._deadline = conf.card_deadline
        self._clock = clock
        self._locate = locate
        self._turn = turn
        self._opener = opener

    @property
    def facts(self) -> RelayFacts:
        return self._facts

    def reset(self) -> None:
        """Release: these boards have no command that resets them."""
        self.move(Relay.RELEASED)

    def move(self, relay: Relay) -> None:
        what = f"{_WORDS[relay]} {listed(self._contacts)}"
        force = relay is Relay.RELEASED
        self._in_turn(what, force, lambda session: self._move(session, relay is Relay.ENERGISED))

    def position(self) -> Reading[Contacts]:
        if self._facts.read_back is ReadBack.NONE:
            return Unknown(f"the {self._facts.title} cannot be asked", self._clock.now())
        if still_hangs(_of_board(_QUESTION)):
            return Unknown("an earlier question to the relay board has not returned", self._clock.now())
        seen: list[States] = []
        try:
            self._in_turn(_QUESTION, False, lambda session: seen.append(session.states(self._contacts)))
        except HardwareError as problem:
            return Unknown(str(problem), self._clock.now())
        on = [seen[0][contact] for contact in self._contacts]
        state = Contacts.ENERGISED if all(on) else Contacts.SPLIT if any(on) else Contacts.RELEASED
        return Known(state, self._clock.now(), "its register, not its contacts")

    def guard(self, seconds: int) -> None:
        if self._facts.watchdog:
            self._in_turn("the command to the watchdog", False, lambda session: session.guard(seconds))

    def feed(self) -> None:
        """Feed the board's watchdog by a question: such boards take anything that they are asked for a sign of life."""
        if self._facts.watchdog:
            self._in_turn("feeding the watchdog", False, self._ask)

    def close(self) -> None:
        pass

    def _in_turn(self, what: str, force: bool, action: Callable[[BoardSession], None]) -> None:
        until = self._clock.now() + self._deadline * _OWN_SHARE

        def body() -> None:
            with (
                self._turn.taken(until, force=force),
                self._opener(self._locate(), what, until, force) as session,
            ):
                _begin(session, force)
                action(session)

        within(body, self._deadline, _of_board(what))

    def _ask(self, session: BoardSession) -> None:
        session.states(self._contacts)

    def _move(self, session: BoardSession, on: bool) -> None:
        done: list[int] = []
        try:
            self._switch(session, on, done)
            self._compare(session, on)
        except (HardwareError, OSError) as problem:
            split = bool(done) and len(done) < len(self._contacts)
            if on and (split or isinstance(problem, ContactsSplit)):
                self._take_back(session)
            if split:
                raise ContactsSplit(
                    f"Of {listed(self._contacts)} only {listed(done)} took the command: {problem}",
                    todo="Release all of them, and check the board.",
                ) from problem
            raise

    def _switch(self, session: BoardSession, on: bool, done: list[int]) -> None:
        """Switch all contacts of the line, and note those done in `done`.

        By one command where the board has one for several. A release goes on with the other contacts when one fails.
        """
        if len(self._contacts) > 1:
            try:
                if session.together(self._contacts, on):
                    done.extend(self._contacts)
                    return
            except HardwareError:
                if on:
                    raise
        problems: list[HardwareError] = []
        for contact in self._contacts:
            try:
                session.switch(contact, on)
                done.append(contact)
            except HardwareError as problem:
                if on:
                    raise
                problems.append(problem)
        if problems:
            raise problems[0]

    def _compare(self, session: BoardSession, on: bool) -> None:
        """Compare what the board's register says with what was commanded, where it can be asked."""
        if self._facts.read_back is ReadBack.NONE:
            return
        states = session.states(self._contacts)
        wrong = [contact for contact in self._contacts if states[contact] is not on]
        if not wrong:
            return
        says = f"The board says that {listed(wrong)} did not take the command to {'energise' if on else 'release'}."
        if len(wrong) < len(self._contacts):
            raise ContactsSplit(says, todo="Release all of them, and check the board.")
        raise CardRefused(says, todo="Check the board and its power.")

    def _take_back(self, session: BoardSession) -> None:
        """Release what was energised of a line that is split: half of it is of no use at either node."""
        with contextlib.suppress(HardwareError, OSError):
            self._switch(session, False, [])


def _of_board(what: str) -> str:
    return f"{what} of the relay board"


def _begin(session: BoardSession, force: bool) -> None:
    try:
        session.begin()
    except HardwareError:
        if not force:  # a board that does not answer may still let go of the line
            raise


def listed(contacts: Iterable[int]) -> str:
    """Return the contacts for people: "contact 1", "contacts 1, 2"."""
    numbers = [str(contact) for contact in contacts]
    return f"contact{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
