"""The relay card as a pure model: coils, armatures, power and faults on a scheduler."""

from __future__ import annotations

import enum
from collections.abc import Callable

from hwsim.card.codec import ERROR, OK, Lines, Order, Verb, understand
from hwsim.simtime import Scheduler, Timer

ARMATURE_DELAY = 0.010  # seconds; *assumed*, small signal relays take 5 to 20 ms
SLOW_DELAY = 1.5  # seconds that a slow card takes before it acts and answers


class Position(enum.Enum):
    """The position of an armature, and with it of the line."""

    NO = "NO"  # normally open, reached when energised: the primary
    NC = "NC"  # normally closed, the position without power: the secondary


class Fault(enum.Enum):
    """A fault of a card; a card can have several at once."""

    SILENT = "silent"  # acts, and answers nothing
    GARBAGE = "garbage"  # acts, and answers noise
    HALF_REPLY = "half reply"  # acts, and answers half of what it should
    SLOW = "slow"  # acts and answers after SLOW_DELAY
    STUCK = "stuck"  # answers, but the armature stays where it is, even without power
    DEAF = "deaf"  # neither acts nor answers
    DIES = "dies"  # loses power on the first byte of a command


class RelayCard:
    """A card that takes bytes by `hear` and reports by `on_say`, `on_move` and `on_power`.

    Callbacks: `on_move(at, relay, position)` with seconds on the scheduler; `on_say(bytes)`;
    `on_power(powered)`. The card starts without power.
    """

    def __init__(self, time: Scheduler, relays: int = 1, armature_delay: float = ARMATURE_DELAY) -> None:
        self.faults: set[Fault] = set()
        self.heard: list[bytes] = []  # whole lines, understood or not
        self.on_move: list[Callable[[float, int, Position], None]] = []
        self.on_say: list[Callable[[bytes], None]] = []
        self.on_power: list[Callable[[bool], None]] = []
        self._time = time
        self._armature_delay = armature_delay
        self._powered = False
        self._lines = Lines()
        self._positions = [Position.NC] * relays
        self._moving: dict[int, Timer] = {}
        self._pending: list[Timer] = []

    @property
    def powered(self) -> bool:
        """True when the USB port gives power."""
        return self._powered

    def position(self, relay: int = 0) -> Position:
        """Return the position of that relay's armature now."""
        return self._positions[relay]

    def power_on(self) -> None:
        """Give power, by plugging in or by the primary's start: all relays start released."""
        if not self._powered:
            self._powered = True
            self._tell_power()

    def power_off(self) -> None:
        """Take the power, by unplugging or with the primary's: the coils release by themselves."""
        if not self._powered:
            return
        self._powered = False
        self._lines.clear()
        for timer in self._pending:
            timer.cancel()
        self._pending.clear()
        self._release_all()
        self._tell_power()

    def hear(self, data: bytes) -> None:
        """Take bytes from the host; they are ignored without power."""
        if not self._powered or Fault.DEAF in self.faults:
            return
        if Fault.DIES in self.faults:
            self.power_off()
            return
        for line in self._split(data):
            self.heard.append(line)
            self._take(line)

    def _split(self, data: bytes) -> list[bytes]:
        return self._lines.feed(data)

    def _take(self, line: bytes) -> None:
        if Fault.SLOW in self.faults:
            self._pending.append(self._time.call_later(SLOW_DELAY, lambda: self._obey(line)))
        else:
            self._obey(line)

    def _obey(self, line: bytes) -> None:
        order = understand(line)
        done = order is not None and self._carry_out(order)
        self._answer(OK if done else ERROR)

    def _carry_out(self, order: Order) -> bool:
        if order.relay is None:
            self._release_all()
            return True
        if order.relay >= len(self._positions):
            return False
        self._drive(order.relay, Position.NO if order.verb is Verb.RELAYON else Position.NC)
        return True

    def _release_all(self) -> None:
        for relay in range(len(self._positions)):
            self._drive(relay, Position.NC)

    def _drive(self, relay: int, position: Position) -> None:
        if relay in self._moving:
            self._moving.pop(relay).cancel()
        if Fault.STUCK in self.faults or self._positions[relay] is position:
            return
        self._moving[relay] = self._time.call_later(
            self._armature_delay, lambda: self._arrive(relay, position)
        )

    def _arrive(self, relay: int, position: Position) -> None:
        del self._moving[relay]
        self._positions[relay] = position
        for tell in self.on_move:
            tell(self._time.now(), relay, position)

    def _answer(self, reply: bytes) -> None:
        if Fault.SILENT in self.faults:
            return
        if Fault.GARBAGE in self.faults:
            reply = b"\xfe\x00~\x7f#\xa5\r\n"
        elif Fault.HALF_REPLY in self.faults:
            reply = reply[: len(reply) // 2]
        for tell in self.on_say:
            tell(reply)

    def _tell_power(self) -> None:
        for tell in self.on_power:
            tell(self._powered)
