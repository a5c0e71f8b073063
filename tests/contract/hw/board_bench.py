"""A workbench with a simulated board on a serial port, and the product's conf that points at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from card_bench import CardBench

from appliance.config import Conf
from appliance.core.model import Relay
from appliance.core.relay_facts import RELAYS, Contacts
from hwsim.card.boards import ADAPTER, FEWER, SerialBoard, new_board
from hwsim.card.card import Position
from hwsim.card.tty import CardTty
from hwsim.simtime import LoopTime


class BoardBench(CardBench):
    """A board that speaks `speech`, with all contacts that a line needs of those that it has."""

    board: SerialBoard

    def __init__(self, root: Path, speech: str) -> None:
        self.speech = speech
        facts = RELAYS[speech]
        self.first = facts.first
        self.contacts = tuple(range(facts.first, facts.first + min(4, FEWER.get(speech, 8))))
        self.moves: list[tuple[int, Position]] = []
        super().__init__(root)

    def conf(self, **fields: Any) -> Conf:
        given = {
            "relay_driver": self.speech,
            "relay_device": str(self.root / "dev/ttyUSB0"),
            "relay_contacts": self.contacts,
            "card_deadline": 6.0,
        }
        return super().conf(**{**given, **fields})

    def armature(self, contact: int) -> Position:
        return self.do(lambda: self.board.position(contact - self.first))

    def line(self) -> Relay | Contacts:
        """Where the contacts of the line are, seen from outside."""
        seen = {self.armature(contact) for contact in self.contacts}
        if len(seen) > 1:
            return Contacts.SPLIT
        return Relay.ENERGISED if seen == {Position.NO} else Relay.RELEASED

    def _build(self) -> tuple[SerialBoard, CardTty]:
        self.board = new_board(LoopTime(), self.speech)
        self.board.on_move.append(lambda at, relay, position: self.moves.append((relay, position)))
        return self.board, CardTty(self.board, self.root / "dev", self.root / "sys", ADAPTER)
