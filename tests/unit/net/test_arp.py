from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.net.arp import Arp, parse_arp

MACS = st.binary(min_size=6, max_size=6)
IPS = st.ip_addresses(v=4).map(str)


@given(st.builds(Arp, st.booleans(), MACS, IPS, MACS, IPS))
def test_a_packet_survives(packet: Arp) -> None:
    assert parse_arp(packet.encode()) == packet


@given(st.binary(max_size=80))
def test_rubbish_is_no_packet_or_a_packet(rubbish: bytes) -> None:
    packet = parse_arp(rubbish)
    assert packet is None or isinstance(packet, Arp)


def test_a_probe_on_the_wire() -> None:
    """RFC 5227: broadcast, sender address all zeros, target the address in question."""
    frame = Arp(False, bytes.fromhex("020000000001"), "0.0.0.0", b"\0" * 6, "192.0.2.1").encode()
    assert frame.hex() == (
        "ffffffffffff0200000000010806000108000604000102000000000100000000000000000000c0000201"
    )


def test_other_protocols_are_none() -> None:
    frame = bytearray(Arp(True, b"\2" * 6, "192.0.2.1", b"\3" * 6, "192.0.2.2").encode())
    for place, byte in ((12, 0x86), (15, 2), (16, 0x86), (18, 8), (21, 3)):
        other = bytearray(frame)
        other[place] = byte
        assert parse_arp(bytes(other)) is None
