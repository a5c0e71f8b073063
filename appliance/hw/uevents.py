"""The kernel's own device events, for hosts where no udevd passes them on."""

from __future__ import annotations

import socket
import struct

from appliance.core.errors import HostError

_KERNEL_GROUP = 1  # udevd repeats the events in group 2, in a format of its own
_NETLINK_KOBJECT_UEVENT = 15  # linux/netlink.h; the socket module does not name it
_CREDENTIALS = struct.Struct("=iII")  # struct ucred: pid, uid, gid
_EVENT_SIZE = 16 * 1024


class KernelEvents:
    """A DeviceWatch on the uevent netlink socket; any process may send there, but only root is believed."""

    def __init__(self) -> None:
        """Open the socket. Raises HostError when the kernel has no such socket."""
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_KOBJECT_UEVENT)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind((0, _KERNEL_GROUP))
        except OSError as problem:
            raise HostError(f"The kernel's device events cannot be heard: {problem.strerror}.") from problem
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> bool:
        heard = False
        while True:
            try:
                heard |= self._hear()
            except BlockingIOError:
                return heard
            except OSError:  # ENOBUFS: events were lost, so something certainly changed
                heard = True

    def close(self) -> None:
        self._socket.close()

    def _hear(self) -> bool:
        message, ancillary, _, (_, groups) = self._socket.recvmsg(
            _EVENT_SIZE, socket.CMSG_SPACE(_CREDENTIALS.size)
        )
        return groups != 0 and _sent_by_root(ancillary) and about_relay(message)


def about_relay(message: bytes) -> bool:
    """Return True when a uevent, `ACTION@DEVPATH` and NUL-separated `KEY=value`, concerns a tty or a hidraw node."""
    return not {b"SUBSYSTEM=tty", b"SUBSYSTEM=hidraw"}.isdisjoint(message.split(b"\0"))


def _sent_by_root(ancillary: list[tuple[int, int, bytes]]) -> bool:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            _, uid, _ = _CREDENTIALS.unpack(data)
            return bool(uid == 0)
    return False
