"""asha's own small state files, all read in one way that never keeps a program from starting.

Such a file remembers something for convenience; the truth is in the world. A file that is missing, or cannot
be read or understood, is therefore replaced by an initial value. The unusable content is never silently
dropped: the file is set aside as `NAME.spoilt-DATE` (see `disk.set_aside`), and the agent reports it for as
long as it lies there (agent/components/file_troubles.py).
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
# The exceptions that a parser of unexpected data raises.
_OF_NO_USE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class StateFile(Generic[Value]):
    """A file at `path` that holds one value.

    `parse` makes the value from the file's bytes, or raises ValueError; `blank` makes the value for a missing
    or unusable file. `instead` completes the sentence "… is of no use: " with what is done in that case. With
    `stays`, an unusable file is left where it is, because without it something would be open that is closed.
    """

    path: Path
    parse: Callable[[bytes], Value]
    blank: Callable[[], Value]
    instead: str
    stays: bool = False

    def load(self) -> Value:
        """Return the value. Never raises; an unusable file is set aside."""
        seen = _seen(self.path)
        try:
            found = self._found()
        except _Spoilt:
            if not self.stays:
                set_aside(self.path, seen)
            return self.blank()
        return self.blank() if found is None else found

    def trouble(self) -> str:
        """Return what is wrong with the file now, and what is done instead; "" when nothing is wrong."""
        try:
            self._found()
        except _Spoilt as spoilt:
            return f"{self.path} is of no use ({spoilt}): {self.instead}"
        return ""

    def write(self, content: str | bytes, mode: int = 0o600) -> None:
        """Replace the file's content durably. Raises OSError; the old file is then untouched."""
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            replace_file(self.path, content, mode)
        except OSError as problem:
            if problem.errno not in (errno.EISDIR, errno.ENOTEMPTY) or set_aside(self.path) is None:
                raise
            replace_file(self.path, content, mode)

    def remove(self) -> None:
        """Remove the file if it exists. Raises OSError."""
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
    """The reason why a file cannot be used."""


def _seen(path: Path) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return os.lstat(path)
    return None
