"""Files of the panel's own: where they are, and how they are read and written.

A file is replaced whole or not at all, and only the panel's user can read it.
"""

from __future__ import annotations

from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.disk import read_small, replace_file


def read_own(path: Path) -> str | None:
    """Return the text of one of the panel's files, or None if there is no such file. Raises HostError."""
    try:
        content = read_small(path)
        return None if content is None else content.decode()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "It is not text"
        raise HostError(f"{path} could not be read: {why}.") from problem


def write_own(path: Path, text: str) -> None:
    """Replace the file at `path` by `text`. Raises HostError.

    The file gets the owner of its directory, whoever writes it.
    """
    try:
        directory = path.parent.stat()
        replace_file(path, text, 0o600, (directory.st_uid, directory.st_gid))
    except OSError as problem:
        raise HostError(
            f"{path} could not be written: {problem.strerror}.", todo="Nothing was changed."
        ) from problem


def remove_own(path: Path) -> None:
    """Remove the file at `path` if it exists. Raises HostError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise HostError(f"{path} could not be removed: {problem.strerror}.") from problem
