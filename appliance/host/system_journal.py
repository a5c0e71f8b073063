"""Entries for systemd's journal by its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), with fields.

An entry is one datagram, so no library is needed, and nothing is waited for. Where systemd does not read what this
process prints (SysV init, a shell, systemd before 231, which does not say so) everything here does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Mapping

ADDRESS = "/run/systemd/journal/socket"


class SystemJournal:
    """The journal of systemd at `address`, or none for ""."""

    def __init__(self, address: str = "") -> None:
        self._address = address

    @classmethod
    def of_this_process(cls) -> SystemJournal:
        """Return the journal to which this process's standard error goes, if it goes to one.

        systemd names that stream by device and inode, since a process may have inherited the variable alone.
        """
        try:
            seen = os.fstat(sys.stderr.fileno())
        except (OSError, ValueError, AttributeError):
            return cls()
        mine = os.environ.get("JOURNAL_STREAM") == f"{seen.st_dev}:{seen.st_ino}"
        return cls(ADDRESS if mine else "")

    def send(self, fields: Mapping[str, str]) -> None:
        """Send an entry of `fields`, without ever waiting or raising: one that is not taken is missing there."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outlet:
            outlet.setblocking(False)
            outlet.sendto(datagram(fields), self._address)


def datagram(fields: Mapping[str, str]) -> bytes:
    """Return `fields` as the protocol has them: each value with its length before it, so that it may hold anything."""
    parts = []
    for name, value in fields.items():
        content = value.encode(errors="backslashreplace")
        parts.append(name.encode() + b"\n" + len(content).to_bytes(8, "little") + content + b"\n")
    return b"".join(parts)
