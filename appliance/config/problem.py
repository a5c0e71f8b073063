"""Problems of a conf file, each with what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.core import words
from appliance.core.errors import UserError

_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """Problem of a conf file. `want` completes "… should be …".

    `key` is "" when no key is concerned; `value` then says what was found. `line` counts from 1, and is 0
    when the file has no such line.
    """

    key: str
    value: str
    line: int
    want: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        found = f"{self.key}={self.value}" if self.key else self.value
        return f"{place}{found} should be {self.want}"


class ConfError(UserError):
    """Error of a wrong conf file; `problems` and the message hold all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem], *, path: Path | None = None, todo: str = "") -> None:
        self.problems = tuple(problems)
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{path or 'The conf file'} has {count}:{lines}", todo=f"\n{todo}" if todo else "")


def printable(text: str) -> str:
    """Return `text` for a screen: one line, not too long, without characters that a terminal would obey."""
    shown = words.printable(text[:_SHOWN])
    return shown + "…" if len(text) > _SHOWN else shown
