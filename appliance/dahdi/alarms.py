"""DAHDI's alarms and their three spellings: /proc, dahdi_scan, sysfs. Source: dahdi/kernel.h, checked live."""

from __future__ import annotations

import enum
import functools
import operator


class Alarm(enum.IntFlag):
    """The bits of a span's alarms."""

    RECOVER = 0x1
    LOOPBACK = 0x2
    YELLOW = 0x4
    RED = 0x8
    BLUE = 0x10
    NOTOPEN = 0x20
    LOS = 0x100
    LFA = 0x200
    LMFA = 0x400
    OTHER = 0x1000000  # not DAHDI's: stands for every bit that no header names, whose meaning nobody knows


# No usable signal comes in. YELLOW (the far end complains) and RECOVER (settling) are not among them. NOTOPEN is:
# a driver that loses its hardware sets it (xpp), and so does one whose span line says `yellow`, while no program has a
# channel open (wct4xxp and others).
ABSENT = Alarm.LOOPBACK | Alarm.RED | Alarm.BLUE | Alarm.NOTOPEN | Alarm.LOS | Alarm.LFA | Alarm.LMFA
# The signal is here, but no call can be made yet.
SETTLING = Alarm.RECOVER | Alarm.YELLOW

_WORDS = {
    "RECOVERING": Alarm.RECOVER,
    "LOOP": Alarm.LOOPBACK,
    "LOOPBACK": Alarm.LOOPBACK,
    "YELLOW": Alarm.YELLOW,
    "RED": Alarm.RED,
    "BLUE": Alarm.BLUE,
    "NOTOPEN": Alarm.NOTOPEN,
    "LOS": Alarm.LOS,
    "LFA": Alarm.LFA,
    "LMFA": Alarm.LMFA,
    # dahdi_scan
    "REC": Alarm.RECOVER,
    "LB": Alarm.LOOPBACK,
    "YEL": Alarm.YELLOW,
    "BLU": Alarm.BLUE,
    "NOP": Alarm.NOTOPEN,
}

NONE = Alarm(0)


def is_alarm(word: str) -> bool:
    """`word` is one of the alarm words."""
    return word.upper() in _WORDS


def from_words(text: str) -> Alarm:
    """Alarms out of words with spaces, slashes or commas between; `OK`, `UNCONFIGURED` and strange words are none."""
    found = NONE
    for word in text.replace("/", " ").replace(",", " ").split():
        found |= _WORDS.get(word.upper(), NONE)
    return found


def from_sysfs(text: str) -> Alarm:
    """Alarms out of sysfs's number, such as `0x8`. Raises ValueError."""
    return from_bits(int(text.strip(), 0))


def from_bits(bits: int) -> Alarm:
    """Alarms out of the kernel's number. Bits that nobody knows become OTHER: they are not "no alarm"."""
    return Alarm(bits & _KERNEL) | (Alarm.OTHER if bits & ~_KERNEL else NONE)


_KERNEL = functools.reduce(operator.or_, (alarm.value for alarm in Alarm if alarm is not Alarm.OTHER))
