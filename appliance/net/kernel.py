"""Questions to the kernel over rtnetlink, one at a time, and what an interface is called there."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

from appliance.net import rtnetlink

BUFFER = 64 * 1024
"""Bytes at most of one datagram of the kernel's."""

_SIOCGIFHWADDR = 0x8927  # <linux/sockios.h>
# seconds; the kernel answers within the call, so this is for a kernel that does not answer
_ANSWER_LIMIT = 1.0


def open_netlink() -> socket.socket:
    """Return a socket to the kernel's rtnetlink. Raises OSError."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)


def ask(request: bytes) -> list[bytes]:
    """Send one request, and return the datagrams of its whole answer. Raises OSError."""
    heard: list[bytes] = []
    with open_netlink() as connection:
        connection.settimeout(_ANSWER_LIMIT)
        connection.bind((0, 0))
        connection.send(request)
        while not heard or not any(reply.last for reply in rtnetlink.parse(heard[-1])):
            heard.append(connection.recv(BUFFER))
    return heard


def change(request: bytes, *, harmless: int) -> None:
    """Have the kernel change something; the errno `harmless` says that it is so already. Raises OSError."""
    for data in ask(request):
        for reply in rtnetlink.parse(data):
            if reply.error and reply.error != harmless:
                raise OSError(reply.error, rtnetlink.explain(reply.error))


def interface_index(device: str) -> int:
    """Return the number of an interface. Raises OSError (ENODEV) when there is none."""
    try:
        return socket.if_nametoindex(device)
    except OSError:
        raise OSError(errno.ENODEV, f"there is no network interface {device}") from None


def hardware_address(asking: socket.socket, device: str) -> str:
    """Return the hardware address of an interface, with colons, asked through any socket. Raises OSError."""
    answer = fcntl.ioctl(asking, _SIOCGIFHWADDR, struct.pack("16s16x", device.encode()))
    return answer[18:24].hex(":")


def in_words(problem: OSError) -> str:
    """Return what the kernel refused, in words."""
    if isinstance(problem, TimeoutError):
        return "the kernel did not answer"
    return problem.strerror or os.strerror(problem.errno or errno.EIO)
