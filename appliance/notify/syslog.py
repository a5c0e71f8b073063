"""Alerts into this machine's syslog (RFC 3164, as the C library writes it).

logging.handlers.SysLogHandler is not used: it reports its failures on standard error instead of to the
caller, and it sends a message without reducing it to one line.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from appliance.core.alerts import one_line
from appliance.notify.notice import Notice
from appliance.notify.transport import Undelivered

_DAEMON = 3
_LENGTH = 900  # of the 1024 bytes that every daemon accepts
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def line(notice: Notice, pid: int) -> bytes:
    """Return the datagram for `notice`."""
    alert = notice.alert
    at = time.localtime(notice.at)
    stamp = f"{_MONTHS[at.tm_mon - 1]} {at.tm_mday:2d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    said = alert.text if alert.text.startswith(alert.subject) else f"{alert.subject}: {alert.text}"
    name = f" ({alert.kind.word})"  # by it docs/alarms.md has what the alert means and what to do
    words = f"{alert.severity.word}: {one_line(said, _LENGTH)}".encode()[: _LENGTH - len(name)]
    return f"<{_DAEMON * 8 + alert.severity.value}>{stamp} asha[{pid}]: ".encode() + words + name.encode()


@dataclass(frozen=True, slots=True)
class Syslog:
    """Way to the syslog daemon that listens at `place`."""

    place: Path = Path("/dev/log")
    name: str = "syslog"
    deadline: float = 5.0

    def send(self, notice: Notice) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(self.deadline)
            try:
                out.connect(str(self.place))
                out.send(line(notice, os.getpid()))
            except OSError as problem:
                raise Undelivered(f"{self.place}: {problem.strerror or problem}") from problem
