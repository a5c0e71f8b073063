"""UDP datagrams in Ethernet frames as bytes."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from appliance.net.datagrams import Datagram, parse_datagram

PORT = 694
MAC, BROADCAST = bytes.fromhex("020000000002"), b"\xff" * 6
UDP = struct.pack("!HHHH", 40000, PORT, 8 + 5, 0) + b"words"


def frame4(target: bytes = MAC, *, protocol: int = 17, fragment: int = 0, options: int = 0) -> bytes:
    head = bytes([0x45 + options, 0]) + struct.pack("!HHH", 20 + 4 * options + len(UDP), 1, fragment)
    addresses = bytes([10, 0, 0, 9, 10, 0, 0, 1]) + b"\0" * 4 * options
    return target + MAC + b"\x08\x00" + head + bytes([64, protocol, 0, 0]) + addresses + UDP


def frame6(following: int = 17) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(UDP), following, 64)
    return MAC + MAC + b"\x86\xdd" + head + bytes.fromhex("fd" + "00" * 14 + "09") + b"\0" * 16 + UDP


def test_both_families_are_read() -> None:
    assert parse_datagram(frame4(), PORT) == Datagram("02:00:00:00:00:02", "10.0.0.9", False, b"words")
    assert parse_datagram(frame4(BROADCAST, options=2), PORT) == Datagram(
        "02:00:00:00:00:02", "10.0.0.9", True, b"words"
    )
    assert parse_datagram(frame6(), PORT) == Datagram("02:00:00:00:00:02", "fd00::9", False, b"words")


def test_what_is_no_datagram_to_the_port_is_none() -> None:
    others = [frame4(protocol=6), frame4(fragment=3), frame6(following=6), b"", MAC + MAC + b"\x08\x06"]
    assert [parse_datagram(frame, PORT) for frame in others] == [None] * len(others)
    assert parse_datagram(frame4(), 695) is None


@given(st.binary(max_size=80))
def test_any_frame_is_read_or_refused(frame: bytes) -> None:
    for kind in (b"\x08\x00", b"\x86\xdd"):
        found = parse_datagram(MAC + MAC + kind + frame, PORT)
        assert found is None or len(found.payload) <= len(frame)
