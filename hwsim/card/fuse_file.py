"""A file whose ioctls a program answers: FUSE by /dev/fuse itself, which can answer later and needs no package.

The requests are those of linux/fuse.h, protocol 7.23 and newer; only what a device file needs is answered. The file
itself is the mount: its root is a regular file. Whoever answers must not look at the file from the thread that answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import os
import stat
import struct
from pathlib import Path
from typing import Protocol

from hwsim.card.hid_board import Answer, Tell

_FORGET, _GETATTR, _OPEN, _RELEASE, _FLUSH = 2, 3, 14, 18, 25
_INIT, _INTERRUPT, _IOCTL, _BATCH_FORGET = 26, 36, 39, 42
_HEADER = struct.Struct("=IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
_REPLY = struct.Struct("=IiQ")  # length, error, unique
_IOCTL_IN = struct.Struct("=QIIQII")  # handle, flags, command, argument, size in, size out
_IOCTL_OUT = struct.Struct("=iIII")
_ATTR = struct.Struct("=QII QQQQQQ IIIIIIIIII")
_OPENED = struct.pack("=QII", 0, 1, 0)  # direct I/O: nothing is cached
_MINOR = 31
_MOST = 1 << 16
_MODE = stat.S_IFREG | 0o600
_ATTR_VALID = 3600  # seconds: they never change
_NO_ANSWER = (_FORGET, _BATCH_FORGET, _INTERRUPT)
_DETACH = 2  # MNT_DETACH

_libc = ctypes.CDLL(None, use_errno=True)


class Ioctls(Protocol):
    """What answers the ioctls of a file."""

    def __call__(self, command: int, given: bytes, tell: Tell) -> None:
        """Take one, and `tell` its answer, now or later."""
        ...


class FuseFile:
    """The file `path`, mounted there until `close`; needs root, and a running loop, on which `ioctls` is called."""

    def __init__(self, path: Path, ioctls: Ioctls) -> None:
        self.path = path
        self._ioctls = ioctls
        self._loop = asyncio.get_running_loop()
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        path.touch()
        options = f"fd={self._device},rootmode={_MODE:o},user_id=0,group_id=0,allow_other"
        if _libc.mount(b"hwsim", os.fsencode(path), b"fuse", ctypes.c_ulong(0), options.encode()) != 0:
            number = ctypes.get_errno()
            os.close(self._device)
            raise OSError(number, os.strerror(number), str(path))
        self._loop.add_reader(self._device, self._serve)

    def close(self) -> None:
        """Unmount it; whoever still waits for an answer gets an error. Harmless when repeated."""
        if self._device < 0:
            return
        self._loop.remove_reader(self._device)
        _libc.umount2(os.fsencode(self.path), _DETACH)
        os.close(self._device)
        self._device = -1

    def _serve(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            while self._device >= 0:
                request = os.read(self._device, _MOST)
                self._answer(request)

    def _answer(self, request: bytes) -> None:
        _, what, unique, *_ = _HEADER.unpack_from(request)
        body = request[_HEADER.size :]
        if what in _NO_ANSWER:
            return
        if what == _IOCTL:
            self._take_ioctl(unique, body)
        elif what in _FIXED:
            self._reply(unique, 0, _FIXED[what])
        else:
            self._reply(unique, -errno.ENOSYS)

    def _take_ioctl(self, unique: int, body: bytes) -> None:
        _, _, command, _, size, _ = _IOCTL_IN.unpack_from(body)

        def tell(answer: Answer) -> None:
            if answer.result < 0:
                self._reply(unique, answer.result)
            else:
                self._reply(unique, 0, _IOCTL_OUT.pack(answer.result, 0, 0, 0) + answer.data)

        self._ioctls(command, body[_IOCTL_IN.size :][:size], tell)

    def _reply(self, unique: int, error: int, data: bytes = b"") -> None:
        """Answer a request; the asker may be gone, and so may the mount."""
        if self._device >= 0:
            with contextlib.suppress(OSError):
                os.write(self._device, _REPLY.pack(_REPLY.size + len(data), error, unique) + data)


def _initial() -> bytes:
    """Return struct fuse_init_out: version, read-ahead, flags, background 0, the largest write, and no more."""
    return struct.pack("=IIIIHHIIHH32x", 7, _MINOR, 0, 0, 0, 0, 4096, 1, 0, 0)


def _attributes() -> bytes:
    """Return struct fuse_attr_out: node 1, an empty file of root's."""
    return _ATTR.pack(_ATTR_VALID, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, _MODE, 1, 0, 0, 0, 4096, 0)


_FIXED: dict[int, bytes] = {
    _INIT: _initial(),
    _GETATTR: _attributes(),
    _OPEN: _OPENED,
    _RELEASE: b"",
    _FLUSH: b"",
}
