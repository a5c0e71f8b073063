"""Does a configuration fit the cards? Cards as Rhino's and others' drivers print them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi.configuration import (
    Configuration,
    parse_channel_file,
    parse_modules,
    parse_system_conf,
)
from appliance.dahdi.fit import driver_warnings, idle_spans, misfits
from appliance.dahdi.proc import parse_span
from appliance.dahdi.report import pack_spans, unpack_spans
from appliance.dahdi.span import Span, SpanKind
from appliance.dahdi.spans import read_hardware
from hwsim.dahdi.cards import R1E1, R1T1, R2T1, RCB4FXO, RCB8FXX, RCB24FXS, SpanCard
from hwsim.dahdi.tree import DahdiTree

T1 = "span=1,1,0,esf,b8zs\nbchan=1-23\ndchan=24\n"
E1 = "span=1,1,0,ccs,hdb3,crc4\nbchan=1-15,17-31\ndchan=16\n"
SECOND_T1 = "span=2,2,0,esf,b8zs\nbchan=25-47\ndchan=48\n"
DYNAMIC = "dynamic=eth,eth0/02:00:00:00:00:01/0,24,0\n"


def hardware(root: Path, cards: Sequence[SpanCard]) -> tuple[Span, ...]:
    DahdiTree(root, cards)
    seen = read_hardware(root, 1.0)
    assert isinstance(seen, Known)
    return seen.value


def configuration(text: str, files: Mapping[str, str] | None = None, modules: str = "") -> Configuration:
    channels = {name: parse_channel_file(content) for name, content in (files or {}).items()}
    return Configuration(parse_system_conf(text), channels, parse_modules(modules))


def says(wanted: Configuration, spans: Sequence[Span]) -> list[str]:
    return [misfit.says for misfit in misfits(wanted, Known(tuple(spans), 1.0))]


def spans_of(*texts: str) -> list[Span]:
    found = [parse_span(text) for text in texts]
    return [span for span in found if span is not None]


@pytest.mark.parametrize(
    ("cards", "text"),
    [
        ([R1T1], T1),
        ([R1T1], T1.replace("esf,b8zs", "d4,ami")),
        ([R1T1], T1.replace("dchan", "hardhdlc")),
        ([R1T1], "span=1,1,0,esf,b8zs\nfxoks=1-24\n"),  # a channel bank
        (
            [R1T1],
            "span=1,1,0,esf,b8zs\nbchan=1-15,17-24\ndchan=16\n",
        ),  # a D-channel stands where the file puts it
        ([R1T1], "span=1,1,0,esf,b8zs\nmtp2=1\nbchan=2-24\n"),  # SS7
        ([R1E1], "span=1,1,0,ccs,hdb3,crc4\ndchan=1\nbchan=2-31\n"),  # SS7 with chan_ss7
        ([R1E1], "span=1,1,0,ccs,hdb3,crc4\nfcshdlc=1-4\nrawhdlc=5\nbchan=17-31\n"),
        ([R1E1], "span=1,1,0,cas,hdb3\ncas=1-15,17-31:1101\ndchan=16\n"),
        ([R1T1], "span=1,1,0,esf,b8zs\nbchan=1-24\n"),  # NFAS: the D-channel is on another span
        ([R1E1], E1),
        ([R1E1], E1.replace(",crc4", "")),
        ([R1E1], "span=1,1,0,cas,hdb3\ncas=1-15,17-31:1101\n"),
        ([R2T1], T1 + SECOND_T1),
        ([R2T1], T1),  # a spare span
        ([RCB4FXO], "fxsks=1-3\n"),
        ([RCB8FXX], "fxsks=1-4\nfxoks=5-8\n"),
        ([RCB24FXS], "fxoks=1-24\nechocanceller=mg2,1-24\n"),
        ([RCB4FXO, R1T1], "fxsks=1-3\nspan=2,1,0,esf,b8zs\nbchan=5-27\ndchan=28\n"),
        ([R1T1], T1 + DYNAMIC + "bchan=25-47\ndchan=48\n"),
        ([], DYNAMIC + "bchan=1-23\ndchan=24\n"),
        ([], "loadzone=us\ndefaultzone=us\n"),
    ],
)
def test_what_was_made_for_the_card_fits(tmp_path: Path, cards: list[SpanCard], text: str) -> None:
    assert says(configuration(text), hardware(tmp_path, cards)) == []


@pytest.mark.parametrize(
    ("cards", "text", "wanted"),
    [
        ([R1T1], E1, ["span 1: the configuration says E1 (ccs), this node's span 1 R1T1/0 is T1"]),
        ([R1E1], T1, ["span 1: the configuration says T1 (esf), this node's span 1 R1T1/0 is E1"]),
        (
            [R1T1],
            "span=1,1,0,ccs,ami\nbchan=1-2\nhardhdlc=3\n",
            ["span 1: the configuration says BRI or E1 (ccs), this node's span 1 R1T1/0 is T1"],
        ),
        (
            [RCB4FXO],
            T1,
            ["span 1: the configuration says T1 (esf), this node's span 1 Rhino RCB4FXO/1 is analog"],
        ),
        (
            [R1T1],
            "fxsks=1-3\n",
            [
                "span 1: the configuration uses its channels 1-3 without a span line, this node's span 1 R1T1/0 is T1"
            ],
        ),
        (
            [R1T1],
            T1 + SECOND_T1,
            ["span 2: the configuration sets it up, this node has only span 1"],
        ),
        ([], T1, ["span 1: the configuration sets it up, this node has no span"]),
        ([R2T1], "", ["this node has spans 1-2, and the configuration sets up nothing"]),
        ([], "fxsks=1-2\n", ["fxsks 1-2 is set up, the channels of this node are none"]),
        (
            [RCB4FXO],
            "fxsks=1-3,9\n",
            ["fxsks 9 is set up, the channels of this node are 1-4"],
        ),
        (
            [R1T1],
            T1 + "bchan=30\n",
            ["span 1: bchan 30 is set up, the channels of this node are 1-24"],
        ),
        (
            [R1T1],
            T1 + DYNAMIC + "bchan=25-47\ndchan=48\nfxsks=49\n",
            [
                "bchan 25-47 is set up, the channels of this node are 1-24",
                "dchan 48 is set up, the channels of this node are 1-24",
                "fxsks 49 is set up, the channels of this node are 1-24",
            ],
        ),
        (
            [R1T1],
            "span=1,1,0,esf,hdb3,crc4\n",
            ["span 1: the configuration says hdb3, crc4, this node's span 1 R1T1/0 cannot do that"],
        ),
        (
            [RCB8FXX],
            "fxoks=1-4\nfxsks=5-8\n",
            [
                "span 1: fxoks 1-4 does not go with this node's span 1 Rhino RCB8FXX/1: "
                "it is an FXO port, and that needs FXS",
                "span 1: fxsks 5-8 does not go with this node's span 1 Rhino RCB8FXX/1: "
                "it is an FXS port, and that needs FXO",
            ],
        ),
        (
            [RCB4FXO],
            "fxsks=1-4\n",
            ["span 1: fxsks 4 does not go with this node's span 1 Rhino RCB4FXO/1: no module sits there"],
        ),
        (
            [RCB4FXO],
            "bchan=1-2\n",
            ["span 1: bchan 1-2 does not go with this node's span 1 Rhino RCB4FXO/1: it is analog"],
        ),
    ],
)
def test_what_was_made_for_another_card_is_named_span_by_span(
    tmp_path: Path, cards: list[SpanCard], text: str, wanted: list[str]
) -> None:
    assert says(configuration(text), hardware(tmp_path, cards)) == wanted


@pytest.mark.parametrize(
    ("cards", "text", "wanted"),
    [
        ([R1T1], "signalling=pri_cpe\nchannel => 1-23\n", []),
        ([RCB4FXO], "signalling=fxs_ks\nchannel => 1-3\n", []),
        (
            [R1T1],
            "signalling=pri_cpe\nchannel => 1-23,25\n",
            ["c.conf: pri_cpe 25 is set up, the channels of"],
        ),
        ([R1T1], "signalling=bri_cpe\nchannel => 1-2\n", ["span 1: c.conf: bri_cpe 1-2 does not go with"]),
        ([RCB4FXO], "signalling=pri_cpe\nchannel => 1-3\n", ["span 1: c.conf: pri_cpe 1-3 does not go with"]),
        ([RCB4FXO], "signalling=fxo_ks\nchannel => 1\n", ["span 1: c.conf: fxo_ks 1 does not go with"]),
    ],
)
def test_channel_files_are_held_against_the_card_too(
    tmp_path: Path, cards: list[SpanCard], text: str, wanted: list[str]
) -> None:
    system = T1 if cards == [R1T1] else "fxsks=1-3\n"
    found = says(configuration(system, {"c.conf": text}), hardware(tmp_path, cards))
    assert len(found) == len(wanted)
    for sentence, beginning in zip(found, wanted, strict=True):
        assert sentence.startswith(beginning)


def test_a_span_that_is_missing_is_named_once_and_not_for_each_of_its_channels(tmp_path: Path) -> None:
    files = {"dahdi-channels.conf": "signalling=pri_cpe\nchannel => 1-23\nchannel => 25-47\n"}
    found = says(configuration(T1 + SECOND_T1, files), hardware(tmp_path, [R1T1]))
    assert found == ["span 2: the configuration sets it up, this node has only span 1"]


@pytest.mark.parametrize(
    ("modules", "fits"),
    [("r1t1\n", True), ("wct4xxp\nr1t1\n", True), ("", True), ("# r1t1\n", True), ("rxt1\n", False)],
)
def test_a_driver_that_modules_leaves_out_is_loaded_now_and_only_warned_of(
    tmp_path: Path, modules: str, fits: bool
) -> None:
    wanted, spans = configuration(T1, modules=modules), hardware(tmp_path, [R1T1])
    assert says(wanted, spans) == []
    warning = (
        "span 1: modules names rxt1 and leaves out r1t1, the driver of this node's span 1 R1T1/0: after a restart the "
        "span is there only if udev or another program loads it"
    )
    found = [one.says for one in driver_warnings(wanted, Known(spans, 1.0))]
    assert found == ([] if fits else [warning])
    assert driver_warnings(wanted, Unknown("DAHDI is not loaded", 1.0)) == ()


def test_a_driver_that_is_not_known_is_not_held_against_it(tmp_path: Path) -> None:
    spans = tuple(replace(span, driver="") for span in hardware(tmp_path, [R1T1]))
    assert driver_warnings(configuration(T1, modules="rxt1\n"), Known(spans, 1.0)) == ()


def test_the_driver_is_the_module_though_its_directory_has_spaces_in_its_name(tmp_path: Path) -> None:
    DahdiTree(tmp_path, [R2T1])
    pci = tmp_path / "sys/bus/pci/drivers"
    (pci / "rxt1").rename(pci / "Rhino R2T1 Driver")
    link = tmp_path / "sys/devices/pci0000:00/0000:02:08.0/driver"
    link.unlink()
    link.symlink_to(pci / "Rhino R2T1 Driver")
    seen = read_hardware(tmp_path, 1.0)
    assert isinstance(seen, Known)
    assert [span.driver for span in seen.value] == ["rxt1", "rxt1"]


def test_the_kernels_list_decides_what_a_span_can_do(tmp_path: Path) -> None:
    (span,) = hardware(tmp_path, [R1E1])
    assert says(configuration(E1), [replace(span, line_compat=frozenset())]) == []
    old = replace(span, line_compat=frozenset({"CCS", "HDB3"}))
    assert says(configuration(E1), [old]) == [
        "span 1: the configuration says crc4, this node's span 1 R1T1/0 cannot do that"
    ]


def test_holes_in_the_numbers_are_no_trouble(tmp_path: Path) -> None:
    DahdiTree(tmp_path, [R1T1, R2T1]).remove(2)
    seen = read_hardware(tmp_path, 1.0)
    third = "span=3,1,0,esf,b8zs\nbchan=49-71\ndchan=72\n"
    assert misfits(configuration(T1 + third), seen) == ()
    found = misfits(configuration(T1 + SECOND_T1 + third), seen)
    assert [(misfit.span, misfit.says) for misfit in found] == [
        (2, "span 2: the configuration sets it up, this node has only spans 1, 3")
    ]


BRI = (
    'Span 1: WCBRI/0/1 "Wildcard B410P" AMI/CCS \n\n'
    "\t   1 WCBRI/0/1/1 \n\t   2 WCBRI/0/1/2 \n\t   3 WCBRI/0/1/3 \n"
)
WCTDM = (
    'Span 1: WCTDM/0 "Wildcard TDM400P REV I Board 1" \n\n'
    "\t   1 WCTDM/0/0 FXSKS (In use) \n\t   2 WCTDM/0/1 FXOKS (In use) \n\t   3 WCTDM/0/2 \n"
)
NEVER_SET_UP = 'Span 1: R1T1/0 "Rhino R1T1 T1/PRI Card 0" \n\n' + "".join(
    f"\t{number:4d} R1T1/0/{number} \n" for number in range(1, 25)
)
GSM = (
    'Span 1: GSMCARD/0/1 "gsm card 0" AMI/CCS \n\n\t   1 GSMCARD/0/1/1 Clear \n\t   2 GSMCARD/0/1/2 Clear \n'
)
STRANGER = 'Span 1: NEWCARD/0 "Board 1" \n\n' + "".join(
    f"\t{number:4d} NEWCARD/0/{number} {{signalling}}\n" for number in range(1, 25)
)
CAS_E1 = 'Span 1: TE1/0 "Card 0" HDB3 \n\n' + "".join(
    f"\t{number:4d} TE1/0/{number} {'Reserved' if number == 16 else 'CAS'} \n" for number in range(1, 32)
)
ISDN2 = "span=1,1,0,ccs,ami\nbchan=1-2\nhardhdlc=3\n"


@pytest.mark.parametrize(
    ("proc", "text", "wanted"),
    [
        (BRI, ISDN2, []),
        (BRI, ISDN2.replace("hardhdlc=3", "dchan=3"), []),  # by software, as older drivers want it
        (BRI, "span=1,1,0,ccs,ami\nbchan=1,3\nhardhdlc=2\n", ["hardhdlc of BRI is on its channel 3, not 2"]),
        (BRI, "span=1,1,0,ccs,hdb3\n", ["says E1 (ccs), this node's span 1 WCBRI/0/1 is BRI"]),
        (BRI, "span=1,1,0,ccs,ami\nfxsks=1\n", ["fxsks 1 does not go"]),
        (WCTDM, "fxsks=1\nfxoks=2\n", []),
        (WCTDM, "fxoks=1\nfxsks=2\n", ["it is an FXO port", "it is an FXS port"]),
        (WCTDM, "fxoks=3\n", []),  # what sits there is not known
        (NEVER_SET_UP, T1, []),
        (NEVER_SET_UP, E1, ["says E1 (ccs), this node's span 1 R1T1/0 is T1"]),
        (
            NEVER_SET_UP.replace("\t   1 R1T1/0/1 \n", ""),
            T1,
            ["bchan 1 is set up, the channels of this node are 2-24"],
        ),
        (GSM, "bchan=1\nhardhdlc=2\n", []),  # set up by its own vendor's program: no span line
        (GSM, "span=1,0,0,ccs,ami\nbchan=1\nhardhdlc=2\n", []),
        (GSM, "span=1,0,0,ccs,ami\nbchan=1-2\nhardhdlc=3\n", ["hardhdlc 3 is set up"]),
        (STRANGER.format(signalling=""), "fxsks=1-24\n", []),  # an analog card or a T1: nobody can tell
        (STRANGER.format(signalling=""), T1, []),
        (STRANGER.format(signalling=""), E1, ["says E1 (ccs), this node's span 1 NEWCARD/0 is T1 or analog"]),
        (STRANGER.format(signalling="FXSKS "), "fxsks=1-24\n", []),
        (
            STRANGER.format(signalling="FXSKS "),
            "span=1,1,0,esf,b8zs\nfxsks=1-24\n",
            [],
        ),  # or a T1 to a channel bank
        (CAS_E1, "span=1,1,0,cas,hdb3\ncas=1-15,17-31:1101\n", []),
        (CAS_E1, T1, ["says T1 (esf), this node's span 1 TE1/0 is E1"]),
    ],
)
def test_spans_of_other_makes_and_before_dahdi_cfg(proc: str, text: str, wanted: list[str]) -> None:
    found = says(configuration(text), spans_of(proc))
    assert len(found) == len(wanted)
    for sentence, part in zip(found, wanted, strict=True):
        assert part in sentence


def test_a_dynamic_span_of_the_node_is_no_hardware() -> None:
    (span,) = spans_of(
        "Span 2: DYN/eth/eth0 \"Dynamic 'eth' span at 'eth0'\" \n\n\t   1 DYN/eth/eth0/1 Clear \n"
    )
    assert span.is_dynamic
    assert says(configuration(""), [span]) == []
    assert says(configuration(DYNAMIC + "bchan=1\n"), [span]) == []
    assert says(configuration("span=2,1,0,esf,b8zs\n"), [span]) == [
        "span 2: the configuration sets it up, this node has no span"
    ]


def test_spans_that_cannot_be_seen_fit_nothing_but_nothing() -> None:
    unknown = Unknown("DAHDI is not loaded: there is no /proc/dahdi", 1.0)
    assert misfits(configuration("loadzone=us\n", modules="r1t1\n"), unknown) == ()
    (found,) = misfits(configuration(T1), unknown, "hastandby")
    assert found.says == "hastandby's spans cannot be seen: DAHDI is not loaded: there is no /proc/dahdi"
    (channels,) = misfits(configuration("", {"c.conf": "channel=1\n"}), unknown)
    assert "cannot be seen" in channels.says


def test_spare_spans(tmp_path: Path) -> None:
    spans = hardware(tmp_path, [R2T1, RCB4FXO])
    assert idle_spans(configuration(T1), spans) == {2, 3}
    assert idle_spans(configuration(T1 + "fxsks=49\n"), spans) == {2}


def test_spans_travel_as_json(tmp_path: Path) -> None:
    seen = Known(hardware(tmp_path, [R2T1, RCB4FXO]), 1.0)
    arrived = unpack_spans(json.loads(json.dumps(pack_spans(seen))), 2.0)
    assert isinstance(arrived, Known)
    text = T1 + SECOND_T1 + "fxsks=49-52\n"
    assert misfits(configuration(text), arrived) == misfits(configuration(text), seen) != ()
    assert [span.hardware for span in arrived.value] == [SpanKind.T1, SpanKind.T1, SpanKind.ANALOG]
    assert [span.driver for span in arrived.value] == ["rxt1", "rxt1", "rcbfx"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (pack_spans(Unknown("no /proc/dahdi", 1.0)), "no /proc/dahdi"),
        ({}, "its asha does not tell its spans"),
        ({"spans": [{}]}, "its asha does not tell its spans"),
        ({"spans": 3}, "its asha does not tell its spans"),
        ({"spans": ["x"]}, "its asha does not tell its spans"),
    ],
)
def test_a_peer_that_does_not_tell_is_unknown(said: dict[str, object], reason: str) -> None:
    found: Reading[tuple[Span, ...]] = unpack_spans(said, 2.0)
    assert found == Unknown(reason, 2.0)
