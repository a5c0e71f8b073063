"""A weekly time of day as people write it in the conf file."""

from __future__ import annotations

import re

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OFF = "off"
_WEEKLY = re.compile(rf"weekly ({'|'.join(DAYS)}) ([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII | re.IGNORECASE)
_WEEK = 7 * 24 * 60


def schedule_of(text: str) -> str:
    """Return a schedule as it is kept: `off`, or `weekly DAY HH:MM`. Raises ValueError for anything else."""
    words = " ".join(text.split())
    if words.casefold() == OFF:
        return OFF
    found = _WEEKLY.fullmatch(words)
    if found is None:
        raise ValueError
    return f"weekly {found[1].lower()} {int(found[2]):02d}:{found[3]}"


def minutes_late(schedule: str, weekday: int, hour: int, minute: int) -> int | None:
    """Return how many minutes ago what is scheduled was last due; None without a schedule.

    Args:
        schedule: As `schedule_of` returns it.
        weekday: The local day of the week, 0 for Monday.
        hour: The local hour.
        minute: The local minute.
    """
    found = _WEEKLY.fullmatch(schedule)
    if found is None:
        return None
    due = (DAYS.index(found[1].lower()) * 24 + int(found[2])) * 60 + int(found[3])
    return ((weekday * 24 + hour) * 60 + minute - due) % _WEEK
