"""Writing of an engine's configuration files, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.bounded import TooMuch, read_file
from appliance.host.disk import create_file, replace_file

_OWN_LIMIT = 1 << 18  # bytes


def write_if_changed(path: Path, text: str, mode: int) -> bool:
    """Make `path` hold `text` with `mode`; return True when something had to change.

    Raises HostError.
    """
    try:
        if _holds(path, text):
            if path.stat().st_mode & 0o7777 == mode:
                return False
            path.chmod(mode)
            return True
        replace_file(path, text, mode)
    except OSError as problem:
        raise HostError(
            f"{path} could not be written: {problem.strerror}.", todo="Are you root?"
        ) from problem
    return True


def write_if_missing(path: Path, text: str, mode: int) -> bool:
    """Create `path` with `text` and `mode` unless it exists; return True when it did not.

    The file is never there in part. Raises HostError.
    """
    try:
        return create_file(path, text, mode)
    except OSError as problem:
        raise HostError(
            f"{path} could not be written: {problem.strerror}.", todo="Are you root?"
        ) from problem


def remove_own(path: Path, mark: bytes) -> None:
    """Remove `path` when it holds `mark`, by which files of asha's making are known. Raises HostError."""
    try:
        if mark in read_file(path, _OWN_LIMIT):
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except TooMuch:
        return  # nothing that asha has written is so long
    except OSError as problem:
        raise HostError(
            f"{path} could not be taken away: {problem.strerror}.", todo="Are you root?"
        ) from problem


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except FileNotFoundError:
        return False


def written_at(path: Path) -> float:
    """Return when the file was written, in seconds since the epoch; 0.0 when it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
