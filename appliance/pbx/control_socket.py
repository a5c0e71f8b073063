"""Asterisk's control socket: where it is, and which process listens there.

The kernel keeps the process that listens on a socket, so that an Asterisk is found by it whatever its pid file says,
whoever has started it, and be it hung. Source: unix(7), SO_PEERCRED; asterisk.conf(5), astrundir and astctl.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.pbx.start_way import DIRECTORIES, asterisk_conf

_NAME = "asterisk.ctl"
_CREDENTIALS = struct.Struct("iii")  # pid, uid, gid


def control_sockets(conf: Conf) -> tuple[Path, ...]:
    """Return where Asterisk's control socket may be, the likeliest first: by asterisk.conf, and beside its pid file."""
    said: dict[str, str] = {}
    with contextlib.suppress(OSError, HostError):  # asterisk.conf cannot be read: what holds without it
        said = asterisk_conf(conf)
    run = Path(said.get("astrundir") or DIRECTORIES["astrundir"])
    named = run / (said.get("astctl") or _NAME)
    return tuple(dict.fromkeys((named, conf.pbx_pidfile.parent / _NAME)))


def control_socket(conf: Conf) -> Path | None:
    """Return the first control socket that is there; None without one."""
    return next((place for place in control_sockets(conf) if place.is_socket()), None)


def listener(conf: Conf) -> int | None:
    """Return the pid of the process that listens on Asterisk's control socket; None when nobody is known to.

    Nothing is said to it, and nothing is waited for.
    """
    return next((pid for place in control_sockets(conf) if (pid := _listens(place)) is not None), None)


def _listens(place: Path) -> int | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            connection.connect(str(place))
            told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return None  # there is none, it is a dead one's, or a hung one's on which others wait already
    pid = int(_CREDENTIALS.unpack(told)[0])
    return pid if pid > 1 else None  # 0: in another process space; 1: a socket that init holds for somebody
