from __future__ import annotations

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from appliance.net.rtnetlink import (
    RTM_DELADDR,
    RTM_NEWADDR,
    Address,
    Reply,
    delete_request,
    dump_request,
    parse,
)

ADDRESSES = st.builds(
    Address,
    index=st.integers(1, 2**31),
    ip=st.ip_addresses(v=4).map(str),
    prefix=st.integers(0, 32),
    label=st.text("abcdefgh0123:", min_size=1, max_size=15),
)


ADDRESSES6 = st.builds(
    Address,
    index=st.integers(1, 2**31),
    ip=st.ip_addresses(v=6, network="2000::/3").map(str),
    prefix=st.integers(0, 128),
    usable=st.booleans(),
)


def datagram6(address: Address, flag: int) -> bytes:
    """As the kernel says it: the address alone; `flag` where it does not use it."""
    flags = 0x80 if address.usable else 0x80 | flag
    body = struct.pack("=BBBBI", socket.AF_INET6, address.prefix, flags, 0, address.index)
    body += struct.pack("=HH", 20, 1) + socket.inet_pton(socket.AF_INET6, address.ip)
    return struct.pack("=IHHII", 16 + len(body), RTM_NEWADDR, 2, 1, 0) + body


@given(ADDRESSES6, st.sampled_from([0x08, 0x40]))
def test_one_of_ipv6_is_read_and_whether_the_kernel_uses_it(address: Address, flag: int) -> None:
    assert list(parse(datagram6(address, flag))) == [Reply(RTM_NEWADDR, address)]


def datagram(address: Address, kind: int = RTM_NEWADDR) -> bytes:
    """As the kernel says it: local address, label with its NUL, each padded to four bytes."""
    label = address.label.encode() + b"\0"
    body = struct.pack("=BBBBI", socket.AF_INET, address.prefix, 0x80, 0, address.index)
    body += struct.pack("=HH", 8, 2) + socket.inet_aton(address.ip)
    body += struct.pack("=HH", 4 + len(label), 3) + label + b"\0" * (-len(label) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


@given(st.lists(ADDRESSES, max_size=4))
def test_what_the_kernel_lists_is_read(addresses: list[Address]) -> None:
    done = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
    replies = list(parse(b"".join(map(datagram, addresses)) + done))
    assert replies == [*(Reply(RTM_NEWADDR, address) for address in addresses), Reply(3, last=True)]


@given(ADDRESSES | ADDRESSES6)
def test_a_deletion_names_the_very_address(address: Address) -> None:
    (reply,) = parse(delete_request(address))
    assert reply.kind == RTM_DELADDR
    assert reply.address == Address(address.index, address.ip, address.prefix, "")


@given(st.binary(max_size=120))
def test_rubbish_is_left_out(rubbish: bytes) -> None:
    assert all(isinstance(reply, Reply) for reply in parse(rubbish))


@given(ADDRESSES, st.data())
def test_a_message_cut_short_is_left_out(address: Address, data: st.DataObject) -> None:
    whole = datagram(address)
    assert list(parse(whole[: data.draw(st.integers(0, len(whole) - 1))])) == []


def test_refusal_and_dump() -> None:
    (reply,) = parse(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -1))
    assert (reply.last, reply.error) == (True, 1)
    assert len(dump_request()) == 24
