"""SPANSTAT: the alarms of a span as its driver reports them by ioctl.

Source: dahdi/user.h, with the sizes checked in a live kernel.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

from appliance.dahdi.alarms import NONE, Alarm, from_bits

# (request, size in bytes) for current kernels and for older ones, whose structure was not packed.
FORMS = ((0xC13ADA0A, 314), (0xC128DA0A, 296))
_ALARMS_AT = 64

Ioctl = Callable[[int, int, bytearray], int]


def read_alarms(root: Path, number: int, ioctl: Ioctl = fcntl.ioctl) -> Alarm:
    """Return the alarms of span `number` by ioctl on /dev/dahdi/ctl.

    The answer is NONE when the file cannot be opened or there is no such span.
    """
    try:
        control = os.open(root / "dev/dahdi/ctl", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return NONE
    try:
        return _ask(control, number, ioctl)
    finally:
        os.close(control)


def unpack_alarms(answer: bytes) -> Alarm:
    """Return the alarms in a SPANSTAT answer of either form. Raises struct.error when it is too short."""
    (bits,) = struct.unpack_from("<i", answer, _ALARMS_AT)
    return from_bits(bits)


def _ask(control: int, number: int, ioctl: Ioctl) -> Alarm:
    for request, size in FORMS:
        buffer = bytearray(size)
        struct.pack_into("<i", buffer, 0, number)
        try:
            ioctl(control, request, buffer)
        except OSError:
            continue  # EINVAL: no span has this number; ENOTTY: the kernel uses the other form
        return unpack_alarms(bytes(buffer))
    return NONE
