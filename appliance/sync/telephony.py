"""DAHDI configuration on its way: looked at as a whole directory before any of it goes in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from appliance.core.errors import SyncError

Vet = Callable[[Path], None]
"""Raises SyncError when the directory does not fit this node."""


def refused(live: Path, arrived: Mapping[bytes, bytes], removed: Iterable[bytes], vet: Vet) -> str:
    """Why `live` would not fit with what has `arrived` (path: where it waits), without `removed`; "" if it fits."""
    with tempfile.TemporaryDirectory(prefix="asha-telephony-") as scratch:
        whole = Path(scratch) / "dahdi"
        whole.mkdir()
        if live.is_dir():
            shutil.copytree(live, whole, symlinks=True, dirs_exist_ok=True)
        for path in removed:
            gone = whole / Path(os.fsdecode(path)).relative_to(live)
            if gone.is_symlink() or gone.is_file():
                gone.unlink()
        for path, waiting in arrived.items():
            place = whole / Path(os.fsdecode(path)).relative_to(live)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copy2(os.fsdecode(waiting), place, follow_symlinks=False)
        try:
            vet(whole)
        except SyncError as problem:
            return str(problem)
    return ""
