"""Messages of neighbour discovery as bytes."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.net.ndp import Heard, advertisement, parse_neighbour, solicitation

MACS = st.binary(min_size=6, max_size=6)
IPS = st.ip_addresses(v=6, network="2000::/3").map(str)
MAC, OTHER = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def checksum_fits(frame: bytes) -> bool:
    """RFC 1071: with the checksum in its place, the sum over pseudo-header and message is all ones."""
    length = struct.unpack_from("!H", frame, 18)[0]
    summed = frame[22:54] + struct.pack("!II", length, 58) + frame[54 : 54 + length]
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return total == 0xFFFF


@given(MACS, IPS)
def test_an_advertisement_survives(mac: bytes, ip: str) -> None:
    frame = advertisement(mac, ip)
    assert parse_neighbour(frame) == Heard(True, mac, ip)
    assert checksum_fits(frame)


@given(MACS, IPS, IPS, st.just(b"") | MACS)
def test_a_question_survives(mac: bytes, own: str, ip: str, to: bytes) -> None:
    frame = solicitation(mac, own, ip, to)
    assert parse_neighbour(frame) == Heard(False, mac, own)
    assert checksum_fits(frame)


def test_a_probe_on_the_wire() -> None:
    """RFC 4862, 5.4.2: from nobody, without an option, to the group of those that may have the address."""
    frame = solicitation(MAC, "", "2001:db8::1:2345")
    assert frame[:14].hex() == "3333ff01234502000000000186dd"
    assert socket.inet_ntop(socket.AF_INET6, frame[22:38]) == "::"
    assert socket.inet_ntop(socket.AF_INET6, frame[38:54]) == "ff02::1:ff01:2345"
    assert (frame[21], frame[54], len(frame)) == (255, 135, 78)
    assert parse_neighbour(frame) == Heard(False, MAC, "::")


def test_an_advertisement_on_the_wire() -> None:
    """RFC 4861, 7.2.6: to all nodes, overriding what they knew."""
    frame = advertisement(MAC, "2001:db8::5")
    assert frame[:14].hex() == "33330000000102000000000186dd"
    assert frame[54:56].hex() == "8800" and frame[58:62].hex() == "20000000"


def test_one_without_an_option_speaks_for_its_sender() -> None:
    whole = advertisement(MAC, "2001:db8::5")
    bare = whole[:6] + OTHER + whole[12:78]
    assert parse_neighbour(bare) == Heard(True, OTHER, "2001:db8::5")


@pytest.mark.parametrize(("place", "byte"), [(12, 0x08), (20, 6), (21, 254), (54, 134), (55, 1)])
def test_other_messages_and_those_through_a_router_are_none(place: int, byte: int) -> None:
    frame = bytearray(advertisement(MAC, "2001:db8::5"))
    frame[place] = byte
    assert parse_neighbour(bytes(frame)) is None


@given(st.binary(max_size=120))
def test_rubbish_is_no_message_or_a_message(rubbish: bytes) -> None:
    assert isinstance(parse_neighbour(rubbish), Heard | None)


@given(st.binary(max_size=60))
def test_rubbish_behind_the_head_never_breaks_it(rubbish: bytes) -> None:
    assert isinstance(parse_neighbour(advertisement(MAC, "2001:db8::5")[:78] + rubbish), Heard)
