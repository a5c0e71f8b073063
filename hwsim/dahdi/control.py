"""The ioctls of /dev/dahdi/ctl that tell of spans and channels, answered from a tree.

Source: docs/facts/dahdi.md, and dahdi/user.h for the bits and `struct dahdi_params`.
"""

from __future__ import annotations

import errno
import struct
from pathlib import Path

from hwsim.card.hid_board import Answer, Tell
from hwsim.dahdi.spans import TreeSpan
from hwsim.dahdi.tree import DahdiTree

_SPANSTAT, _GET_PARAMS, _GET_VERSION = 0xC13ADA0A, 0xC088DA05, 0x80A0DA39
_SPAN = struct.Struct("<i20s40s3i4i5I7i40s40s40s40sii6s")
_PARAMS = struct.Struct("<12i40s11iI")
_LINE_BITS = {"D4": 0x10, "ESF": 0x20, "AMI": 0x40, "B8ZS": 0x80, "CCS": 0x100, "HDB3": 0x200, "CRC4": 0x400}
_SIGNALLING = {"FXSKS": 0x2004, "FXOKS": 0x1020, "Clear": 0x80, "HDLCFCS": 0x380}
# What a driver lets a channel be set to: an FXO port takes FXS signalling, an FXS port FXO signalling.
_CAN_BE = {"FXO": 0x2007, "FXS": 0x1038}
_LBO = b"0 db (CSU)/0-133 feet (DSX-1)"
_VERSION = b"3.1.0"


class SpanControl:
    """What /dev/dahdi/ctl of the node with `tree` answers."""

    def __init__(self, tree: DahdiTree) -> None:
        self._tree = tree

    def __call__(self, command: int, given: bytes, tell: Tell) -> None:
        """Answer an ioctl: EINVAL for a number that no span or channel has, ENOTTY for what is not known here."""
        if command == _GET_VERSION:
            tell(Answer(0, _VERSION.ljust(160, b"\0")))
        elif command == _SPANSTAT:
            tell(self._span(struct.unpack_from("<i", given)[0]))
        elif command == _GET_PARAMS:
            tell(self._channel(struct.unpack_from("<i", given)[0] & 0xFFFF))
        else:
            tell(Answer(-errno.ENOTTY))

    def _span(self, number: int) -> Answer:
        there = self._tree.now_there()
        if number not in there:
            return Answer(-errno.EINVAL)
        span, alarms = there[number]
        card = span.card
        return Answer(
            0,
            _SPAN.pack(
                number, span.name.encode(), span.description.encode(), alarms,
                *[0] * 11,  # levels and counters
                0, int(span.is_master), _set_up(span), card.channels, len(there), 0,
                _bits(card.line_config.split("/")), _LBO, self._of_card(span, "location"),
                self._of_card(span, "manufacturer"), self._of_card(span, "type"),
                0, _bits(card.line_compat.split()), card.span_type.encode(),
            ),
        )  # fmt: skip

    def _channel(self, number: int) -> Answer:
        for span, _ in self._tree.now_there().values():
            place = number - span.base + 1
            if 1 <= place <= span.card.channels:
                return Answer(0, _params(span, place))
        return Answer(-errno.EINVAL)

    def _of_card(self, span: TreeSpan, name: str) -> bytes:
        """Return what sysfs says of the card that `span` belongs to."""
        device: Path = (self._tree.root / f"sys/bus/dahdi_spans/devices/span-{span.number}").resolve().parent
        return (device / name).read_bytes().strip()


def _params(span: TreeSpan, place: int) -> bytes:
    card, number = span.card, span.base + place - 1
    can_be = _CAN_BE.get(card.ports[place - 1], 0) if card.line == "ANALOG" else 0x380
    set_to = _SIGNALLING.get(card.signalling(place), 0)
    name = card.channel_name(span.local, place, span.of_model).encode()
    return _PARAMS.pack(number, span.number, place, set_to, can_be, *[0] * 7, name, *[0] * 12)


def _set_up(span: TreeSpan) -> int:
    """Return how many channels have a signalling: the kernel's numchans."""
    return sum(bool(span.card.signalling(place)) for place in range(1, span.card.channels + 1))


def _bits(words: list[str]) -> int:
    return sum(_LINE_BITS[word] for word in words if word)
