"""A workbench with a simulated HID board behind hidraw's ioctls, and the product's conf that points at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from card_bench import CardBench

from appliance.config import Conf
from appliance.core.model import Relay
from appliance.core.relay_facts import Contacts
from hwsim.card.card import Position
from hwsim.card.fuse_file import FuseFile
from hwsim.card.hid_board import HidBoard
from hwsim.card.hidraw import FIRST, HidCable
from hwsim.simtime import LoopTime


class HidBench(CardBench):
    """A board of four relays, of which `contacts` carry the line."""

    board: HidBoard
    file: FuseFile

    def __init__(self, root: Path, contacts: tuple[int, ...] = (1, 2)) -> None:
        self.contacts = contacts
        self.moves: list[tuple[int, Position]] = []
        super().__init__(root)

    def conf(self, **fields: Any) -> Conf:
        given = {
            "relay_driver": "dcttech",
            "relay_device": str(self.root / "dev" / FIRST),
            "relay_contacts": self.contacts,
            "card_deadline": 6.0,
        }
        return super().conf(**{**given, **fields})

    def plug(self, name: str = FIRST) -> None:
        super().plug(name)

    def armature(self, contact: int) -> Position:
        return self.do(lambda: self.board.position(contact - 1))

    def line(self) -> Relay | Contacts:
        """Where the contacts of the line are, seen from outside."""
        seen = {self.armature(contact) for contact in self.contacts}
        if len(seen) > 1:
            return Contacts.SPLIT
        return Relay.ENERGISED if seen == {Position.NO} else Relay.RELEASED

    def close(self) -> None:
        self.unplug()
        self.do(self.file.close)
        super().close()

    def _build(self) -> tuple[HidBoard, HidCable]:  # type: ignore[override]
        self.board = HidBoard(LoopTime())
        self.board.on_move.append(lambda at, relay, position: self.moves.append((relay, position)))
        self.file = FuseFile(self.root / "board", self.board.ioctl)
        return self.board, HidCable(self.board, self.file.path, self.root / "dev", self.root / "sys")
