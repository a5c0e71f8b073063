"""The answering side of the control socket, on the agent's asyncio loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from appliance.control.access import AllowedUsers, authorise, panel_gid, panel_uid
from appliance.control.protocol import (
    LINE_LIMIT,
    ControlRequest,
    Message,
    encode,
    failure,
    read_request,
    success,
)
from appliance.core.as_json import to_json
from appliance.core.engine_traits import ENGINE, titled
from appliance.core.errors import AshaError, ClusterError, UserError
from appliance.host.bounded import TooMuch
from appliance.host.disk import set_aside

Handler = Callable[[ControlRequest], Awaitable[Any]]
# A client that connects and says nothing is dropped after this many seconds.
_PATIENCE = 10.0
# The most connections that other users than root may have open: they must never take the file descriptors
# that a failover needs.
_MOST_GUESTS = 32


class ControlServer:
    """A server that answers one request, on one line, for each connection.

    `answer` gets the request and returns a JSON-able result or raises AshaError. `hosts` says who may ask;
    without it, this process's own user and the panel's, looked up when the server starts. An answer that has
    begun goes on when its client goes away. `engine`: how answers name the cluster engine.
    """

    def __init__(
        self, path: Path, answer: Handler, hosts: AllowedUsers | None = None, *, engine: str = ENGINE
    ) -> None:
        self._path = path
        self._answer = answer
        self._hosts = hosts
        self._engine = engine
        self._guests = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on the socket.

        A socket left by a dead agent is replaced. Raises ClusterError when a live agent listens there.
        """
        _have_directory(self._path.parent)
        if _someone_listens(self._path):
            raise ClusterError(f"Another agent runs already (it listens on {self._path}).")
        _clear(self._path)
        self._hosts = self._hosts or AllowedUsers(os.geteuid(), panel_uid())
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=LINE_LIMIT)
        finally:
            os.umask(mask)
        self._open_to_panel()

    def _open_to_panel(self) -> None:
        group = panel_gid()
        if group is not None and os.geteuid() == 0:
            os.chown(self._path, -1, group)
            self._path.chmod(0o660)

    async def stop(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _asker(writer)
        guest = not _is_root(uid)
        if guest and self._guests >= _MOST_GUESTS:
            writer.close()
            return
        self._guests += guest
        try:
            await self._converse(reader, writer, uid)
        finally:
            self._guests -= guest

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, uid: int) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                line = await _read_line(reader)
            if line:
                writer.write(encode(await self._reply(line, uid)))
                await writer.drain()
        except TooMuch as problem:
            writer.write(encode(failure(problem)))
        except (OSError, ValueError, TimeoutError):
            pass  # the asker is gone or does not speak this protocol; no answer is owed to it
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _reply(self, line: bytes, uid: int) -> Message:
        try:
            request = authorise(read_request(line), uid, self._hosts or AllowedUsers(os.geteuid()))
            return self._in_words(success(to_json(await self._answer(request))))
        except AshaError as problem:
            return self._in_words(failure(problem))
        except (TypeError, ValueError, OverflowError):
            # To the resource script no answer is sent in this case: the script then does the work itself.
            if _is_root(uid):
                raise
            return failure(UserError("That request cannot be understood."))

    def _in_words(self, answer: Message) -> Message:
        return {name: titled(value, self._engine) for name, value in answer.items()}


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    """Read one line. Raises TooMuch when it is longer than the server's limit."""
    try:
        return await reader.readline()  # bounded by the server's `limit`
    except ValueError:
        raise TooMuch("Whoever asks", LINE_LIMIT) from None


def _clear(path: Path) -> None:
    """Remove the socket of a dead agent, and set aside anything that is no socket. Raises OSError."""
    if os.path.lexists(path) and not stat.S_ISSOCK(path.lstat().st_mode):
        set_aside(path)
    path.unlink(missing_ok=True)


def _have_directory(path: Path) -> None:
    """Create the directory of the socket.

    A file in its place is set aside: without the directory no request reaches the agent.
    """
    if os.path.lexists(path) and not path.is_dir():
        set_aside(path)
    path.mkdir(mode=0o755, parents=True, exist_ok=True)


def _is_root(uid: int) -> bool:
    return uid in (0, os.geteuid())


def _asker(writer: asyncio.StreamWriter) -> int:
    """Return the uid of the process at the other end, as the kernel reports it (SO_PEERCRED)."""
    connection = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def _someone_listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
