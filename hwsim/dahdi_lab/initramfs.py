"""A file system in memory for a machine to start with: the kernel unpacks one such archive after the other."""

from __future__ import annotations

import gzip
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

_HERE = Path(__file__).parent
_HWSIM = _HERE.parent
_MAGIC = "070701"
_END = "TRAILER!!!"
# What is the lab's own in a machine: how it starts, its end of the line, and libpri's interface.
_OWN = {
    "init": _HERE / "guest/init",
    "lab/end.py": _HERE / "guest/end.py",
    "lab/hwsim/__init__.py": _HWSIM / "__init__.py",
    "lab/hwsim/libpri/__init__.py": _HWSIM / "libpri/__init__.py",
    "lab/hwsim/libpri/library.py": _HWSIM / "libpri/library.py",
}


def own_files() -> dict[str, bytes]:
    """Return the lab's own files, by their paths in a machine."""
    return {name: path.read_bytes() for name, path in _OWN.items()}


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return `files` as a compressed cpio archive, each executable and in directories that it brings along."""
    entries = [_entry(name, stat.S_IFDIR | 0o755, b"") for name in _directories(files)]
    entries += [_entry(name, stat.S_IFREG | 0o755, content) for name, content in files.items()]
    return gzip.compress(b"".join([*entries, _entry(_END, 0, b"")]), compresslevel=1)


def _directories(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield every directory above a file once, the outer before the inner."""
    found = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    yield from sorted(found - {"."})


def _entry(name: str, mode: int, content: bytes) -> bytes:
    """Return one entry in the "newc" form: 13 hexadecimal fields, the name, the content, each filled up to 4 bytes."""
    size, spelled = len(content), name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(spelled), 0)
    head = _MAGIC.encode() + b"".join(b"%08x" % field for field in fields)
    return _filled(head + spelled) + _filled(content)


def _filled(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
