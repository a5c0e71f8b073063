"""Write Heartbeat's files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from appliance.core.errors import HostError


def write_if_changed(path: Path, text: str, mode: int) -> bool:
    """Have `path` hold `text` with `mode`; True when something had to change. Raises HostError."""
    try:
        if _holds(path, text):
            if path.stat().st_mode & 0o7777 == mode:
                return False
            path.chmod(mode)
            return True
        _replace(path, text, mode)
    except OSError as problem:
        raise HostError(
            f"{path} could not be written: {problem.strerror}.", todo="Are you root?"
        ) from problem
    return True


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except FileNotFoundError:
        return False


def _replace(path: Path, text: str, mode: int) -> None:
    """Through a new file in the same directory, on disk before it takes the name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as new:
            new.write(text)
            os.fchmod(new.fileno(), mode)
            new.flush()
            os.fsync(new.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
