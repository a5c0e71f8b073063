"""When those who look again and again look next: together, so that the processor is woken once for all of them."""

from __future__ import annotations


def next_beat(began: float, period: float) -> float:
    """Return when a look that `began` is followed by the next, in monotonic seconds; never later than `period` later.

    It is the last multiple of `period` within that time: looks with one period meet there, whenever each was begun,
    and those with a longer period meet some of theirs. What is asked must have time to be answered, so a beat that is
    less than a third of a period away is left out for the half of the next: a look that was begun just before a beat
    comes there, and is in step one look later.
    """
    end = began + period
    beat = end - end % period
    return beat if beat - began >= period / 3 else end - end % (period / 2)
