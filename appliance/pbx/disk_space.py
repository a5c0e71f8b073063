"""The room on the disks that asha and Asterisk write to, and whether they take anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from appliance.config import Conf
from appliance.core.host_check.machine import Room
from appliance.host.disk import distinct, fresh_file
from appliance.host.paths import GRANT, JOURNAL

_OWN = (JOURNAL.parent, GRANT.parent)
_TRIAL = b"asha check\n" * 400
"""A few kilobytes, so that a disk without a free block refuses them."""


def read_rooms(conf: Conf, root: Path = Path("/")) -> Iterator[Room]:
    """Yield the room in each directory that asha and Asterisk write to and that is there; write a little to asha's own.

    A disk that hangs hangs this too. Raises OSError for a directory that cannot be looked at.

    Args:
        conf: Where they write.
        root: The directories are looked for below it, and named as if it were not there.
    """
    written = (
        conf.asterisk_dir,
        conf.db.parent,
        conf.greetings,
        conf.voicemail,
        *conf.others,
        Path("/var/log"),
    )
    own = [_below(root, path) for path in _OWN]
    for path in distinct([*own, *(_below(root, path) for path in written)]):
        if path.is_dir():
            yield _room(path, str(_below(Path("/"), path.relative_to(root))), writing=path in own)


def _below(root: Path, path: Path) -> Path:
    return root / str(path).lstrip("/")


def _room(path: Path, named: str, *, writing: bool) -> Room:
    seen = os.statvfs(path)
    return Room(
        named,
        free=seen.f_bavail * seen.f_frsize,
        inodes=seen.f_favail / seen.f_files if seen.f_files else 1.0,
        read_only=bool(seen.f_flag & os.ST_RDONLY),
        problem=_refused(path) if writing else "",
    )


def _refused(path: Path) -> str:
    """Return why a file cannot be written to `path`, "" when it can; the file is removed again."""
    try:
        with fresh_file(path / "check", _TRIAL, 0o600):
            return ""
    except OSError as problem:
        return problem.strerror or str(problem)
