"""The real DAHDI tools read the fake tree, and see in it what our own readers see."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from appliance.core.reading import Known
from appliance.dahdi.spans import read_spans
from hwsim.dahdi.cards import R1T1, R2T1, RCB4FXO
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


def test_dahdi_hardware_finds_the_cards_and_their_drivers(tree: DahdiTree) -> None:
    shown = tool("dahdi_hardware", tree.root)
    assert "rxt1+" in shown
    assert "0b0b:0605" in shown
    assert "rcbfx+" in shown


def test_dahdi_genconf_writes_a_configuration_that_dahdi_cfg_accepts(tmp_path: Path) -> None:
    root = DahdiTree(tmp_path / "root", [R1T1]).root
    conf, channels = tmp_path / "system.conf", tmp_path / "dahdi-channels.conf"
    (tmp_path / "genconf_parameters").write_text("")
    tool(
        "dahdi_genconf",
        root,
        "system",
        "chandahdi",
        DAHDI_CONF_FILE=str(conf),
        CHAN_DAHDI_CHANNELS_FILE=str(channels),
        GENCONF_PARAMETERS=str(tmp_path / "genconf_parameters"),
    )
    assert "span=1,1,0,esf,b8zs" in conf.read_text()
    assert "channel => 1-23" in channels.read_text()
