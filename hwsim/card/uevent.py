"""Uevents as a kernel would send them for a tty or a hidraw node: root may send on the uevent group of a namespace."""

from __future__ import annotations

import os
import socket

_NETLINK_KOBJECT_UEVENT = 15
_KERNEL_GROUP = 1


def send_uevent(action: str, name: str, subsystem: str = "tty") -> None:
    """Send a uevent; `action` is "add" or "remove".

    Needs root in the network namespace of the calling thread.
    """
    devpath = f"/devices/hwsim/{name}"
    words = [
        f"{action}@{devpath}",
        f"ACTION={action}",
        f"DEVPATH={devpath}",
        f"SUBSYSTEM={subsystem}",
        f"DEVNAME={name}",
    ]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_KOBJECT_UEVENT) as sender:
        sender.sendto("\0".join(words).encode() + b"\0", (0, _KERNEL_GROUP))


if __name__ == "__main__":
    send_uevent(
        os.environ.get("ACTION", "add"), os.environ.get("NAME", "ttyUSB0"), os.environ.get("SUBSYSTEM", "tty")
    )
