"""One of asha's own small files: read in one way, and never a reason not to start.

What such a file holds is remembered for convenience; what is true is in the world. So one that is missing, or cannot be
read or understood, is replaced by a value to begin with. It is never silently forgotten: what was found is set aside as
`NAME.spoilt-DATE` (see `disk.set_aside`), and the agent names it for as long as it lies there (agent/rooms/files.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from appliance.host.disk import read_small, replace_file, set_aside

Value = TypeVar("Value")
# What a reader of foreign shapes raises.
_OF_NO_USE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class StateFile(Generic[Value]):
    """A file at `path` with one value in it.

    `parse` makes the value of the file's bytes, or raises ValueError; `blank` is the value when there is no such file
    or it is of no use. `instead` completes "… is of no use: " with what is done then. `stays`: a spoilt one is left
    where it is, because without it something would be open that is closed.
    """

    path: Path
    parse: Callable[[bytes], Value]
    blank: Callable[[], Value]
    instead: str
    stays: bool = False

    def load(self) -> Value:
        """Return the value. Never raises; a spoilt file is set aside."""
        seen = _seen(self.path)
        try:
            found = self._found()
        except _Spoilt:
            if not self.stays:
                set_aside(self.path, seen)
            return self.blank()
        return self.blank() if found is None else found

    def trouble(self) -> str:
        """Return what is wrong with the file as it lies there, and what is done instead; "" when nothing is."""
        try:
            self._found()
        except _Spoilt as spoilt:
            return f"{self.path} is of no use ({spoilt}): {self.instead}"
        return ""

    def write(self, content: str | bytes, mode: int = 0o600) -> None:
        """Put `content` in its place, to stay. Raises OSError; the old file is then untouched."""
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            replace_file(self.path, content, mode)
        except OSError as problem:
            if problem.errno not in (errno.EISDIR, errno.ENOTEMPTY) or set_aside(self.path) is None:
                raise
            replace_file(self.path, content, mode)

    def remove(self) -> None:
        """Have no such file. Raises OSError."""
        try:
            self.path.unlink(missing_ok=True)
        except (IsADirectoryError, PermissionError):
            if set_aside(self.path) is None:
                raise

    def _found(self) -> Value | None:
        try:
            content = read_small(self.path)
        except OSError as problem:
            raise _Spoilt(problem.strerror or str(problem)) from None
        if content is None:
            return None
        try:
            return self.parse(content)
        except _OF_NO_USE as problem:
            raise _Spoilt("it is empty" if not content else str(problem) or "it is something else") from None


class _Spoilt(Exception):
    """Why a file is of no use."""


def _seen(path: Path) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return os.lstat(path)
    return None
