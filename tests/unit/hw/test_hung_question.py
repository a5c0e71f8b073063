"""A board that hangs in the kernel is not asked again and again: its threads would pile up for as long as it hangs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from appliance.config import Conf
from appliance.core.reading import Unknown, is_known
from appliance.core.relay_facts import Contacts
from appliance.host.clock import SystemClock
from appliance.hw.board import Board, BoardSession
from appliance.hw.card_lock import CardLock


class Hanging:
    """A board that returns only when it is let go."""

    def __init__(self) -> None:
        self.opened = 0
        self.let_go = threading.Event()

    @contextlib.contextmanager
    def open(self, place: Path, what: str, until: float, force: bool) -> Iterator[BoardSession]:
        self.opened += 1
        assert self.let_go.wait(10)
        yield cast(BoardSession, self)

    def begin(self) -> None:
        pass

    def states(self, contacts: tuple[int, ...]) -> dict[int, bool]:
        return dict.fromkeys(contacts, True)


def test_a_question_is_not_asked_while_an_earlier_one_hangs(tmp_path: Path) -> None:
    clock, hanging = SystemClock(), Hanging()
    conf = Conf(relay_driver="dcttech", relay_device="/dev/hidraw0", card_deadline=0.05)
    board = Board(conf, clock, lambda: tmp_path, CardLock(tmp_path / "lock", clock), hanging.open)
    try:
        said = board.position()
        assert isinstance(said, Unknown) and "was still not done" in said.reason
        for _ in range(5):
            said = board.position()
            assert isinstance(said, Unknown) and "has not returned" in said.reason
        assert hanging.opened == 1
    finally:
        hanging.let_go.set()
    while isinstance(said := board.position(), Unknown):
        assert "has not returned" in said.reason or "still not done" in said.reason
    assert is_known(said, Contacts.ENERGISED)
