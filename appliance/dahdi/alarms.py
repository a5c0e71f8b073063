"""DAHDI's alarms and their three spellings: in /proc, in dahdi_scan and in sysfs.

Source: dahdi/kernel.h, checked against a live kernel.
"""

from __future__ import annotations

import enum
import functools
import operator


class Alarm(enum.IntFlag):
    """The alarm bits of a span."""

    RECOVER = 0x1
    LOOPBACK = 0x2
    YELLOW = 0x4
    RED = 0x8
    BLUE = 0x10
    NOTOPEN = 0x20
    LOS = 0x100
    LFA = 0x200
    LMFA = 0x400
    # not a DAHDI bit: stands for every bit that no header names and whose meaning is unknown
    OTHER = 0x1000000


# Alarms that mean: no usable signal comes in. YELLOW (the far end complains) and RECOVER (settling) are not
# among them. NOTOPEN is: a driver that loses its hardware sets NOTOPEN (xpp), and so does a driver whose span
# line says `yellow`, while no program has a channel open (wct4xxp and others).
ABSENT = Alarm.LOOPBACK | Alarm.RED | Alarm.BLUE | Alarm.NOTOPEN | Alarm.LOS | Alarm.LFA | Alarm.LMFA
# The signal is present, but no call can be made yet.
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
    # as dahdi_scan spells them
    "REC": Alarm.RECOVER,
    "LB": Alarm.LOOPBACK,
    "YEL": Alarm.YELLOW,
    "BLU": Alarm.BLUE,
    "NOP": Alarm.NOTOPEN,
}

NONE = Alarm(0)


def is_alarm(word: str) -> bool:
    """Return True when `word` is one of DAHDI's alarm words, in any case."""
    return word.upper() in _WORDS


def from_words(text: str) -> Alarm:
    """Return the alarms named in `text`, whose words are separated by spaces, slashes or commas.

    `OK`, `UNCONFIGURED` and unknown words add no alarm.
    """
    found = NONE
    for word in text.replace("/", " ").replace(",", " ").split():
        found |= _WORDS.get(word.upper(), NONE)
    return found


def from_sysfs(text: str) -> Alarm:
    """Return the alarms of the number that sysfs prints, such as `0x8`. Raises ValueError."""
    return from_bits(int(text.strip(), 0))


def from_bits(bits: int) -> Alarm:
    """Return the alarms of the kernel's number `bits`.

    Bits that no header names become OTHER, because an unknown bit does not mean "no alarm".
    """
    return Alarm(bits & _KERNEL) | (Alarm.OTHER if bits & ~_KERNEL else NONE)


_KERNEL = functools.reduce(operator.or_, (alarm.value for alarm in Alarm if alarm is not Alarm.OTHER))
