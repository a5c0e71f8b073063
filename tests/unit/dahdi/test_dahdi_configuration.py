"""What the files of /etc/dahdi ask for, as dahdi_cfg, Asterisk and the init script read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.errors import HostError
from appliance.dahdi.configuration import (
    SpanLine,
    SystemConf,
    Use,
    parse_channel_file,
    parse_modules,
    parse_system_conf,
)
from appliance.dahdi.directory import read_configuration, refused_by_dahdi_cfg
from appliance.dahdi.span import parse_channels, spell_channels

TWENTY_THREE = tuple(range(1, 24))


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("1-3", (1, 2, 3)),
        ("1-2, 4 - 5 ,7", (1, 2, 4, 5, 7)),
        ("7,1-2,2", (1, 2, 7)),
        ("", ()),
        ("pseudo", ()),
        ("3-1", ()),
        ("0-1", (1,)),
        ("1022-9999", (1022, 1023)),
        ("1-99999999", ()),
        ("\u0663", ()),
    ],
)
def test_lists_of_channels(text: str, channels: tuple[int, ...]) -> None:
    assert parse_channels(text) == channels


def test_channels_are_spelled_in_runs() -> None:
    assert spell_channels([31, 1, 2, 3, 17, 18, 18]) == "1-3, 17-18, 31"
    assert spell_channels([]) == ""


@pytest.mark.parametrize(
    ("line", "span"),
    [
        ("span=1,1,0,esf,b8zs", SpanLine(1, "esf", "b8zs")),
        (" SPAN = 2 , 0, 0 , CCS, HDB3, CRC4 ,Yellow # to the exchange", None),
        ("span=3,0,0,ccs,ami,nt,term", SpanLine(3, "ccs", "ami", frozenset({"nt", "term"}))),
        ("span=4", SpanLine(4)),
    ],
)
def test_span_lines(line: str, span: SpanLine | None) -> None:
    wanted = span or SpanLine(2, "ccs", "hdb3", frozenset({"crc4", "yellow"}))
    assert parse_system_conf(f"# a comment\n{line}\n").spans == (wanted,)


@pytest.mark.parametrize(
    "line", ["span", "span=", "span=x,1,0,esf,b8zs", "# span=1,1,0,esf,b8zs", "loadzone=us"]
)
def test_what_is_no_span_line_asks_for_nothing(line: str) -> None:
    assert parse_system_conf(line) == SystemConf()


def test_channels_belong_to_the_span_line_above_but_analog_ones_to_none() -> None:
    text = "span=1,1,0,esf,b8zs\nbchan=1-23\nDCHAN = 24\nechocanceller=mg2,1-23\nfxsks=25\nbchan=26\n"
    assert parse_system_conf(text).uses == (
        Use("bchan", TWENTY_THREE, 1),
        Use("dchan", (24,), 1),
        Use("fxsks", (25,)),
        Use("bchan", (26,)),
    )


def test_words_after_a_colon_are_no_channels() -> None:
    assert parse_system_conf("cas=1-2:1101\ndacs=3:9\n").uses == (Use("cas", (1, 2)), Use("dacs", (3,)))


def test_dynamic_spans_bring_channels_of_their_own() -> None:
    text = "dynamic=eth,eth0/02:00:00:00:00:01/0,24,1\nbchan=1-23\ndynamic=loc,1:0,31,0\ndynamic=bad\n"
    conf = parse_system_conf(text)
    assert (conf.dynamic, conf.spans, conf.uses) == (55, (), (Use("bchan", TWENTY_THREE),))


def test_a_channel_file_has_the_signalling_set_before() -> None:
    text = """
; Span 1: R1T1/0 "Rhino R1T1 T1/PRI Card 0"
group=0,11
context=from-pstn
switchtype = euroisdn
signalling = pri_cpe
channel => 1-15,17-31
;--
channel => 99
--;
signalling=fxs_ks ; FXO
callerid=asreceived
channel=32 ;;; line="1"
channel => pseudo
#include other.conf
"""
    assert parse_channel_file(text) == (
        Use("pri_cpe", (*range(1, 16), *range(17, 32))),
        Use("fxs_ks", (32,)),
    )


def test_a_section_starts_without_a_signalling() -> None:
    text = "[channels]\nsignalling=pri_cpe\nchannel=1\n[phone](!)\ndahdichan=2\n"
    assert parse_channel_file(text) == (Use("pri_cpe", (1,)), Use("", (2,)))


def test_modules() -> None:
    assert parse_modules("# drivers\nrxt1\n wct4xxp # Digium\n\nxpp-usb rxt1\n") == (
        "rxt1",
        "wct4xxp",
        "xpp_usb",
    )


def test_a_directory_is_read_as_a_whole_and_what_describes_slots_is_no_channel_file(tmp_path: Path) -> None:
    assert not read_configuration(tmp_path / "none").wants_hardware
    (tmp_path / "system.conf").write_bytes(b"span=1,1,0,esf,b8zs\n# \xff\n")
    (tmp_path / "dahdi-channels.conf").write_text("signalling=pri_cpe\nchannel => 1-23\n")
    (tmp_path / "xpp.conf").write_text("x 1\n")
    (tmp_path / "span-types.conf").write_text("channel=7\n")
    (tmp_path / "modules").write_text("r1t1\n")
    found = read_configuration(tmp_path)
    assert found.system.spans == (SpanLine(1, "esf", "b8zs"),)
    assert found.files == {"dahdi-channels.conf": (Use("pri_cpe", TWENTY_THREE),), "xpp.conf": ()}
    assert found.modules == ("r1t1",)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "system.conf").mkdir()
    with pytest.raises(HostError, match=r"system\.conf could not be read"):
        read_configuration(tmp_path)


def test_without_dahdi_cfg_nothing_is_accepted_unless_there_is_nothing_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.host.process.shutil.which", lambda name, path: None)
    assert refused_by_dahdi_cfg(tmp_path) == ""
    (tmp_path / "system.conf").write_text("loadzone=us\n")
    with pytest.raises(HostError, match="'dahdi_cfg' was not found"):
        refused_by_dahdi_cfg(tmp_path)
