"""The real DAHDI tools read the fake tree, and see in it what our own readers see."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.reading import Known
from appliance.dahdi.directory import read_configuration
from appliance.dahdi.fit import idle_spans, misfits
from appliance.dahdi.spans import read_hardware, read_spans
from hwsim.dahdi.cards import DUMMY, R1T1, R2T1, R4T1, RCB4FXO, TDM400P, SpanCard, as_e1
from hwsim.dahdi.tree import DahdiTree


def tool(name: str, root: Path, *words: str, **env: str) -> str:
    done = subprocess.run(
        [name, *words],
        env={**os.environ, "DAHDI_VIRT_TOP": str(root), **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def genconf(root: Path, place: Path) -> tuple[str, str]:
    """What dahdi_genconf writes for the tree: system.conf, and the channels for Asterisk."""
    conf, channels = place / "system.conf", place / "dahdi-channels.conf"
    (place / "genconf_parameters").write_text("")
    tool(
        "dahdi_genconf",
        root,
        "system",
        "chandahdi",
        DAHDI_CONF_FILE=str(conf),
        CHAN_DAHDI_CHANNELS_FILE=str(channels),
        GENCONF_PARAMETERS=str(place / "genconf_parameters"),
    )
    return conf.read_text(), channels.read_text()


@pytest.fixture
def tree(tmp_path: Path) -> DahdiTree:
    return DahdiTree(tmp_path / "root", [R2T1, RCB4FXO])


def test_lsdahdi_lists_the_spans_channels_and_alarms_we_read(tree: DahdiTree) -> None:
    tree.set_alarm("RED", [2])
    shown = tool("lsdahdi", tree.root)
    spans = read_spans(tree.root, 1.0)
    assert isinstance(spans, Known)
    for span in spans.value:
        head = next(
            line for line in shown.splitlines() if line.startswith("###") and f" {span.number}:" in line
        )
        assert span.name in head
        assert ("RED" in head) == bool(span.alarms)
    listed = [line for line in shown.splitlines() if line.strip()[:1].isdigit()]
    assert len(listed) == sum(len(span.channels) for span in spans.value)


def test_lsdahdi_reads_what_was_never_set_up_other_makes_and_what_has_no_channels(tmp_path: Path) -> None:
    tree = DahdiTree(tmp_path, [replace(R1T1, set_up=False), TDM400P, DUMMY])
    tree.set_alarm("RED")
    shown = tool("lsdahdi", tree.root)
    heads = [line for line in shown.splitlines() if line.startswith("###")]
    assert len(heads) == 3
    assert not any("RED" in head for head in heads)
    listed = [line for line in shown.splitlines() if line.strip()[:1].isdigit()]
    assert len(listed) == 24 + 4
    assert sum("RED" in line for line in listed) == 2  # the ports where telephone lines come in


def test_dahdi_hardware_finds_the_cards_and_their_drivers(tree: DahdiTree) -> None:
    shown = tool("dahdi_hardware", tree.root)
    assert "rxt1+" in shown
    assert "0b0b:0605" in shown
    assert "rcbfx+" in shown


@pytest.mark.parametrize(
    ("card", "spans", "channels"),
    [
        (R1T1, ["span=1,1,0,esf,b8zs"], ["channel => 1-23"]),
        (R4T1, [f"span={n},{n},0,esf,b8zs" for n in (1, 2, 3, 4)], ["channel => 1-23", "channel => 73-95"]),
        (as_e1(R2T1), ["span=1,1,0,ccs,hdb3,crc4"], ["channel => 1-15,17-31", "channel => 32-46,48-62"]),
        (RCB4FXO, ["fxsks=1", "fxsks=3"], ["channel => 1"]),
    ],
)
def test_dahdi_genconf_configures_what_we_read(
    tmp_path: Path, card: SpanCard, spans: list[str], channels: list[str]
) -> None:
    root = DahdiTree(tmp_path / "root", [card]).root
    system, chan_dahdi = genconf(root, tmp_path)
    for line in spans:
        assert line in system
    for line in channels:
        assert line in chan_dahdi


@pytest.mark.parametrize("cards", [[R1T1], [R4T1], [as_e1(R2T1)], [RCB4FXO], [RCB4FXO, R2T1]])
def test_what_dahdi_genconf_writes_fits_the_cards_it_was_written_for_and_no_others(
    tmp_path: Path, cards: list[SpanCard]
) -> None:
    tree = DahdiTree(tmp_path / "root", cards)
    genconf(tree.root, tmp_path)
    wanted, seen = read_configuration(tmp_path), read_hardware(tree.root, 1.0)
    assert isinstance(seen, Known)
    assert wanted.files["dahdi-channels.conf"]
    assert misfits(wanted, seen) == ()
    assert idle_spans(wanted, seen.value) == frozenset()
    others = read_hardware(DahdiTree(tmp_path / "other", [as_e1(R1T1)]).root, 1.0)
    assert misfits(wanted, others)


def test_a_span_that_vanished_and_came_back_is_seen_so_by_both(tree: DahdiTree) -> None:
    for change, numbers in [(lambda: tree.remove(1), [2, 3]), (lambda: tree.restore(1), [1, 2, 3])]:
        change()
        tree.set_alarm("RED", [1, 2])
        heads = [line for line in tool("lsdahdi", tree.root).splitlines() if line.startswith("###")]
        spans = read_spans(tree.root, 1.0)
        assert isinstance(spans, Known)
        assert [span.number for span in spans.value] == numbers
        assert len(heads) == len(numbers)
