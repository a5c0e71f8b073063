"""UDP that is overheard on a real kernel, beside the program that it is for."""

from __future__ import annotations

import contextlib
import select
import socket

import pytest
from machine import MAC, Machine

from appliance.core.errors import HostError
from appliance.net.datagrams import Datagram, DatagramLink

PORT, PATIENCE = 694, 5.0


def bound(family: socket.AddressFamily, ip: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    made.bind((ip, port))
    return made


def heard(link: DatagramLink, number: int) -> list[Datagram]:
    """Return the first `number` datagrams that are overheard."""
    found: list[Datagram] = []
    while len(found) < number:
        assert select.select([link], [], [], PATIENCE)[0], f"{len(found)} of {number} have come: {found}"
        found += link.heard()
    return found


def test_what_comes_to_the_port_is_overheard_and_still_delivered(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    for machine, own in zip(machines, ("2001:db8::1", "2001:db8::2"), strict=True):
        machine.ip(f"-6 addr add {own}/64 dev eth0 nodad")
    with (
        contextlib.closing(a.do(DatagramLink, "eth0", PORT)) as link,
        a.do(bound, socket.AF_INET, "0.0.0.0", PORT) as served,
        b.do(bound, socket.AF_INET, "192.0.2.2", 0) as four,
        b.do(bound, socket.AF_INET6, "2001:db8::2", 0) as six,
    ):
        four.sendto(b"another port", ("192.0.2.1", PORT + 1))
        four.sendto(b"to one", ("192.0.2.1", PORT))
        four.sendto(b"to all", ("192.0.2.255", PORT))
        six.sendto(b"by six", ("2001:db8::1", PORT))
        assert heard(link, 3) == [
            Datagram(MAC["b"], "192.0.2.2", False, b"to one"),
            Datagram(MAC["b"], "192.0.2.2", True, b"to all"),
            Datagram(MAC["b"], "2001:db8::2", False, b"by six"),
        ]
        served.settimeout(PATIENCE)
        assert served.recv(100) == b"to one"


def test_an_interface_that_is_not_there(machines: tuple[Machine, Machine]) -> None:
    with pytest.raises(HostError, match="overhearing UDP on eth9"):
        machines[0].do(DatagramLink, "eth9", PORT)
