"""Lists of channel numbers as DAHDI's files write them, such as `1-15,17-31`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

# DAHDI_MAX_CHANNELS is 1024; dahdi_cfg refuses a channel above this.
HIGHEST = 1023
_RANGE = re.compile(r"(?P<first>\d{1,4})(?:\s*-\s*(?P<last>\d{1,4}))?", re.ASCII)


def parse_channels(text: str) -> tuple[int, ...]:
    """Return the channel numbers in `text`, each once, in ascending order.

    Parts that are neither a number nor a range of numbers are left out.
    """
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is not None:
            first = int(match["first"])
            last = min(int(match["last"] or first), HIGHEST)
            found.update(range(max(first, 1), last + 1))
    return tuple(sorted(found))


def spell_channels(channels: Iterable[int]) -> str:
    """Return `channels` as text with ranges, such as `1-15, 17-31`; the reverse of `parse_channels`."""
    # Within a run of consecutive numbers, the difference between number and position is constant.
    runs = itertools.groupby(enumerate(sorted(set(channels))), lambda pair: pair[1] - pair[0])
    return ", ".join(_spell_run([number for _, number in run]) for _, run in runs)


def _spell_run(run: list[int]) -> str:
    return str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"
