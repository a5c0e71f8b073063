"""Whatever DAHDI shows of a span, a line that says nothing is not taken for one that is here.

Every text is built from parts of which it is known here what they mean, so the test has a second opinion of its own:
a span is clear only when its kind is known, its driver would raise an alarm, it was set up, and nothing is strange.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from appliance.core.model import Line
from appliance.core.reading import Known, Reading
from appliance.core.transfer import arrived
from appliance.dahdi.alarms import from_bits
from appliance.dahdi.line import read_line, read_line_quick
from appliance.dahdi.proc import parse_span
from appliance.dahdi.spans import read_heads, read_spans

_DESCRIPTIONS = 20_000
# Every so many are put on a disk, where all the product's readers read them.
_ON_DISK = 20

# (what the first line says of the coding, how many channels such a span has); the last are of no kind.
_CODINGS = [("ESF/B8ZS", 24), ("D4/AMI", 24), ("CCS/HDB3/CRC4", 31), ("HDB3", 31), ("AMI/CCS", 3)]
_NO_CODINGS = [("", 24), ("", 31), ("", 4), ("AMI/CCS", 2), ("ESF/HDB3", 24), ("CCS/ABC", 31), ("X/Y", 24)]
_WATCHED = ["WCTDM/0", "XPP_FXO/00/10", "OPVXA1200/1"]
_NAMES = [
    *_WATCHED,
    "WRTDM/0",
    "OPVXA24XX/24",
    "NEW/1",
    "TE4/0/1",
    "DAHDI_DUMMY/1",
    "ZTDUMMY/1",
    "Rhino RCB4FXO/1",
]
_GOOD_ALARMS, _BAD_ALARMS = [""], ["RED", "BLUE", "LOOP", "NOTOPEN", "YELLOW RED", "RED RECOVERING", "LOS"]
_STRANGE = ["PURPLE", "Status=down", "NO-SYNC", "RED!", "DOWN/LOS?"]
_DATA = ["Clear", "HDLCFCS", "CAS", "E&M", "MTP2", "Hardware-assisted HDLC", "DACS"]
_NO_SIGNALLING = ["", "Unconfigured", "Reserved"]
_ODD_SIGNALLING = ["QSIG", "Clear DEAD", "???"]


@dataclass(frozen=True)
class Described:
    """A span as text, with what sysfs says of its alarms, and whether that may be called clear, or arrived."""

    text: str
    bits: int
    may_be_clear: bool
    may_have_arrived: bool


def _read(described: Described) -> Reading[Line]:
    span = parse_span(described.text)
    assert span is not None
    return read_line(Known((replace(span, alarms=span.alarms | from_bits(described.bits)),), 1.0), (1,), 1.0)


def _describe(chance: Random) -> Described:
    known = chance.random() < 0.6
    coding, count = chance.choice(_CODINGS if known else _NO_CODINGS)
    name = chance.choice(_NAMES)
    settles = chance.random() < 0.15
    alarm = chance.choice(["YELLOW", "RECOVERING"] if settles else _GOOD_ALARMS * 7 + _BAD_ALARMS)
    strange = chance.choice(_STRANGE) if chance.random() < 0.1 else ""
    bits = chance.choice([0] * 9 + [0x8, 0x100, 0x8000, 0x10000])
    count = 0 if chance.random() < 0.05 else count
    words = [_channel(chance, analog=not coding) for _ in range(count)]
    if chance.random() < 0.2:
        words = [(chance.choice(_NO_SIGNALLING), "")] * count
    head = " ".join(filter(None, [coding, alarm, strange, "ClockSource" if chance.random() < 0.3 else ""]))
    lines = "".join(
        f"\t{n:4d} {name.split()[-1]}/{n} {word} {red} \n" for n, (word, red) in enumerate(words, 1)
    )
    tail = chance.choice(["", "", "", "", "\tthe line is down\n", "\t  99 CUT/99 Cle"])
    understood = not strange and not tail and not any(word in _ODD_SIGNALLING for word, _ in words)
    trusted = understood and not bits and _is_trusted(coding, name, words, known=known)
    return Described(
        f'Span 1: {name} "Card 0" {head} \n\n{lines}{tail}',
        bits,
        may_be_clear=trusted and not alarm,
        may_have_arrived=trusted and (not alarm or settles),
    )


def _channel(chance: Random, *, analog: bool) -> tuple[str, str]:
    red = "RED" if chance.random() < 0.02 else ""
    if chance.random() < 0.01:
        return chance.choice(_ODD_SIGNALLING), red
    if chance.random() < 0.1:
        return chance.choice(_NO_SIGNALLING), ""
    return (chance.choice(["FXSKS", "FXSKS", "FXOKS"]) if analog else chance.choice(_DATA)), red


def _is_trusted(coding: str, name: str, words: list[tuple[str, str]], *, known: bool) -> bool:
    """Silence of such a span tells: it was set up, and it is digital, or an analog card whose battery is watched."""
    set_up = [word for word, _ in words if word not in _NO_SIGNALLING]
    if not set_up:
        return False
    if coding:
        return known
    lines = [red for word, red in words if word.startswith("FXS")]
    return name in _WATCHED and bool(lines) and not any(red for _, red in words)


def test_no_silent_line_is_taken_for_clear(tmp_path: Path, count: Callable[[str, int], None]) -> None:
    chance = Random(1311)
    place, sysfs = tmp_path / "proc/dahdi", tmp_path / "sys/bus/dahdi_spans/devices/span-1"
    for directory in (place, sysfs):
        directory.mkdir(parents=True)
    clear = wrong = missed = 0
    for number in range(_DESCRIPTIONS):
        described = _describe(chance)
        readings = [_read(described)]
        if number % _ON_DISK == 0:
            (place / "1").write_text(described.text)
            (sysfs / "alarms").write_text(f"{described.bits:#x}\n")
            readings += [
                read_line_quick(tmp_path, (), 1.0),
                read_line_quick(tmp_path, (1,), 1.0),
                read_line(read_spans(tmp_path, 1.0), (1,), 1.0),
            ]
        said = {reading.value if isinstance(reading, Known) else None for reading in readings}
        clear += Line.CLEAR in said
        silent_as_clear = Line.CLEAR in said and not described.may_be_clear
        silent_as_here = any(map(arrived, readings)) and not described.may_have_arrived
        wrong += silent_as_clear or silent_as_here
        missed += described.may_be_clear and said != {Line.CLEAR}
        assert not (silent_as_clear or silent_as_here), described
        assert not (described.may_be_clear and said != {Line.CLEAR}), (described, readings)
        for reading in readings:
            assert not isinstance(reading, Known) or reading.value is not Line.UNVERIFIABLE or reading.why
    count("span descriptions", _DESCRIPTIONS)
    count("span descriptions that are clear", clear)
    count("silent lines taken for clear", wrong)
    count("clear lines not known as clear", missed)
    assert clear > _DESCRIPTIONS / 20


# What is left of the first line where no sign of an alarm is: its coding, whole or in part, and the clock.
_HARMLESS = frozenset({b"CCSHDB3", b"CCS", b"HDB3", b"CCSHDB3HDB3", b"CCSCCSHDB3", b"ClockSource"})


def test_nothing_that_proc_may_hold_is_clear_by_accident(
    tmp_path: Path, count: Callable[[str, int], None]
) -> None:
    """Bytes at random, and a good text with bytes changed, cut out or doubled: never clear with an unread word."""
    chance = Random(77)
    place = tmp_path / "proc/dahdi"
    place.mkdir(parents=True)
    good = b'Span 1: TE4/0/1 "Card 0" CCS/HDB3 RED ClockSource \n\n' + b"".join(
        b"\t%4d TE4/0/1/%d Clear RED \n" % (number, number) for number in range(1, 32)
    )
    wrong = 0
    for _ in range(3_000):
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data) or 1)
            match chance.randrange(3):
                case 0 if data:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 40)]
                case _:
                    data[at:at] = data[at : at + chance.randint(1, 40)]
        (place / "1").write_bytes(data)
        head = bytes(data).partition(b"\n")[0].rpartition(b'"')[2]
        # Only where the very word is gone without a trace may such a span be called clear.
        traces = [word for word in head.split() if word.translate(None, b"/") not in _HARMLESS]
        wrong += bool(traces) and arrived(read_line(read_heads(tmp_path, (), 1.0), (), 1.0))
    count("span descriptions", 3_000)
    count("silent lines taken for clear", wrong)
    assert wrong == 0
