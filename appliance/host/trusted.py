"""Whether root may run a program that the conf file names."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def why_not_trusted(program: str, root: Path = Path("/")) -> str:
    """Return why root must not run `program`, or cannot; "" when it may.

    It is run only where root alone could have changed it: the file, and every directory on the way to it. `root` is
    where the machine's own / is found.
    """
    place = Path(os.path.realpath(root / program.lstrip("/")))
    try:
        seen = place.stat()
    except OSError as problem:
        return f"{program} cannot be run: {problem.strerror}"
    if not stat.S_ISREG(seen.st_mode) or not seen.st_mode & 0o111:
        return f"{program} is no program that can be executed"
    for path in (place, *place.parents):
        found = path.stat()
        others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
        if found.st_uid != 0 or others:
            return f"{program} is not run as root: {path} belongs to another user, or others may write it"
        if path == Path(os.path.realpath(root)):
            break
    return ""
