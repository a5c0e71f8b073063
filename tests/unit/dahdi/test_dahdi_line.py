"""Spans, alarms and the line, from trees as the drivers print them."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from appliance.core.model import Line
from appliance.core.reading import Known, Unknown
from appliance.dahdi import ioctl
from appliance.dahdi.alarms import NONE, Alarm, from_sysfs, from_words
from appliance.dahdi.line import explain, read_line, read_line_quick
from appliance.dahdi.proc import parse_span
from appliance.dahdi.span import SpanKind
from appliance.dahdi.spans import read_spans

R1T1 = (
    'Span 1: R1T1/0 "Rhino R1T1 T1/PRI Card 0" (MASTER) B8ZS/ESF {alarm}ClockSource \n\n'
    "\t   1 R1T1/0/1 Clear (In use) (EC: MG2 - INACTIVE) \n"
)
E1 = 'Span 2: WCT1/0 "Wildcard E121 Card 0" CCS/HDB3/CRC4 {alarm}\n\n\t  25 WCT1/0/1 HDLCFCS (In use) RED \n'
BRI = (
    'Span 4: WCBRI/0/1 "Wildcard B410P" AMI/CCS {alarm}\n\n\t  80 WCBRI/0/1 Clear \n\t  81 WCBRI/0/2 Clear \n'
)
WCTDM = (
    'Span 5: WCTDM/0 "Wildcard TDM400P REV I Board 1" \n\n'
    "\t  90 WCTDM/0/0 FXSKS (In use) {first}\n\t  91 WCTDM/0/1 FXSKS (In use) {second}\n"
    "\t  92 WCTDM/0/2 FXOKS (In use) \n\t  93 WCTDM/0/3 Reserved \n"
)
ANALOG = 'Span 3: Rhino RCB4FXO/1 "Rhino RCB4FXO/1" \n\n\t  49 FXO/1/0 FXSKS (In use) \n\t  52 ---/1/3 \n'


def put(root: Path, number: int, text: str) -> None:
    place = root / "proc/dahdi"
    place.mkdir(parents=True, exist_ok=True)
    (place / str(number)).write_text(text)


def line_of(root: Path, wanted: tuple[int, ...] = ()) -> object:
    """Both readers must say the same."""
    slow, quick = read_line(read_spans(root, 1.0), wanted, 1.0), read_line_quick(root, wanted, 1.0)
    assert type(slow) is type(quick)
    if isinstance(slow, Known) and isinstance(quick, Known):
        assert slow.value is quick.value
        return slow.value
    assert isinstance(slow, Unknown)
    return slow.reason


@pytest.mark.parametrize(
    ("alarm", "line"),
    [
        ("", Line.CLEAR),
        ("RED ", Line.ABSENT),
        ("BLUE ", Line.ABSENT),
        ("LOOP ", Line.ABSENT),
        ("NOTOPEN ", Line.ABSENT),
        ("RECOVERING ", Line.SETTLING),
        ("YELLOW ", Line.SETTLING),
        ("YELLOW RED ", Line.ABSENT),
        ("RED RECOVERING ", Line.ABSENT),
    ],
)
def test_each_alarm_means_its_line(tmp_path: Path, alarm: str, line: Line) -> None:
    put(tmp_path, 1, R1T1.format(alarm=alarm))
    assert line_of(tmp_path) is line


def test_the_worst_span_decides_and_only_the_wanted_count(tmp_path: Path) -> None:
    put(tmp_path, 1, R1T1.format(alarm=""))
    put(tmp_path, 2, E1.format(alarm="RED "))
    assert line_of(tmp_path) is Line.ABSENT
    assert line_of(tmp_path, (1,)) is Line.CLEAR


def test_stale_channel_alarms_are_not_believed(tmp_path: Path) -> None:
    put(tmp_path, 2, E1.format(alarm=""))
    assert line_of(tmp_path) is Line.CLEAR


def test_rhino_analog_is_unverifiable_never_clear(tmp_path: Path) -> None:
    put(tmp_path, 3, ANALOG)
    assert line_of(tmp_path) is Line.UNVERIFIABLE
    span = parse_span(ANALOG)
    assert span is not None
    assert "cannot be verified" in explain(span)


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        ("", "", Line.CLEAR),
        ("RED ", "RED ", Line.ABSENT),
        ("RED ", "", Line.UNVERIFIABLE),
    ],
)
def test_a_digium_analog_card_tells_by_the_battery_of_its_fxo_ports(
    tmp_path: Path, first: str, second: str, line: Line
) -> None:
    put(tmp_path, 5, WCTDM.format(first=first, second=second))
    assert line_of(tmp_path) is line


def test_an_analog_card_without_a_telephone_line_is_unverifiable(tmp_path: Path) -> None:
    put(tmp_path, 5, WCTDM.format(first="", second="").replace("FXSKS", "FXOKS"))
    assert line_of(tmp_path) is Line.UNVERIFIABLE


def test_what_settles_is_waited_for_before_what_cannot_be_verified(tmp_path: Path) -> None:
    put(tmp_path, 1, R1T1.format(alarm="RECOVERING "))
    put(tmp_path, 3, ANALOG)
    assert line_of(tmp_path) is Line.SETTLING
    put(tmp_path, 1, R1T1.format(alarm=""))
    assert line_of(tmp_path) is Line.UNVERIFIABLE


def test_no_dahdi_no_spans_and_a_missing_span_are_told_apart(tmp_path: Path) -> None:
    assert "not loaded" in str(line_of(tmp_path))
    assert "not loaded" in str(line_of(tmp_path, (1,)))
    (tmp_path / "proc/dahdi").mkdir(parents=True)
    assert "no spans" in str(line_of(tmp_path))
    put(tmp_path, 1, R1T1.format(alarm=""))
    assert "span 4 of RHINOSPANS is not there" in str(line_of(tmp_path, (1, 4)))


def test_holes_in_the_numbers_are_no_trouble(tmp_path: Path) -> None:
    put(tmp_path, 1, R1T1.format(alarm=""))
    put(tmp_path, 7, E1.format(alarm="").replace("Span 2", "Span 7"))
    spans = read_spans(tmp_path, 1.0)
    assert isinstance(spans, Known)
    assert [span.number for span in spans.value] == [1, 7]


def test_a_span_that_vanishes_while_it_is_read_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, 1, R1T1.format(alarm=""))
    (tmp_path / "proc/dahdi/2").symlink_to(tmp_path / "gone")
    spans = read_spans(tmp_path, 1.0)
    assert isinstance(spans, Known)
    assert len(spans.value) == 1
    assert "span 2 of RHINOSPANS is not there" in str(line_of(tmp_path, (2,)))


def test_a_span_unregistered_under_an_open_file_answers_enodev_and_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As dahdi_seq_show does; no file of ours answers so."""
    put(tmp_path, 1, R1T1.format(alarm=""))
    put(tmp_path, 2, E1.format(alarm="RED "))
    read = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "2":
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert line_of(tmp_path) is Line.CLEAR


def test_a_span_cut_off_in_its_first_line_is_unknown_not_clear(tmp_path: Path) -> None:
    put(tmp_path, 1, R1T1.format(alarm="RED ").split("RED")[0])
    assert "/proc/dahdi/1 holds no span" in str(line_of(tmp_path))


def test_an_unreadable_tree_is_unknown_with_why(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/dahdi").write_text("a file")
    assert "could not be read" in str(line_of(tmp_path))


def test_names_with_spaces_and_both_orders_of_the_line_config() -> None:
    one = parse_span('Span 1: R2T1/0/1 "R2T1 (PCI) Card 0 Span 1" (MASTER) ESF/B8ZS RED ClockSource \n')
    two = parse_span('Span 1: R2T1/0/1 "R2T1 Card 0 Span 1" (MASTER) B8ZS/ESF RED ClockSource \n')
    assert one is not None
    assert two is not None
    assert one.line_config == two.line_config == {"ESF", "B8ZS"}
    assert one.kind is SpanKind.T1
    assert one.board == "R2T1"
    assert one.is_master


def test_isdn2_is_told_from_e1_by_its_channels() -> None:
    span = parse_span(BRI.format(alarm=""))
    assert span is not None
    assert span.kind is SpanKind.BRI


def test_a_channel_line_cut_off_is_left_out() -> None:
    span = parse_span(R1T1.format(alarm="") + "\t   2 R1T1/0/2 Clear (In use) R")
    assert span is not None
    assert [channel.number for channel in span.channels] == [1]


def test_sysfs_knows_the_kind_before_dahdi_cfg_and_the_slot(tmp_path: Path) -> None:
    put(tmp_path, 1, 'Span 1: R1T1/0 "Rhino R1T1 T1/PRI Card 0" \n\n\t   1 R1T1/0/1 \n')
    device = tmp_path / "sys/bus/dahdi_spans/devices"
    (device / "span-1").mkdir(parents=True)
    (device / "span-1/spantype").write_text("J1\n")
    (device / "span-1/alarms").write_text("0x8\n")
    (device / "location").write_text("PCI Bus 02 Slot 09\n")
    spans = read_spans(tmp_path, 1.0)
    assert isinstance(spans, Known)
    span = spans.value[0]
    assert (span.kind, span.location, span.alarms) == (SpanKind.J1, "PCI Bus 02 Slot 09", Alarm.RED)


def test_kinds_and_channels() -> None:
    analog, e1 = parse_span(ANALOG), parse_span(E1.format(alarm=""))
    assert analog is not None
    assert e1 is not None
    assert (analog.kind, e1.kind) == (SpanKind.ANALOG, SpanKind.E1)
    assert analog.board == "RCB4FXO"
    assert analog.channels[0].signalling == "FXSKS"
    assert analog.channels[0].in_use
    assert not analog.channels[1].signalling
    assert e1.channels[0].alarms is Alarm.RED


@pytest.mark.parametrize("words", ["RED YELLOW", "RED/YEL", "red,yellow", "YEL RED"])
def test_all_spellings_of_the_words(words: str) -> None:
    assert from_words(words) == Alarm.RED | Alarm.YELLOW


def test_every_dahdi_scan_word() -> None:
    assert from_words("REC LB YEL BLU NOP") == (
        Alarm.RECOVER | Alarm.LOOPBACK | Alarm.YELLOW | Alarm.BLUE | Alarm.NOTOPEN
    )
    assert from_words("OK UNCONFIGURED") == NONE


def test_sysfs_spells_bits() -> None:
    assert from_sysfs("0x4\n") is Alarm.YELLOW
    assert from_sysfs("0x9") == Alarm.RED | Alarm.RECOVER
    assert from_sysfs("0x8000") == Alarm.OTHER
    assert from_sysfs("0x8008") == Alarm.OTHER | Alarm.RED
    assert from_sysfs("0xffffffff") & Alarm.OTHER
    with pytest.raises(ValueError, match="invalid literal"):
        from_sysfs("RED")


@pytest.mark.parametrize("size", [314, 296])
def test_spanstat_of_both_forms(tmp_path: Path, size: int) -> None:
    (tmp_path / "dev/dahdi").mkdir(parents=True)
    (tmp_path / "dev/dahdi/ctl").write_text("")

    def driver(control: int, request: int, buffer: bytearray) -> int:
        if len(buffer) != size:
            raise OSError(errno.ENOTTY, "the other form")
        if struct.unpack_from("<i", buffer)[0] != 2:
            raise OSError(errno.EINVAL, "a hole")
        struct.pack_into("<i", buffer, 64, 0x8)
        return 0

    assert ioctl.read_alarms(tmp_path, 2, driver) is Alarm.RED
    assert ioctl.read_alarms(tmp_path, 3, driver) == NONE
    assert ioctl.read_alarms(tmp_path / "nowhere", 2, driver) == NONE


def test_the_forms_have_the_sizes_of_their_requests() -> None:
    for request, size in ioctl.FORMS:
        assert (request >> 16) & 0x3FFF == size
