"""The release of asha that is installed here: how old it is, and whether it runs on the Python that it brings."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

import appliance

_RUNTIME = "/opt/asha/runtime"
_DAY = 86400.0  # seconds


class ReleaseAge(NamedTuple):
    """The age of the release in `days`, and the day it was `made_on`, such as 2026-05-01."""

    days: float
    made_on: str


def has_runtime() -> bool:
    """Return whether this program runs on the Python that asha's packages bring."""
    return sys.prefix.startswith(_RUNTIME)


def release_age(wall: float) -> ReleaseAge:
    """Return how old the release is at `wall` (epoch seconds), by the date of asha's own files.

    The private runtime's files bear no date, so that equal recipes make equal files. asha's bear that of the release,
    and the runtime of the same release is as old or older.
    """
    made = Path(appliance.__file__).stat().st_mtime
    return ReleaseAge((wall - made) / _DAY, time.strftime("%F", time.gmtime(made)))
