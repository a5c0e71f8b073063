"""DAHDI configuration on its way: looked at as a whole directory before any of it goes in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from appliance.core.errors import SyncError
from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.trees import WORK_PREFIX

Vet = Callable[[Path], None]
"""Raises SyncError when the directory does not fit this node."""


def refused(live: Path, arrived: Mapping[bytes, bytes], removed: Iterable[bytes], vet: Vet) -> str:
    """Why `live` would not fit with what has `arrived` (path: where it waits), without `removed`; "" if it fits."""
    with tempfile.TemporaryDirectory(prefix="asha-telephony-") as scratch:
        whole = Path(scratch) / "dahdi"
        _assemble(whole, live, arrived, removed)
        try:
            vet(whole)
        except SyncError as problem:
            return str(SyncProblem(Kind.TELEPHONY, f"DAHDI configuration stays as it was here: {problem}"))
    return ""


def _assemble(whole: Path, live: Path, arrived: Mapping[bytes, bytes], removed: Iterable[bytes]) -> None:
    whole.mkdir()
    if live.is_dir():
        own_work = shutil.ignore_patterns(f"{WORK_PREFIX}*")
        shutil.copytree(live, whole, symlinks=True, dirs_exist_ok=True, ignore=own_work)
    for path in removed:
        gone = whole / Path(os.fsdecode(path)).relative_to(live)
        if gone.is_symlink() or gone.is_file():
            gone.unlink()
    for path, waiting in arrived.items():
        if os.path.lexists(waiting):  # else it is in place already: rsync does not send it then
            place = whole / Path(os.fsdecode(path)).relative_to(live)
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copy2(os.fsdecode(waiting), place, follow_symlinks=False)
