"""DAHDI configuration that has arrived, checked as a whole directory before any of it is put in place."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from appliance.core.errors import SyncError
from appliance.host.leftovers import temporary_mark
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.file_moves import copy, remove
from appliance.sync.open_directories import Below, LinkInTheWay, OpenName
from appliance.sync.trees import WORK_PREFIX

Vet = Callable[[Path], None]
"""Raises SyncError when the directory does not fit this node."""


def refused(
    below: Below, live: Path, arrived: Mapping[bytes, bytes], removed: Iterable[bytes], vet: Vet
) -> str:
    """Return why `live`, with what has come, would not fit this node, or "" when it fits.

    `arrived` maps each path to where its new content waits; `removed` are the paths that go. `below` gives
    access to `live` and to the waiting files.
    """
    with tempfile.TemporaryDirectory(prefix="asha-telephony-", suffix=temporary_mark()) as scratch:
        whole = Path(scratch) / "dahdi"
        whole.mkdir()
        _Assembly(below, live, whole).put_together(arrived, removed)
        try:
            vet(whole)
        except SyncError as problem:
            return str(SyncProblem(Fault.TELEPHONY, f"DAHDI configuration stays as it was here: {problem}"))
    return ""


class _Assembly:
    """A copy of `live` at `whole`, to which the changes are applied.

    The copy may contain links that the peer has sent. No link is followed in it.
    """

    def __init__(self, below: Below, live: Path, whole: Path) -> None:
        self._below = below
        self._live = live
        self._top = os.fsencode(whole)
        self._whole = Below([self._top], [self._top], lambda path: True)

    def put_together(self, arrived: Mapping[bytes, bytes], removed: Iterable[bytes]) -> None:
        """Copy the live directory, remove the paths `removed`, and put in what has `arrived`."""
        self._copy_live()
        for path in removed:
            place = self._place(path)
            if (seen := self._whole.stat(place)) is not None and not stat.S_ISDIR(seen.st_mode):
                remove(self._whole.at(place))
        for path, waiting in arrived.items():
            if (
                self._below.stat(waiting) is not None
            ):  # otherwise the file is in place already, and rsync did not send it
                spot = self._cleared(self._place(path))
                copy(self._below.at(waiting), spot)

    def _copy_live(self) -> None:
        try:
            live = self._below.directory(os.fsencode(self._live))
        except (FileNotFoundError, NotADirectoryError):
            return
        whole = self._whole.directory(self._top)
        for name in os.listdir(live.descriptor):
            if not name.startswith(WORK_PREFIX):
                copy(OpenName(live, os.fsencode(name)), OpenName(whole, os.fsencode(name)))

    def _place(self, path: bytes) -> bytes:
        return self._top + path[len(os.fsencode(self._live)) :]

    def _cleared(self, place: bytes) -> OpenName:
        """Make room for a file at `place`, and return the place.

        Removed are what is there, and any file or link that stands where a directory has to be.
        """
        while True:
            try:
                spot = self._whole.at(place, make=True)
            except (LinkInTheWay, NotADirectoryError) as problem:
                remove(self._whole.at(os.fsencode(problem.filename)))
            else:
                remove(spot)
                self._whole.forget_open()
                return self._whole.at(place, make=True)
