"""Where the panel keeps its own things, and how they are written: whole or not at all, for its own user alone."""

from __future__ import annotations

from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.disk import read_small, replace_file

PANEL_USER = "asha-panel"
PANEL_DIR = Path("/var/lib/asha/panel")


def read_own(path: Path) -> str | None:
    """The text of one of the panel's files, None when there is none. Raises HostError."""
    try:
        content = read_small(path)
        return None if content is None else content.decode()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "It is not text"
        raise HostError(f"{path} could not be read: {why}.") from problem


def write_own(path: Path, text: str) -> None:
    """Put `text` in place. It belongs to whom the directory belongs to, whoever writes. Raises HostError."""
    try:
        directory = path.parent.stat()
        replace_file(path, text, 0o600, (directory.st_uid, directory.st_gid))
    except OSError as problem:
        raise HostError(
            f"{path} could not be written: {problem.strerror}.", todo="It is as it was."
        ) from problem


def remove_own(path: Path) -> None:
    """Take the file away if it is there. Raises HostError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise HostError(f"{path} could not be removed: {problem.strerror}.") from problem
