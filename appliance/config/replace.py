"""Replacement of a file's text: whole or not at all, with the owner and the mode of the old file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from appliance.config.source import Source
from appliance.core.errors import HostError, UserError


def replace_file(source: Source, text: str) -> None:
    """Write `text` over the file that `source` was read from; power may fail at any moment.

    Raises UserError when the file is no longer the one that was read, and HostError when it cannot be
    written. The old file is untouched then.
    """
    new = source.path.with_name(f".{source.path.name}.{os.getpid()}.new")
    try:
        _write(new, text, source.status)
        _refuse_if_changed(source)
        new.replace(source.path)
        _sync_directory(source.path.parent)
    except OSError as problem:
        raise HostError(
            f"The conf file {source.path} could not be written: {problem.strerror}.", todo="It is as it was."
        ) from problem
    finally:
        new.unlink(missing_ok=True)


def _write(path: Path, text: str, like: os.stat_result) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchown(descriptor, like.st_uid, like.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        file.write(text.encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(descriptor)


def _refuse_if_changed(source: Source) -> None:
    now, then = source.path.stat(), source.status
    if (now.st_ino, now.st_mtime_ns, now.st_size) != (then.st_ino, then.st_mtime_ns, then.st_size):
        raise UserError(
            f"{source.path} was changed by somebody else in the same moment; nothing was written.",
            todo="Try again.",
        )


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
