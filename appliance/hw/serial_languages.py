"""What boards on a serial port are told and what they answer: one table, from docs/facts/relays.md.

How well each entry is known stands on that page. Nothing was tried on a real board.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.hw.board import States
from appliance.hw.relay import CardRefused
from appliance.hw.wire import Wire, garbled


@dataclass(frozen=True, slots=True)
class Language:
    """One board's protocol.

    Attributes:
        command: The bytes that switch one contact, given its number and whether on.
        acknowledged: Takes the board's answer to that command, and raises HardwareError when it is not the right one.
        ask: Returns at least the states of the given contacts. None where the board cannot be asked.
        together: Switches the given contacts by one command, and leaves the others. None where there is none.
        begin: What must be said first in each session; it moves nothing.
        baud: In bit/s; always 8N1.
        guard: Sets the board's own watchdog to so many seconds, 0 for none. Whatever the board is asked then feeds it.
    """

    command: Callable[[int, bool], bytes]
    acknowledged: Callable[[Wire, int, bool], None] = lambda wire, contact, on: None
    ask: Callable[[Wire, tuple[int, ...]], States] | None = None
    together: Callable[[Wire, tuple[int, ...], bool], None] | None = None
    begin: Callable[[Wire], None] = lambda wire: None
    baud: int = 9600
    guard: Callable[[Wire, int], None] | None = None


# LCUS: A0, contact, what, sum of the three. Its question FF has several answers, and some boards have none.

_BEFORE_ASKING = 0.1  # seconds; lcus, the program of the facts, waits as long


def _sum_frame(contact: int, what: int) -> bytes:
    head = bytes((0xA0, contact, what))
    return head + bytes((sum(head) & 0xFF,))


def _lcus(contact: int, on: bool) -> bytes:
    return _sum_frame(contact, int(on))


def _ask_lcus_text(wire: Wire, contacts: tuple[int, ...]) -> States:
    wire.pause(_BEFORE_ASKING)
    wire.ask(b"\xff")
    heard = wire.take_all()
    found = re.findall(rb"CH([0-9]{1,2}): ?(ON|OFF)", heard)
    return _with_all({int(number): word == b"ON" for number, word in found}, contacts, heard)


def _ask_lcus_bytes(wire: Wire, contacts: tuple[int, ...]) -> States:
    wire.pause(_BEFORE_ASKING)
    wire.ask(b"\xff")
    return _byte_for_each(wire.take_all(), contacts)


def _samirob(contact: int, on: bool) -> bytes:
    return _sum_frame(contact, 3 if on else 2)


def _samirob_state(wire: Wire, contact: int) -> bool:
    heard = wire.take(4)
    if heard[2] > 1 or heard != _sum_frame(contact, heard[2]):
        raise garbled(heard)
    return bool(heard[2])


def _samirob_acknowledged(wire: Wire, contact: int, on: bool) -> None:
    if _samirob_state(wire, contact) is not on:
        raise CardRefused(
            f"The board did not take the command to contact {contact}.", todo="Check the board."
        )


def _ask_samirob(wire: Wire, contacts: tuple[int, ...]) -> States:
    wire.pause(_BEFORE_ASKING)
    states = {}
    for contact in contacts:
        wire.ask(_sum_frame(contact, 5))
        states[contact] = _samirob_state(wire, contact)
    return states


def _d0(contact: int, on: bool) -> bytes:
    return bytes((0xD0, int(on)))


# KMTronic: FF, contact, 00 or 01.


def _kmtronic(contact: int, on: bool) -> bytes:
    return bytes((0xFF, contact, int(on)))


def _ask_kmtronic_each(wire: Wire, contacts: tuple[int, ...]) -> States:
    states = {}
    for contact in contacts:
        wire.ask(bytes((0xFF, contact, 3)))
        heard = wire.take(3)
        if heard[:2] != bytes((0xFF, contact)) or heard[2] > 1:
            raise garbled(heard)
        states[contact] = bool(heard[2])
    return states


def _ask_kmtronic_all(wire: Wire, contacts: tuple[int, ...]) -> States:
    wire.ask(b"\xff\x09\x00")
    return _byte_for_each(wire.take_all(), contacts)


# Numato: words, echoed, and a prompt.


def _numato(contact: int, on: bool) -> bytes:
    return f"relay {'on' if on else 'off'} {contact}\r".encode()


def _prompted(wire: Wire, contact: int, on: bool) -> None:
    wire.take_until(b">")


def _numato_mask(wire: Wire) -> str:
    """Return the relays' mask as the board writes it: so many hexadecimal digits as it has relays for."""
    wire.ask(b"relay readall\r")
    heard = wire.take_until(b">")
    found = re.fullmatch(rb"\s*(?:relay readall)?\s*([0-9A-Fa-f]{2,8})\s*>", heard)
    if found is None:
        raise garbled(heard)
    return found[1].decode()


def _ask_numato(wire: Wire, contacts: tuple[int, ...]) -> States:
    text = _numato_mask(wire)
    return _with_all(_bits(int(text, 16), range(len(text) * 4)), contacts, text.encode())


def _numato_together(wire: Wire, contacts: tuple[int, ...], on: bool) -> None:
    text = _numato_mask(wire)
    _with_all(_bits(0, range(len(text) * 4)), contacts, text.encode())
    mask = _changed(int(text, 16), contacts, on)
    wire.ask(f"relay writeall {mask:0{len(text)}x}\r".encode())
    wire.take_until(b">")


# Conrad 197720: command, address, data, XOR of the three. A frame with another address is passed on.


def _xor_frame(what: int, data: int = 0) -> bytes:
    return bytes((what, 1, data, what ^ 1 ^ data))


def _conrad(contact: int, on: bool) -> bytes:
    """Return SET SINGLE or DEL SINGLE: that its data are a mask is inferred from the frame of contact 1."""
    return _xor_frame(6 if on else 7, 1 << contact - 1)


def _conrad_answer(wire: Wire) -> int:
    """Return the data of the board's answer; the code in it is documented for some commands only."""
    heard = wire.take(4)
    if heard[1] != 1 or heard[0] ^ heard[1] ^ heard[2] != heard[3]:
        raise garbled(heard)
    return heard[2]


def _conrad_acknowledged(wire: Wire, contact: int, on: bool) -> None:
    _conrad_answer(wire)


def _conrad_begin(wire: Wire) -> None:
    wire.ask(_xor_frame(1))
    _conrad_answer(wire)
    wire.take(4)  # the frame itself, passed on to a next board


def _conrad_mask(wire: Wire) -> int:
    wire.ask(_xor_frame(2))
    return _conrad_answer(wire)


def _ask_conrad(wire: Wire, contacts: tuple[int, ...]) -> States:
    mask = _conrad_mask(wire)
    return {contact: bool(mask >> contact - 1 & 1) for contact in contacts}


def _conrad_together(wire: Wire, contacts: tuple[int, ...], on: bool) -> None:
    mask = _changed(_conrad_mask(wire), tuple(contact - 1 for contact in contacts), on)
    wire.ask(_xor_frame(3, mask))
    _conrad_answer(wire)


# Devantech USB-RLY: one byte, or two. The module's number tells how many relays it has, and of which kind.

_DEVANTECH_RELAYS = {8: 8, 9: 8, 10: 2}  # RLY08, RLY16, RLY02
_DEVANTECH_LATCHING = 15  # RLY16L


def _devantech(contact: int, on: bool) -> bytes:
    return bytes(((0x65 if on else 0x6F) + contact - 1,))


def _devantech_relays(wire: Wire) -> int:
    """Return how many relays the module has. Raises CardRefused when they may stay as they are without power."""
    wire.ask(b"\x5a")
    module, _ = wire.take(2)
    if module == _DEVANTECH_LATCHING:
        raise CardRefused(
            "The board is a USB-RLY16L: its relays stay as they are without power, and a dead primary would keep the "
            "line.",
            todo="Take a board that falls without power: docs/hardware.md.",
        )
    if module not in _DEVANTECH_RELAYS:
        raise CardRefused(
            f"The board says that it is module {module}: whether its relays fall without power is not known.",
            todo="Take a USB-RLY02, RLY08B or RLY16, and check RELAYDRIVER.",
        )
    return _DEVANTECH_RELAYS[module]


def _devantech_begin(wire: Wire) -> None:
    _devantech_relays(wire)


def _devantech_mask(wire: Wire, contacts: tuple[int, ...]) -> int:
    relays = _devantech_relays(wire)
    wire.ask(b"\x5b")
    heard = wire.take(1)
    _with_all(dict.fromkeys(range(1, relays + 1), False), contacts, heard)
    return heard[0]


def _ask_devantech(wire: Wire, contacts: tuple[int, ...]) -> States:
    mask = _devantech_mask(wire, contacts)
    return {contact: bool(mask >> contact - 1 & 1) for contact in contacts}


def _devantech_together(wire: Wire, contacts: tuple[int, ...], on: bool) -> None:
    mask = _changed(_devantech_mask(wire, contacts), tuple(contact - 1 for contact in contacts), on)
    wire.ask(bytes((0x5C, mask)))


# What several have in common.


def _byte_for_each(heard: bytes, contacts: tuple[int, ...]) -> States:
    if any(byte > 1 for byte in heard):
        raise garbled(heard)
    return _with_all({place + 1: bool(byte) for place, byte in enumerate(heard)}, contacts, heard)


def _with_all(states: States, contacts: tuple[int, ...], heard: bytes) -> States:
    """Return `states` if it has all of `contacts`: a board with fewer is not the one that the conf means."""
    if not set(contacts) <= states.keys():
        raise garbled(heard)
    return states


def _bits(mask: int, places: range) -> States:
    return {place: bool(mask >> place & 1) for place in places}


def _changed(mask: int, places: tuple[int, ...], on: bool) -> int:
    ours = sum(1 << place for place in places)
    return mask | ours if on else mask & ~ours


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        "lcus": Language(_lcus),
        "lcus-text": Language(_lcus, ask=_ask_lcus_text),
        "lcus-bytes": Language(_lcus, ask=_ask_lcus_bytes),
        "lcus-samirob": Language(_samirob, _samirob_acknowledged, _ask_samirob),
        "lcus-d0": Language(_d0),
        "kmtronic-2": Language(_kmtronic, ask=_ask_kmtronic_each),
        "kmtronic-8": Language(_kmtronic, ask=_ask_kmtronic_all),
        "numato": Language(_numato, _prompted, _ask_numato, _numato_together),
        "devantech": Language(
            _devantech, ask=_ask_devantech, together=_devantech_together, begin=_devantech_begin
        ),
        "conrad": Language(
            _conrad, _conrad_acknowledged, _ask_conrad, _conrad_together, _conrad_begin, baud=19200
        ),
    }
)
"""The language of each RELAYDRIVER."""
