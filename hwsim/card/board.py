"""A relay board, simulated: its registers, coils and contacts, however it is spoken to."""

from __future__ import annotations

import enum

from hwsim.card.card import Position, RelayCard
from hwsim.simtime import Scheduler


class BoardFault(enum.Enum):
    """A fault that a board can have besides those of a card."""

    SPLIT = "split"  # takes commands for its first contact only
    NO_COIL_POWER = "no coil power"  # its register follows, and no armature moves


class Board(RelayCard):
    """A board of `relays` relays, counted from 0 in here."""

    def __init__(self, time: Scheduler, relays: int = 8) -> None:
        super().__init__(time, relays)
        self.board_faults: set[BoardFault] = set()
        self.registers = [False] * relays

    def power_off(self) -> None:
        self.registers = [False] * len(self.registers)
        super().power_off()

    def forget(self) -> None:
        """Come back as after a reset: everything off."""
        for place in range(len(self.registers)):
            self.set(place, on=False)

    def set(self, place: int, *, on: bool) -> bool:
        """Switch one relay; return False when there is none of that number."""
        if not 0 <= place < len(self.registers):
            return False
        if BoardFault.SPLIT in self.board_faults and place:
            return True
        self.registers[place] = on
        if BoardFault.NO_COIL_POWER not in self.board_faults:
            self._drive(place, Position.NO if on else Position.NC)
        return True

    def set_all(self, mask: int) -> None:
        """Switch every relay as its bit in `mask` says."""
        for place in range(len(self.registers)):
            self.set(place, on=bool(mask >> place & 1))

    @property
    def mask(self) -> int:
        """The registers, the first relay in the lowest bit."""
        return sum(1 << place for place, on in enumerate(self.registers) if on)
