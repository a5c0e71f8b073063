from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.card.card import ARMATURE_DELAY, SLOW_DELAY, Fault, Position, RelayCard
from hwsim.card.codec import Lines, Order, Verb, understand
from hwsim.simtime import VirtualTime


class Sim:
    def __init__(self, relays: int = 1) -> None:
        self.time = VirtualTime()
        self.card = RelayCard(self.time, relays)
        self.moves: list[tuple[float, int, Position]] = []
        self.said = b""
        self.card.on_move.append(lambda *move: self.moves.append(move))
        self.card.on_say.append(self._hear)
        self.card.power_on()

    def _hear(self, data: bytes) -> None:
        self.said += data


def test_the_armature_takes_its_time() -> None:
    sim = Sim()
    sim.time.advance(1.0)
    sim.card.hear(b"RELAYON 0\r\n")
    assert (sim.said, sim.moves, sim.card.position()) == (b"OK\r\n", [], Position.NC)
    sim.time.advance(ARMATURE_DELAY)
    assert sim.moves == [(1.0 + ARMATURE_DELAY, 0, Position.NO)]
    assert sim.card.position() is Position.NO


def test_turned_back_in_flight_it_never_arrives() -> None:
    sim = Sim()
    sim.card.hear(b"RELAYON 0\nRELAYOFF 0\n")
    sim.time.advance(1)
    assert sim.moves == []


@pytest.mark.parametrize("release", [b"RESET\r\n", b"RELAYOFF 0\r\n"])
def test_release_moves_once(release: bytes) -> None:
    sim = Sim()
    sim.card.hear(b"RELAYON 0\r\n")
    sim.time.advance(1)
    sim.card.hear(release * 2)
    sim.time.advance(1)
    assert [move[2] for move in sim.moves] == [Position.NO, Position.NC]


def test_without_power_every_relay_falls_and_bytes_are_lost() -> None:
    sim = Sim(relays=2)
    sim.card.hear(b"RELAYON 0\r\nRELAYON 1\r\nRELAY")
    sim.time.advance(1)
    sim.card.power_off()
    sim.time.advance(1)
    sim.card.hear(b"RELAYON 0\r\n")
    sim.card.power_on()
    sim.card.hear(b"ON 0\r\n")
    sim.time.advance(1)
    assert (sim.card.position(0), sim.card.position(1)) == (Position.NC, Position.NC)
    assert sim.said.endswith(b"ERR\r\n")


def test_relay_numbers_are_its_own() -> None:
    sim = Sim(relays=2)
    sim.card.hear(b"RELAYON 1\r\nRELAYON 2\r\n")
    sim.time.advance(1)
    assert (sim.card.position(0), sim.card.position(1)) == (Position.NC, Position.NO)
    assert sim.said == b"OK\r\nERR\r\n"


@pytest.mark.parametrize(
    ("fault", "said", "position"),
    [
        (Fault.SILENT, b"", Position.NO),
        (Fault.HALF_REPLY, b"OK", Position.NO),
        (Fault.STUCK, b"OK\r\n", Position.NC),
        (Fault.DEAF, b"", Position.NC),
        (Fault.SLOW, b"", Position.NC),
        (Fault.DIES, b"", Position.NC),
    ],
)
def test_faults(fault: Fault, said: bytes, position: Position) -> None:
    sim = Sim()
    sim.card.faults.add(fault)
    sim.card.hear(b"RELAYON 0\r\n")
    sim.time.advance(SLOW_DELAY - 0.1)
    assert (sim.said, sim.card.position(), sim.card.powered) == (said, position, fault is not Fault.DIES)


def test_slow_gets_there() -> None:
    sim = Sim()
    sim.card.faults.add(Fault.SLOW)
    sim.card.hear(b"RELAYON 0\r\n")
    sim.time.advance(SLOW_DELAY + ARMATURE_DELAY)
    assert (sim.said, sim.card.position()) == (b"OK\r\n", Position.NO)


def test_a_welded_contact_stays_even_without_power() -> None:
    sim = Sim()
    sim.card.hear(b"RELAYON 0\r\n")
    sim.time.advance(1)
    sim.card.faults.add(Fault.STUCK)
    sim.card.power_off()
    sim.time.advance(1)
    assert sim.card.position() is Position.NO


@given(st.lists(st.binary(max_size=12)))
def test_any_bytes_in_any_pieces_are_survived_and_cut_alike(pieces: list[bytes]) -> None:
    whole, lines = Lines(), Lines()
    apart = [line for piece in pieces for line in lines.feed(piece)]
    assert [line[-64:] for line in whole.feed(b"".join(pieces))] == [line[-64:] for line in apart]
    for line in apart:
        understand(line)


def test_what_is_understood() -> None:
    assert understand(b"RESET") == Order(Verb.RESET)
    assert understand(b"RELAYOFF 12") == Order(Verb.RELAYOFF, 12)
    assert [understand(line) for line in (b"RESET 0", b"RELAYON", b"relayon 0", b"RELAYON 0x", b"")] == [
        None
    ] * 5
