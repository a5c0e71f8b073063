"""Paths that Heartbeat's messages take between the nodes, and how HAMEDIA has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from appliance.config.value_types import DEVICE, FILE, ValueType, any_unicast

MediumKind: TypeAlias = Literal["ucast", "bcast", "serial"]

HEARTBEAT_BAUD = "19200"
"""The rate of a serial medium that names none: Heartbeat's own default."""

_BAUDS = ("9600", "19200", "38400", "57600", "115200", "230400", "460800")


@dataclass(frozen=True, slots=True)
class Medium:
    """Path of Heartbeat's own messages between the nodes.

    `device` is a network interface, or a tty when `kind` is serial. `argument` is the peer's address for
    ucast, the baud rate for serial ("" is Heartbeat's own default), and "" for bcast.
    """

    kind: MediumKind
    device: str
    argument: str = ""


def _medium(text: str) -> Medium:
    kind, *words = text.split() or [""]
    match kind.lower(), words:
        case "ucast", [device, peer]:
            return Medium("ucast", _device(device), _peer(peer))
        case "bcast", [device]:
            return Medium("bcast", _device(device))
        case "serial", [tty]:
            return Medium("serial", _tty(tty))
        case "serial", [tty, baud]:
            return Medium("serial", _tty(tty), _baud(baud))
    raise ValueError


def _device(text: str) -> str:
    try:
        return str(DEVICE.parse(text))
    except ValueError:
        raise ValueError(f"{DEVICE.want}, where it says '{text}'") from None


def _peer(text: str) -> str:
    try:
        return any_unicast(text)
    except ValueError as problem:
        want = str(problem) or "an IPv4 or IPv6 address, not a name"
        raise ValueError(f"the other node's own address, {want}, where it says '{text}'") from None


def _tty(text: str) -> str:
    try:
        return str(FILE.parse(text))
    except ValueError:
        raise ValueError(f"a tty such as /dev/ttyS0, where it says '{text}'") from None


def _baud(text: str) -> str:
    if text not in _BAUDS:
        raise ValueError(f"a baud rate ({', '.join(_BAUDS)}), where it says '{text}'")
    return text


def _parse(text: str) -> tuple[Medium, ...]:
    media = tuple(_medium(part) for part in text.split(","))
    if len(set(media)) < len(media):
        raise ValueError("each medium once")
    return media


def _render(media: tuple[Medium, ...]) -> str:
    return ", ".join(" ".join((m.kind, m.device, m.argument)).rstrip() for m in media)


MEDIA = ValueType(
    "'ucast DEV PEERADDR', 'bcast DEV' or 'serial TTY [BAUD]', with commas between several",
    _parse,
    _render,
)
