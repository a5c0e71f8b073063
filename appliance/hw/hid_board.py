"""A dcttech board (`USBRelayN`), open for one command: feature reports through its hidraw node.

The reports are from docs/facts/relays.md; nothing was tried on a real board. The ioctls are those of linux/hidraw.h,
which Linux has since 2.6.39. One of them can keep its caller for seconds, beyond the reach of any signal: `Board` has
a deadline around everything here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from appliance.core.hid_names import relays_named
from appliance.host.clock import Clock
from appliance.hw.board import Opener, States, listed
from appliance.hw.relay import CardAbsent, CardGarbled, CardRefused, CardSilent

_NAME_SIZE = 256
_REPORT_SIZE = 9  # the number of the report, and eight bytes
_BODY = 8  # five characters of a serial number, two bytes, and the relays' states
_ONE_ON, _ALL_ON, _ONE_OFF, _ALL_OFF = 0xFF, 0xFE, 0xFD, 0xFC
_READ, _WRITE = 2, 1
_GONE = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO, errno.ESHUTDOWN)
_NO_ANSWER = (errno.ETIMEDOUT, errno.EPROTO, errno.EILSEQ)


def _ioctl_number(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("H") << 8 | number


_RAW_NAME = _ioctl_number(_READ, 0x04, _NAME_SIZE)
_SET_FEATURE = _ioctl_number(_READ | _WRITE, 0x06, _REPORT_SIZE)
_GET_FEATURE = _ioctl_number(_READ | _WRITE, 0x07, _REPORT_SIZE)


class HidSession:
    """A session with the board at `node`, open as `handle`, until `until` seconds on the monotonic clock.

    `what` is the command under way, for the errors.
    """

    def __init__(self, node: Path, handle: int, what: str, clock: Clock, until: float) -> None:
        self._node = node
        self._handle = handle
        self._what = what
        self._clock = clock
        self._until = until
        self._relays = 0

    def begin(self) -> None:
        """Ask the kernel what is at this node, so that nothing but a relay board is ever sent a report."""
        name = bytearray(_NAME_SIZE)
        self._call(_RAW_NAME, name)
        text = bytes(name).partition(b"\0")[0].decode(errors="replace")
        self._relays = relays_named(text)
        if not self._relays:
            raise CardAbsent(
                f"What is there is no relay board, but {text!r}.",
                todo="Check RELAYDEVICE: 'asha relay list'.",
            )

    def switch(self, contact: int, on: bool) -> None:
        self._has((contact,))
        self._send(_ONE_ON if on else _ONE_OFF, contact)

    def together(self, contacts: tuple[int, ...], on: bool) -> bool:
        self._has(contacts)
        if {*contacts} != {*range(1, self._relays + 1)}:
            return False
        self._send(_ALL_ON if on else _ALL_OFF, 0)
        return True

    def states(self, contacts: tuple[int, ...]) -> States:
        self._has(contacts)
        mask = self._mask()
        return {contact: bool(mask >> contact - 1 & 1) for contact in contacts}

    def guard(self, seconds: int) -> None:
        """Do nothing: these boards have no watchdog."""

    def _has(self, contacts: tuple[int, ...]) -> None:
        """Raise CardRefused when the board has not all of `contacts`: then it is not the one that the conf means.

        Raises CardAbsent when it is no relay board: a release goes on when `begin` has failed.
        """
        if not self._relays:
            self.begin()
        missing = [contact for contact in contacts if contact > self._relays]
        if missing:
            raise CardRefused(
                f"The board has {self._relays} relays and no {listed(missing)}.", todo="Check RELAYCONTACTS."
            )

    def _send(self, what: int, contact: int) -> None:
        self._call(_SET_FEATURE, bytearray((0, what, contact, *bytes(_REPORT_SIZE - 3))))

    def _mask(self) -> int:
        """Return the board's register, asked in either of the two ways that programs are known to use.

        Asked for report 1, a board answers with its eight bytes; for report 0, with these behind the report's number.
        """
        try:
            return self._asked(1)
        except (CardRefused, CardGarbled):
            return self._asked(0)

    def _asked(self, report: int) -> int:
        answer = bytearray((report, *bytes(_REPORT_SIZE - 1)))
        heard = bytes(answer[: self._call(_GET_FEATURE, answer)])
        if len(heard) == _BODY or (len(heard) == _REPORT_SIZE and heard[0] == report):
            return heard[-1]
        raise CardGarbled(
            f"The board answered {heard.hex(' ')!r}, which is no report of its relays.",
            todo="Check RELAYDRIVER, and plug the board in again.",
        )

    def _call(self, number: int, data: bytearray) -> int:
        if self._clock.now() >= self._until:  # the caller has given up
            raise CardSilent("The board was not told: no time was left for it.", todo="Try again.")
        with _trouble_named(self._node, self._what):
            length: int = fcntl.ioctl(self._handle, number, data, True)
        return length


def hid_opener(clock: Clock) -> Opener:
    """Return what opens a board at its hidraw node."""

    @contextlib.contextmanager
    def opened(node: Path, what: str, until: float, force: bool) -> Iterator[HidSession]:
        with _trouble_named(node, what):
            handle = os.open(node, os.O_RDWR | os.O_CLOEXEC)
        try:
            yield HidSession(node, handle, what, clock, until)
        finally:
            os.close(handle)

    return opened


@contextlib.contextmanager
def _trouble_named(node: Path, what: str) -> Iterator[None]:
    """Turn errors of the node into errors of the card; `what` is the command under way."""
    try:
        yield
    except OSError as problem:
        if problem.errno in _GONE:
            raise CardAbsent(
                f"The board at {node} went away during {what}.",
                todo="Check its cable; the line is then at the secondary.",
            ) from problem
        if problem.errno in _NO_ANSWER:
            raise CardSilent(
                f"The board at {node} did not take {what}: {problem.strerror}.", todo="Plug it in again."
            ) from problem
        denied = problem.errno in (errno.EACCES, errno.EPERM)
        todo = "Check who may use it." if denied else "Check RELAYDEVICE, and plug the board in again."
        raise CardRefused(f"{node} could not be used: {problem.strerror}.", todo=todo) from problem
