"""The relay of the line: the exchange's frames reach one of two machines, and only that one's frames reach it.

The machines' network cards are QEMU's "stream" on unix sockets, where each frame has its length before it.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import struct
import threading
from pathlib import Path

EXCHANGE = "exchange"
NODES = ("primary", "secondary")
_LENGTH = struct.Struct(">I")
_MOST = 1 << 16
_PATIENCE = 0.2  # seconds between looks at whether it is to end


class LineRelay:
    """Sockets for three machines in `folder`; the line leads nowhere until `connect`."""

    def __init__(self, folder: Path) -> None:
        self.paths = {name: folder / f"{name}.line" for name in (EXCHANGE, *NODES)}
        self._leads_to: str | None = None
        self._ended = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._machines: dict[str, socket.socket] = {}
        self._begun: dict[str, bytes] = {}
        for name, path in self.paths.items():
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(path))
            listener.listen(1)
            self._selector.register(listener, selectors.EVENT_READ, ("accept", name))
        self._thread = threading.Thread(target=self._serve, name="line relay", daemon=True)
        self._thread.start()

    def connect(self, node: str | None) -> None:
        """Lead the line to `node`, or nowhere."""
        self._leads_to = node

    def close(self) -> None:
        """End the thread, and close the sockets."""
        self._ended.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            self._close(key.fileobj)
        self._selector.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(_PATIENCE):
                what, name = key.data
                if what == "accept":
                    self._accept(key.fileobj, name)
                else:
                    self._pass_on(key.fileobj, name)

    def _accept(self, listener: object, name: str) -> None:
        assert isinstance(listener, socket.socket)
        machine, _ = listener.accept()
        self._machines[name], self._begun[name] = machine, b""
        self._selector.register(machine, selectors.EVENT_READ, ("frames", name))

    def _pass_on(self, machine: object, name: str) -> None:
        assert isinstance(machine, socket.socket)
        try:
            data = machine.recv(_MOST)
        except OSError:
            data = b""
        if not data:
            self._machines.pop(name, None)
            self._close(machine)
            return
        frames, self._begun[name] = _whole_frames(self._begun[name] + data)
        target = self._machines.get(self._target(name))
        if frames and target is not None and _has_room(target):
            with contextlib.suppress(OSError):  # a machine that has just ended
                target.sendall(frames)

    def _target(self, source: str) -> str:
        """Return whom the frames of `source` reach, or ""."""
        if source == EXCHANGE:
            return self._leads_to or ""
        return EXCHANGE if source == self._leads_to else ""

    def _close(self, one: object) -> None:
        assert isinstance(one, socket.socket)
        self._selector.unregister(one)
        one.close()


def _has_room(target: socket.socket) -> bool:
    """Return False when a machine takes no frames: it still boots. They are lost, as on a line."""
    return bool(select.select([], [target], [], 0)[1])


def _whole_frames(data: bytes) -> tuple[bytes, bytes]:
    """Return the frames in `data` that are whole, each with its length before it, and the rest."""
    end = 0
    while end + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, end)
        if end + _LENGTH.size + length > len(data):
            break
        end += _LENGTH.size + length
    return data[:end], data[end:]
