"""The lab's relay without the machines: whose frames reach whom, and what it does with parts of frames."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwsim.dahdi_lab.relay import EXCHANGE, NODES, LineRelay

QUIET = 0.2  # seconds after which nothing more comes


class Ends:
    """What QEMU's network cards would be."""

    def __init__(self, folder: Path) -> None:
        self.relay = LineRelay(folder)
        self._sockets = {}
        for name in (EXCHANGE, *NODES):
            self._sockets[name] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._sockets[name].connect(str(self.relay.paths[name]))
            self._sockets[name].settimeout(QUIET)

    def send(self, name: str, data: bytes) -> None:
        self._sockets[name].sendall(data)

    def received(self, name: str) -> bytes:
        try:
            return self._sockets[name].recv(1 << 16)
        except TimeoutError:
            return b""

    def close(self) -> None:
        for one in self._sockets.values():
            one.close()
        self.relay.close()


def frame(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    made = Ends(tmp_path)
    for node in NODES:  # until the relay has accepted both nodes, frames for them are lost
        made.relay.connect(node)
        made.send(EXCHANGE, frame(b"hello"))
        while not made.received(node):
            made.send(EXCHANGE, frame(b"hello"))
        while made.received(node):
            pass
    yield made
    made.close()


@pytest.mark.parametrize(("node", "other"), [NODES, NODES[::-1]])
def test_frames_go_between_the_exchange_and_the_node_that_has_the_line(
    ends: Ends, node: str, other: str
) -> None:
    ends.relay.connect(node)
    ends.send(EXCHANGE, frame(b"to you"))
    assert ends.received(node) == frame(b"to you")
    ends.send(other, frame(b"lost"))
    ends.send(node, frame(b"to the exchange"))
    assert ends.received(EXCHANGE) == frame(b"to the exchange")
    assert ends.received(other) == b""


def test_while_the_line_leads_nowhere_nobody_hears_anything(ends: Ends) -> None:
    ends.relay.connect(None)
    for name in (EXCHANGE, *NODES):
        ends.send(name, frame(b"lost"))
    assert [ends.received(name) for name in (EXCHANGE, *NODES)] == [b"", b"", b""]


def test_half_a_frame_waits_for_its_rest_so_that_a_move_never_cuts_one(ends: Ends) -> None:
    ends.relay.connect("primary")
    whole = frame(b"in two parts")
    ends.send(EXCHANGE, frame(b"first") + whole[:9])
    assert ends.received("primary") == frame(b"first")
    ends.relay.connect("secondary")
    ends.send(EXCHANGE, whole[9:])
    assert ends.received("secondary") == whole
    assert ends.received("primary") == b""
