"""Twenty racks made from a seed: dahdi_scan, dahdi_cfg and lsdahdi see in each what our own readers see.

The C tools ask the same file by the same ioctls that they ask of a kernel; it is answered from the tree.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from appliance.core.reading import Known
from appliance.dahdi.alarms import from_words
from appliance.dahdi.directory import read_configuration
from appliance.dahdi.span import DIGITAL, Span, SpanKind
from appliance.dahdi.spans import read_hardware
from hwsim.card.fuse_file import FuseFile
from hwsim.dahdi.cards import (
    A200,
    DUMMY,
    R1T1,
    R2T1,
    R4T1,
    RCB4FXO,
    RCB8FXX,
    RCB24FXS,
    TDM400P,
    SpanCard,
    as_e1,
)
from hwsim.dahdi.control import SpanControl
from hwsim.dahdi.tree import DahdiTree

# lsdahdi ends with an error where an R1T1 runs E1: it takes the card's description for that of a T1.
CARDS = (R1T1, R2T1, R4T1, as_e1(R2T1), as_e1(R4T1), RCB4FXO, RCB8FXX, RCB24FXS, TDM400P, A200)
ALARMS = ("OK", "OK", "RED", "YELLOW", "BLUE", "RECOVERING", "LOOP", "NOTOPEN")
# A /dev of the tool's own, with the answered file at its place.
_OWN_DEV = """
mount -t tmpfs tmpfs /dev && mkdir /dev/dahdi /dev/shm && touch /dev/dahdi/ctl && mknod -m 666 /dev/null c 1 3 || exit
mount --bind "$0" /dev/dahdi/ctl && exec "$@"
"""


@dataclass(frozen=True)
class Rack:
    """A generated rack, and what was seen of it: by our readers, by each tool, and in what dahdi_genconf wrote."""

    cards: tuple[SpanCard, ...]
    place: Path
    spans: tuple[Span, ...] = ()
    scanned: str = ""
    listed: str = ""
    configured: str = ""


def generated(seed: int, place: Path) -> tuple[Rack, DahdiTree]:
    """One to four cards, some never set up; alarms on some spans, and now and then the last but one is gone."""
    chance = Random(seed)
    cards = tuple(
        replace(chance.choice(CARDS), set_up=chance.random() < 0.8) for _ in range(chance.randint(1, 4))
    )
    if chance.random() < 0.2:
        cards = (DUMMY,)
    tree = DahdiTree(place / "root", cards)
    for number in tree.now_there():
        tree.set_alarm(chance.choice(ALARMS), [number])
    if len(tree.now_there()) > 1 and chance.random() < 0.5:
        tree.remove(max(tree.now_there()) - 1)  # dahdi_scan ends after the next span: see docs/facts/dahdi.md
    return Rack(cards, place), tree


def told(program: str, *words: str, ctl: Path, **env: str) -> str:
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _OWN_DEV, ctl, program, *words],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    # Ending with 1 is dahdi_scan's way to say that the last number it tried is no span.
    assert done.returncode == 0 or (program == "dahdi_scan" and not done.stderr), done.stderr
    return done.stdout


def _look(rack: Rack, root: Path, ctl: Path) -> Rack:
    """Ask all of them; in a thread, since the loop is what answers."""
    seen = read_hardware(root, 1.0)
    assert isinstance(seen, Known)
    conf, channels, parameters = (
        rack.place / name for name in ("system.conf", "dahdi-channels.conf", "genconf_parameters")
    )
    parameters.write_text("")
    told(
        "dahdi_genconf",
        "system",
        "chandahdi",
        ctl=ctl,
        DAHDI_VIRT_TOP=str(root),
        DAHDI_CONF_FILE=str(conf),
        CHAN_DAHDI_CHANNELS_FILE=str(channels),
        GENCONF_PARAMETERS=str(parameters),
    )
    return replace(
        rack,
        spans=seen.value,
        scanned=told("dahdi_scan", ctl=ctl),
        listed=told("lsdahdi", ctl=ctl, DAHDI_VIRT_TOP=str(root)),
        configured=told("dahdi_cfg", "-t", "-v", "-v", "-c", str(conf), ctl=ctl),
    )


async def _asked(rack: Rack, tree: DahdiTree) -> Rack:
    ctl = tree.root / "dev/dahdi/ctl"
    ctl.parent.mkdir(parents=True)
    file = FuseFile(ctl, SpanControl(tree))
    try:
        return await asyncio.to_thread(_look, rack, tree.root, ctl)
    finally:
        file.close()


@pytest.fixture(scope="module")
def racks(tmp_path_factory: pytest.TempPathFactory) -> list[Rack]:
    return [
        asyncio.run(_asked(*generated(seed, tmp_path_factory.mktemp(f"rack{seed}")))) for seed in range(20)
    ]


def scanned(text: str) -> dict[int, dict[str, list[str]]]:
    """What dahdi_scan prints: for each span its values by their names; `port` comes several times."""
    found: dict[int, dict[str, list[str]]] = {}
    for line in text.splitlines():
        if head := re.fullmatch(r"\[(\d+)\]", line):
            values = found.setdefault(int(head[1]), {})
        else:
            name, _, value = line.partition("=")
            values.setdefault(name, []).append(value)
    return found


def has_no_hole_before(span: Span, rack: Rack) -> bool:
    return rack.spans.index(span) == span.number - 1


def each_span(
    racks: list[Rack], compare: Callable[[Span, dict[str, list[str]]], None], *, after_holes: bool = True
) -> int:
    """Compare every span of every rack with what dahdi_scan says of it; return how many there were."""
    count = 0
    for rack in racks:
        said = scanned(rack.scanned)
        assert list(said) == [span.number for span in rack.spans], rack.cards
        for span in rack.spans:
            if after_holes or has_no_hole_before(span, rack):
                compare(span, said[span.number])
                count += 1
    return count


def test_the_racks_are_of_many_kinds(racks: list[Rack]) -> None:
    spans = [span for rack in racks for span in rack.spans]
    assert {span.kind for span in spans} >= {SpanKind.T1, SpanKind.E1, SpanKind.ANALOG}
    assert any(span.alarms for span in spans)
    assert any(not span.line_config and span.kind in DIGITAL for span in spans)
    assert any(not has_no_hole_before(rack.spans[-1], rack) for rack in racks)


def test_dahdi_scan_names_the_same_spans_at_the_same_places(racks: list[Rack]) -> None:
    def compare(span: Span, said: dict[str, list[str]]) -> None:
        assert said["name"] == [span.name]
        assert said["description"] == [span.description]
        assert said["location"] == [span.location]
        assert said["totchans"] == [str(len(span.channels))]

    assert each_span(racks, compare) > 40


def test_dahdi_scan_counts_the_same_channels_where_no_span_is_missing(racks: list[Rack]) -> None:
    def compare(span: Span, said: dict[str, list[str]]) -> None:
        if span.channels:
            assert said["basechan"] == [str(span.channels[0].number)]

    assert each_span(racks, compare, after_holes=False) > 30


def test_dahdi_scan_shows_the_same_alarms(racks: list[Rack]) -> None:
    def compare(span: Span, said: dict[str, list[str]]) -> None:
        (words,) = said["alarms"]
        if words == "UNCONFIGURED":
            assert not span.alarms
            assert not any(channel.is_set_up for channel in span.channels)
        else:
            assert from_words(words) == span.alarms

    assert each_span(racks, compare) > 40


def test_dahdi_scan_knows_the_same_kinds_codings_and_ports(racks: list[Rack]) -> None:
    def compare(span: Span, said: dict[str, list[str]]) -> None:
        if not span.channels:
            assert "type" not in said
            return
        (kind,) = said["type"]
        if span.kind in DIGITAL:
            assert kind == f"digital-{span.kind.value}"
            can_be = set(",".join(said["coding_opts"] + said["framing_opts"]).split(","))
            assert can_be == span.line_compat
            config = "/".join(said["coding"] + said["framing"]).split("/")
            # The kernel has no bit for CAS: dahdi_scan says it of every E1 without CCS, set up or not.
            assert set(config) - {"", "CAS"} == span.line_config
        else:
            ports = dict(port.split(",") for port in said.get("port", []))
            assert kind == "analog"
            assert list(ports) == [str(channel.number) for channel in span.channels]
            for channel in span.channels:
                wanted = {"FXSKS": "FXO", "FXOKS": "FXS"}.get(channel.signalling)
                assert wanted is None or ports[str(channel.number)] == wanted

    assert each_span(racks, compare, after_holes=False) > 30


def test_lsdahdi_lists_the_same_channels(racks: list[Rack]) -> None:
    for rack in racks:
        heads = re.findall(r"^### Span +(\d+): (.*)$", rack.listed, re.MULTILINE)
        assert [int(number) for number, _ in heads] == [span.number for span in rack.spans], rack.cards
        for span, (_, head) in zip(rack.spans, heads, strict=True):
            assert head.startswith(f'{span.name} "{span.description}"')
            assert from_words(head.rpartition('"')[2]) == span.alarms
        channels = [channel for span in rack.spans for channel in span.channels]
        rows = re.findall(r"^ *(\d+) (\S+)(.*)$", rack.listed, re.MULTILINE)
        assert [int(number) for number, _, _ in rows] == [channel.number for channel in channels]
        for channel, (_, _, rest) in zip(channels, rows, strict=True):
            assert channel.signalling in rest
            assert ("In use" in rest) == channel.in_use
            assert ("RED" in rest) == bool(channel.alarms & from_words("RED"))


def test_dahdi_cfg_reads_the_same_out_of_the_written_configuration(racks: list[Rack]) -> None:
    lines = used = 0
    for rack in racks:
        system = read_configuration(rack.place).system
        spans = re.findall(r"^SPAN (\d+): *([^ ]+)", rack.configured, re.MULTILINE)
        assert [(str(line.number), f"{line.framing}/{line.coding}".upper()) for line in system.spans] == spans
        channels = re.findall(r"^Channel (\d+): ", rack.configured, re.MULTILINE)
        ours = sorted(channel for use in system.uses for channel in use.channels)
        assert ours == [int(channel) for channel in channels], rack.configured
        lines, used = lines + len(spans), used + len(channels)
    assert lines > 20
    assert used > 500
