"""Network namespaces: sockets inside another namespace, and the `ip` program in batches."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hwsim.nodes.errors import RackError

NAMESPACES = Path("/run/netns")  # ip-netns(8)
_CLONE_NEWNET = 0x40000000
_CONNECTS_WITHIN = 5.0
_libc = ctypes.CDLL(None, use_errno=True)


def socket_in(namespace: str) -> socket.socket:
    """Return a datagram socket of `namespace`, for interface ioctls. Raises RackError."""
    return _opened_in(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))


def asker_in(namespace: str, address: str) -> socket.socket:
    """Return a datagram socket of `namespace` that asks from `address`. Raises RackError."""
    asker = socket_in(namespace)
    asker.bind((address, 0))
    return asker


def datagrams_in(namespace: str, address: str, port: int) -> socket.socket:
    """Return a datagram socket of `namespace` that hears what is sent to `address` and `port`. Raises RackError."""
    hearing = socket_in(namespace)
    hearing.bind((address, port))
    return hearing


def server_in(namespace: str, address: str, port: int) -> socket.socket:
    """Return a TCP socket that listens in `namespace`. Raises RackError."""
    return _opened_in(namespace, lambda: socket.create_server((address, port)))


def client_in(namespace: str, address: str, port: int) -> socket.socket:
    """Return a TCP socket that is connected in `namespace`. Raises RackError when nobody answers there."""
    return _opened_in(namespace, lambda: socket.create_connection((address, port), _CONNECTS_WITHIN))


def _opened_in(namespace: str, make: Callable[[], socket.socket]) -> socket.socket:
    """Open a socket in `namespace` by a thread of its own, because namespaces belong to threads."""
    made: list[socket.socket | OSError] = []
    thread = threading.Thread(target=_open_socket, args=(namespace, make, made))
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise RackError(f"Entering network namespace {namespace} failed: {made[0]}.")
    return made[0]


def _open_socket(
    namespace: str, make: Callable[[], socket.socket], made: list[socket.socket | OSError]
) -> None:
    try:
        with (NAMESPACES / namespace).open("rb") as handle:
            _enter(handle.fileno())
        made.append(make())
    except OSError as problem:
        made.append(problem)


def _enter(handle: int) -> None:
    if _libc.setns(handle, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


async def ip_batch(lines: Sequence[str], *, namespace: str | None = None, force: bool = False) -> None:
    """Give `lines` to one `ip` process, in `namespace` if named; `force` continues past failures.

    Raises RackError with what ip printed, unless forced.
    """
    argv = ["ip", *(["-n", namespace] if namespace else []), *(["-force"] if force else []), "-batch", "-"]
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, error = await process.communicate("\n".join([*lines, ""]).encode())
    if process.returncode != 0 and not force:
        raise RackError(f"'{' '.join(argv)}' failed: {error.decode().strip()}")
