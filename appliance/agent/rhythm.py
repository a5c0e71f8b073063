"""Waiting in step: the loops of the agent that look again and again are woken together (see `core/beat.py`)."""

from __future__ import annotations

import asyncio

from appliance.core.beat import next_beat


def until_beat(period: float, began: float | None = None) -> float:
    """Return the seconds from now until the next look of a loop that looks once in `period` seconds.

    `began`: when its last look began, on the clock of the loop; without it the look is over just now. The next begins
    at most `period` after that.
    """
    now = asyncio.get_running_loop().time()
    return max(0.0, next_beat(now if began is None else began, period) - now)
