"""Times of day in this machine's zone, as the commands write them."""

from __future__ import annotations

import time


def format_clock(wall: float) -> str:
    """Return `wall`, in seconds since the epoch, in this machine's zone with milliseconds: `Nov 30 12:28:01.250`."""
    return time.strftime("%b %d %H:%M:%S", time.localtime(wall)) + f".{int(wall * 1000) % 1000:03d}"


def format_day(wall: float) -> str:
    """Return the day of `wall`, in seconds since the epoch, in this machine's zone: `2026-11-30`."""
    return time.strftime("%Y-%m-%d", time.localtime(wall))
