"""What the kernel shows of an Asterisk that does not answer: whether it works, and whether its SIP port is read."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.core.reading import Known, Reading, Unknown
from appliance.host.bounded import TooMuch, read_file
from appliance.host.text_files import text_of

_PROC = Path("/proc")
# proc(5): it runs or waits for a processor, waits for a disk, or is held by a debugger, which lets it go again.
_WORKING = frozenset(b"RDt")
_STAT = 4096


def works(pid: int, now: float, proc: Path = _PROC) -> Reading[bool]:
    """Return whether a thread of the process `pid` runs, waits for a processor or a disk, or is held by a debugger.

    An Asterisk that gets too little of the machine has such a thread whenever it is looked at; one that is stopped, or
    whose threads wait for each other, has none, but for a housekeeper now and then.
    """
    try:
        threads = os.listdir(proc / str(pid) / "task")  # noqa: PTH208 - hundreds of them, and twice as quick
    except OSError as problem:
        return Unknown(f"its threads cannot be seen: {problem.strerror}", now)
    return Known(
        any(_state(proc / str(pid) / "task" / thread / "stat") in _WORKING for thread in threads), now
    )


def _state(place: Path) -> int:
    """Return the letter of a thread's state, as a byte; 0 when it has ended meanwhile."""
    try:
        fields = read_file(place, _STAT).rpartition(b") ")[2]
    except (OSError, TooMuch):
        return 0
    return fields[0] if fields else 0


def sip_unread(port: int, now: float, proc: Path = _PROC) -> Reading[bool]:
    """Return whether something lies unread at the UDP port `port` of this machine. Unknown when nobody listens there.

    What is asked of an Asterisk that hangs lies there. Where nothing does, either it never arrived, or it was read.
    Source: proc(5), /proc/net/udp.
    """
    try:
        tables = text_of(proc / "net/udp") + text_of(proc / "net/udp6")
    except (OSError, TooMuch) as problem:
        return Unknown(f"the UDP ports of this machine cannot be seen: {problem}", now)
    queues = [
        fields[4].rpartition(":")[2]
        for fields in map(str.split, tables.splitlines())
        if len(fields) > 4 and fields[1].endswith(f":{port:04X}")
    ]
    if not queues:
        return Unknown(f"nothing listens on SIP port {port}", now)
    return Known(any(int(queue, 16) for queue in queues), now)
