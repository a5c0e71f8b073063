"""What each kind of span says of the line: only what is known to be clear is clear, else it is said what to do.

The texts are made here after dahdi_seq_show (dahdi-base.c) and the names that drivers give (`hwsim/dahdi/cards.py`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.model import Line
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.transfer import arrived
from appliance.dahdi.line import explain, line_of, read_line, read_line_quick
from appliance.dahdi.proc import parse_span
from appliance.dahdi.span import Span, SpanKind
from appliance.dahdi.spans import read_spans
from hwsim.dahdi.cards import A200, DUMMY, R1E1, R1T1, R2T1, RCB8FXX, TDM400P
from hwsim.dahdi.tree import DahdiTree


def text(
    head: str, signalling: str = "", count: int = 1, *, name: str = "CARD/0", alarm: str = "", number: int = 1
) -> str:
    """A span named `name` whose first line ends with `head`, with `count` channels that are all alike."""
    words = " ".join(filter(None, [signalling, alarm]))
    channels = "".join(f"\t{channel:4d} {name}/{channel} {words} \n" for channel in range(1, count + 1))
    return f'Span {number}: {name} "Card 0" {head} \n\n{channels}'


def one(proc: str) -> Span:
    span = parse_span(proc)
    assert span is not None
    return span


PRI = text("CCS/HDB3/CRC4", "Clear", 31)


@pytest.mark.parametrize(
    "proc",
    [
        PRI,
        text("(MASTER) HDB3/CCS ClockSource", "Clear", 31),
        text("ESF/B8ZS", "HDLCFCS", 24),
        text("AMI/D4", "E&M", 24),
        text("ESF/B8ZS", "FXOKS", 24),  # a channel bank: the span's alarm is a T1's
        text("HDB3", "CAS", 31),  # R2: the kernel has no bit for CAS
        text("HDB3/", "CAS", 31),  # as DAHDI before 2.3 printed it
        text("CCS/HDB3", "MTP2", 31),
        text("AMI/CCS", "Clear", 3, name="B4/0/1"),
        text("AMI/CCS/NTTE/TERM", "Hardware-assisted HDLC", 3),
        text("CCS/HDB3/CRC4", "Clear", 31) + "\t  32 CARD/0/32 Slave \n",
        text("CCS/HDB3", "Hardware assisted D-channel", 31),
        text("CCS/HDB3", "DACS+RBS", 31),
        text("CCS/HDB3", "Unconfigured", 30) + "\t  31 CARD/0/31 Clear (In use) \n",  # half a PRI is a PRI
        text("CCS/HDB3", "Clear", 31, alarm="RED"),  # old: the span's word counts (docs/facts/pri-timing.md)
        text("", "Clear", 24, name="DYN/eth/eth0/02:00:00:00:00:01/0"),
        text("", "FXSKS", 2, name="WCTDM/0"),
        text("", "FXSLS", 2, name="XPP_FXO/00/10"),
        text("", "FXSGS", 1, name="WCFXO/0"),
        text("", "FXSKS", 2, name="WCTDM/0") + "\t   3 WCTDM/0/2 FXOKS \n\t   4 WCTDM/0/3 Reserved \n",
        PRI.replace("\n\n", "\n\tBPV count: 3\n\tE-bit error count: 12\n\tTiming slips: 1\n\n", 1),
    ],
)
def test_what_is_known_and_has_no_alarm_is_clear(proc: str) -> None:
    assert explain(one(proc)).endswith(": no alarm")


@pytest.mark.parametrize(
    ("proc", "why"),
    [
        # no line at all
        (text("(MASTER)", count=0, name="DAHDI_DUMMY/1"), "only gives the timing"),
        (text("(MASTER)", count=0, name="ZTDUMMY/1"), "only gives the timing"),
        (text("CCS/HDB3/CRC4", count=0), "shows no channels"),
        (text("", "Clear", 24, name="DYN/loc/1:0"), "other end of a span of this node"),
        # never set up
        (text("", count=31), "dahdi_cfg has not set up its channels"),
        (text("", count=24), "dahdi_cfg has not set up its channels"),
        (text("CCS/HDB3/CRC4", count=31), "dahdi_cfg has not set up its channels"),
        (text("ESF/B8ZS", "Unconfigured", 24), "dahdi_cfg has not set up its channels"),
        (text("", "Clear", 31), "dahdi_cfg has not given it a line coding"),
        (text("", "HDLCFCS", 3), "dahdi_cfg has not given it a line coding"),
        (text("", count=4, name="WCTDM/0"), "dahdi_cfg has not set up its channels"),
        (text("", count=24, name="DYN/eth/eth0/0"), "dahdi_cfg has not set up its channels"),
        # analog cards that are not known to raise an alarm
        (text("", "FXSKS", 4, name="WRTDM/0"), "no alarm of this card is known"),
        (text("", "FXSKS", 4, name="OPVXA24XX/24"), "no alarm of this card is known"),
        (text("", "FXSLS", 8, name="NEWCARD/1"), "no alarm of this card is known"),
        (text("", "FXSKS", 1, name="WCTDM/0") + "\t   2 NEW/0/1 FXSKS \n", "no alarm of this card is known"),
        (text("", "FXOKS", 4, name="WCTDM/0"), "no channel of it has FXS signalling"),
        (
            text("", "FXSKS RED", 1, name="WCTDM/0") + "\t   2 WCTDM/0/1 FXSKS \n",
            "some of its ports have an alarm",
        ),
        (
            text("", "FXSKS RED", 1, name="NEW/0") + "\t   2 NEW/0/1 FXSKS \n",
            "some of its ports have an alarm",
        ),
        (
            text("", "FXSKS", 1, name="WCTDM/0") + "\t   2 WCTDM/0/1 FXOKS RED \n",
            "some of its ports have an alarm",
        ),
        (text("", "FXSKS", 2, name="WCTDM/0", alarm="RECOVERING"), "some of its ports have an alarm"),
        # kinds that nobody knows
        (text("AMI/CCS", "Clear", 2, name="GSM/0/1"), "what kind of span it is cannot be told"),
        (text("AMI/CCS", "Clear", 4), "what kind of span it is cannot be told"),
        (text("ESF/HDB3", "Clear", 24), "what kind of span it is cannot be told"),
        (text("AMI", "Clear", 24), "what kind of span it is cannot be told"),
        # words that nobody knows
        (text("CCS/HDB3/CRC4 PURPLE", "Clear", 31), "'PURPLE' in /proc/dahdi/1 is not understood"),
        (text("CCS/XDB3", "Clear", 31), "'CCS/XDB3' in /proc/dahdi/1 is not understood"),
        (text("CCS/HDB3 Status=down", "Clear", 31), "'Status=down' in /proc/dahdi/1 is not understood"),
        (text("CCS/HDB3", "QSIG", 31), "the signalling 'QSIG' of its channels is not understood"),
        (text("CCS/HDB3", "Clear DEAD", 31), "the signalling 'Clear DEAD' of its channels"),
        (PRI + "\tline is down\n", "'line is down' in /proc/dahdi/1 is not understood"),
        (PRI + "\t  32 CARD/0/32 Cle", "the text ends in the middle of a line"),
        (text("CCS/HDB3", "FXSKS", 31, alarm="RED"), "the span has no alarm and a channel of it has one"),
        # an alarm of a span that was never set up is no sign of a line that settles
        (text("RECOVERING", count=31), "dahdi_cfg has not set up its channels"),
        (text("AMI/CCS YELLOW", "Clear", 2), "what kind of span it is cannot be told"),
    ],
)
def test_what_is_not_known_is_unverifiable_and_says_why_and_what_to_do(proc: str, why: str) -> None:
    span = one(proc)
    assert line_of(span) is Line.UNVERIFIABLE
    assert why in explain(span)
    reading = read_line(Known((span,), 1.0), (span.number,), 1.0)
    assert not arrived(reading)
    assert isinstance(reading, Known)
    assert f"span {span.number} ({span.name}): " in reading.why
    assert why in reading.why
    assert any(
        word in reading.why
        for word in ("RHINOSPANS", "dahdi_cfg", "test call", "driver", "span of this node")
    )


@pytest.mark.parametrize(
    ("proc", "line"),
    [
        (text("", "FXSKS", 4, name="OPVXA24XX/24", alarm="RED"), Line.ABSENT),
        (text("", "FXSKS", 4, name="NEWCARD/0", alarm="RED"), Line.ABSENT),
        (text("RED", count=31), Line.ABSENT),
        (text("LOS", "Clear", 31), Line.ABSENT),
        (text("CCS/HDB3 Red", "Clear", 31), Line.ABSENT),
        (text("AMI/CCS RED", "Clear", 2), Line.ABSENT),
        (text("CCS/HDB3 YELLOW", "Clear", 31), Line.SETTLING),
        (text("YELLOW", "Clear", 24, name="DYN/eth/eth0/0"), Line.SETTLING),
    ],
)
def test_alarms_count_on_every_card(proc: str, line: Line) -> None:
    assert line_of(one(proc)) is line


@pytest.mark.parametrize(
    ("head", "name", "cause"),
    [
        ("CCS/HDB3 NOTOPEN", "TE4/0/1", "ends when Asterisk runs"),
        ("CCS/HDB3 NOTOPEN RED", "TE4/0/1", ""),
        ("CCS/HDB3 LOOP", "TE4/0/1", "looped back for a test"),
        ("CCS/HDB3 RED", "TE4/0/1", ""),
    ],
)
def test_what_else_may_be_behind_an_alarm_is_said(head: str, name: str, cause: str) -> None:
    reading = read_line(Known((one(text(head, "Clear", 31, name=name)),), 1.0), (), 1.0)
    assert isinstance(reading, Known)
    assert reading.value is Line.ABSENT
    assert cause in reading.why
    assert bool(cause) == bool(reading.why)


def test_a_bri_line_that_sleeps_is_absent_and_it_is_said_that_it_may_only_sleep() -> None:
    reading = read_line(Known((one(text("AMI/CCS RED", "Clear", 3)),), 1.0), (), 1.0)
    assert reading == Known(Line.ABSENT, 1.0)
    assert isinstance(reading, Known) and "sleep between calls" in reading.why


# -- several spans, and what sysfs adds ---------------------------------------------------------------------


def both(root: Path, wanted: tuple[int, ...] = ()) -> Reading[Line]:
    """The line as both readers see it, who must agree."""
    quick = read_line_quick(root, wanted, 1.0)
    assert read_line(read_spans(root, 1.0), wanted, 1.0) == quick
    return quick


def put(root: Path, *procs: str) -> None:
    place = root / "proc/dahdi"
    place.mkdir(parents=True, exist_ok=True)
    for number, proc in enumerate(procs, 1):
        (place / str(number)).write_text(proc.replace("Span 1:", f"Span {number}:"))


def test_where_only_the_timing_is_left_the_line_is_unknown(tmp_path: Path) -> None:
    DahdiTree(tmp_path, [DUMMY])
    reading = both(tmp_path)
    assert isinstance(reading, Unknown)
    assert (
        reading.reason == "DAHDI has only DAHDI_DUMMY/1, without channels: no driver of a card shows a span"
    )
    named = both(tmp_path, (1,))
    assert isinstance(named, Known) and named.value is Line.UNVERIFIABLE


def test_a_span_that_only_gives_the_timing_says_nothing_of_the_card_beside_it(tmp_path: Path) -> None:
    tree = DahdiTree(tmp_path, [DUMMY, R1T1])
    assert both(tmp_path) == Known(Line.CLEAR, 1.0)
    tree.set_alarm("RED")
    assert both(tmp_path) == Known(Line.ABSENT, 1.0)


def test_one_span_that_was_not_set_up_is_enough_until_rhinospans_leaves_it_out(tmp_path: Path) -> None:
    DahdiTree(tmp_path, [R1T1, replace(R1E1, set_up=False)])
    reading = both(tmp_path)
    assert isinstance(reading, Known) and reading.value is Line.UNVERIFIABLE
    assert reading.why.startswith("span 2 (R1T1/1): dahdi_cfg has not set up its channels")
    assert "name in RHINOSPANS only the spans that have one" in reading.why
    assert both(tmp_path, (1,)) == Known(Line.CLEAR, 1.0)


def test_the_same_reason_is_said_once_for_all_its_spans(tmp_path: Path) -> None:
    DahdiTree(tmp_path, [replace(R2T1, set_up=False)])
    reading = both(tmp_path)
    assert isinstance(reading, Known)
    assert reading.why.startswith("span 1 (R2T1/0/1), 2 (R2T1/0/2): dahdi_cfg has not")
    assert reading.why.count("dahdi_cfg has not") == 1


@pytest.mark.parametrize(
    ("alarms", "line"),
    [("0x0", Line.CLEAR), ("0x100", Line.ABSENT), ("0x400", Line.ABSENT), ("0x8000", Line.UNVERIFIABLE)],
)
def test_alarms_for_which_proc_has_no_word_are_seen_by_the_quick_look_too(
    tmp_path: Path, alarms: str, line: Line
) -> None:
    DahdiTree(tmp_path, [R1T1])
    span = tmp_path / "sys/bus/dahdi_spans/devices/span-1"
    (span / "alarms").write_text(f"{alarms}\n")
    assert both(tmp_path) == Known(line, 1.0)


@pytest.mark.parametrize(
    ("spantype", "kind", "line"),
    [
        ("T1", SpanKind.T1, Line.UNVERIFIABLE),  # no line coding: never set up
        ("FXO", SpanKind.ANALOG, Line.UNVERIFIABLE),
        ("DYNAMIC", SpanKind.NETWORK, Line.CLEAR),
        ("INVALID", SpanKind.UNKNOWN, Line.UNVERIFIABLE),
    ],
)
def test_the_kind_that_sysfs_says_is_no_alarm_by_itself(
    tmp_path: Path, spantype: str, kind: SpanKind, line: Line
) -> None:
    put(tmp_path, text("", "Clear", 24))
    place = tmp_path / "sys/bus/dahdi_spans/devices/span-1"
    place.mkdir(parents=True)
    (place / "spantype").write_text(f"{spantype}\n")
    spans = read_spans(tmp_path, 1.0)
    assert isinstance(spans, Known)
    assert spans.value[0].kind is kind
    assert both(tmp_path) == Known(line, 1.0)


def test_an_analog_card_with_a_line_coding_contradicts_itself() -> None:
    span = replace(one(text("ESF/B8ZS", "FXSKS", 4, name="WCTDM/0")), span_type="FXO")
    assert "it is analog and yet has a line coding" in explain(span)


def test_a_span_in_the_file_of_another_is_not_understood(tmp_path: Path) -> None:
    place = tmp_path / "proc/dahdi"
    place.mkdir(parents=True)
    (place / "2").write_text(PRI)
    assert isinstance(both(tmp_path), Unknown)


def test_what_the_simulator_offers(tmp_path: Path) -> None:
    """Cards of other makes: the battery of a Digium card is watched, of Sangoma's A200 it is not, as far as known."""
    for place, (card, line) in {
        "digium": (TDM400P, Line.CLEAR),
        "sangoma": (A200, Line.UNVERIFIABLE),
        "rhino": (RCB8FXX, Line.UNVERIFIABLE),
    }.items():
        tree = DahdiTree(tmp_path / place, [card])
        assert both(tree.root) == Known(line, 1.0)
        tree.set_alarm("RED")
        assert both(tree.root) == Known(Line.ABSENT if card is TDM400P else line, 1.0)
        tree.set_alarm("OK")
        assert both(tree.root) == Known(line, 1.0)
