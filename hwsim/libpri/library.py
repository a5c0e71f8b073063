"""What of libpri's C interface is used here: one end of a D-channel, its timers, and calls.

Source: libpri.h of libpri 1.6.0 (Debian's libpri-dev), with the offsets in its structures printed by a C program. Only
Python's own modules are imported, because a virtual machine with little more than Python loads this file too.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_int, c_long, c_void_p

NAME = "libpri.so.1.4"
NETWORK, CPE = 1, 2  # whose end it is: the exchange's, the PBX's
_NI2 = 1  # the switch type: National ISDN 2
EVENTS = {
    1: "up",
    2: "down",
    3: "restart",
    5: "ring",
    6: "hangup",
    7: "ringing",
    8: "answer",
    9: "hangup ack",
    10: "restart ack",
    13: "proceeding",
    15: "hangup request",
}
TIMERS = {"N200": 0, "T200": 4, "T203": 7, "T309": 17}
_CALL_IN_RING = 1856  # offsetof(pri_event_ring, call)
_NORMAL_CLEARING = 16
_CHANNEL = 1  # the B-channel of every call here

Transfer = Callable[[int | None, int, int], int]  # (unused, address of the buffer, its size) -> bytes


class _Time(ctypes.Structure):
    _fields_ = (("seconds", c_long), ("microseconds", c_long))


_Io = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_Message = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "pri_new": (c_void_p, [c_int, c_int, c_int]),
    "pri_new_cb": (c_void_p, [c_int, c_int, c_int, _Io, _Io, c_void_p]),
    "pri_schedule_next": (POINTER(_Time), [c_void_p]),
    "pri_schedule_run": (c_void_p, [c_void_p]),
    "pri_check_event": (c_void_p, [c_void_p]),
    "pri_get_timer": (c_int, [c_void_p, c_int]),
    "pri_get_version": (c_char_p, []),
    "pri_reset": (c_int, [c_void_p, c_int]),
    "pri_new_call": (c_void_p, [c_void_p]),
    "pri_sr_new": (c_void_p, []),
    "pri_sr_free": (None, [c_void_p]),
    "pri_sr_set_channel": (c_int, [c_void_p, c_int, c_int, c_int]),
    "pri_sr_set_bearer": (c_int, [c_void_p, c_int, c_int]),
    "pri_sr_set_called": (c_int, [c_void_p, c_char_p, c_int, c_int]),
    "pri_setup": (c_int, [c_void_p, c_void_p, c_void_p]),
    "pri_answer": (c_int, [c_void_p, c_void_p, c_int, c_int]),
    "pri_hangup": (c_int, [c_void_p, c_void_p, c_int]),
    "pri_set_message": (None, [_Message]),
    "pri_set_error": (None, [_Message]),
}
_quiet = _Message(lambda _controller, _text: None)


def load(name: str = NAME) -> ctypes.CDLL:
    """Return the library, its functions declared and its messages kept from the terminal. Raises OSError."""
    library = ctypes.CDLL(name)
    for function, (result, arguments) in _SIGNATURES.items():
        entry = getattr(library, function)
        entry.restype, entry.argtypes = result, arguments
    library.pri_set_message(_quiet)
    library.pri_set_error(_quiet)
    return library


class Controller:
    """One end of a D-channel, as `NETWORK` or `CPE`, over a descriptor of DAHDI's or over two functions."""

    def __init__(self, library: ctypes.CDLL, node: int, line: int | tuple[Transfer, Transfer]) -> None:
        self._library = library
        if isinstance(line, int):
            self._pri = library.pri_new(line, node, _NI2)
        else:
            # Kept for as long as libpri may call them.
            self._transfers = tuple(_Io(transfer) for transfer in line)
            self._pri = library.pri_new_cb(-1, node, _NI2, *self._transfers, None)
        self.call: int | None = None

    def due(self) -> float | None:
        """Return when `run` has something to do, in seconds of gettimeofday; None when nothing waits."""
        next_one = self._library.pri_schedule_next(self._pri)
        return next_one.contents.seconds + next_one.contents.microseconds / 1e6 if next_one else None

    def run(self) -> str:
        """Do what a timer is due for, and return the name of the event that came of it, or ""."""
        return self._event(self._library.pri_schedule_run(self._pri))

    def read(self) -> str:
        """Take one frame from the line, and return the name of the event that came of it, or ""."""
        return self._event(self._library.pri_check_event(self._pri))

    def timer(self, name: str) -> int:
        """Return what libpri has for one of `TIMERS`: milliseconds, or for N200 a number of repeats."""
        return int(self._library.pri_get_timer(self._pri, TIMERS[name]))

    def restart_channel(self, channel: int) -> None:
        """Send RESTART for a B-channel: a frame with a number, which the other end has to acknowledge."""
        self._library.pri_reset(self._pri, channel)

    def dial(self, number: str) -> None:
        """Send SETUP for a call to `number` on the first B-channel."""
        self.call = self._library.pri_new_call(self._pri)
        request = self._library.pri_sr_new()
        self._library.pri_sr_set_channel(request, _CHANNEL, 1, 0)
        self._library.pri_sr_set_bearer(request, 0, 2)  # speech, µ-law
        self._library.pri_sr_set_called(request, number.encode(), 0x21, 1)
        self._library.pri_setup(self._pri, self.call, request)
        self._library.pri_sr_free(request)

    def answer(self) -> None:
        """Send CONNECT for the call that rang last."""
        self._library.pri_answer(self._pri, self.call, _CHANNEL, 0)

    def hang_up(self) -> None:
        """End the call that was dialled or rang last, or answer the other end's wish to."""
        if self.call is not None:
            self._library.pri_hangup(self._pri, self.call, _NORMAL_CLEARING)

    def _event(self, address: int | None) -> str:
        if not address:
            return ""
        name = EVENTS.get(c_int.from_address(address).value, "other")
        if name == "ring":
            self.call = c_void_p.from_address(address + _CALL_IN_RING).value
        return name
