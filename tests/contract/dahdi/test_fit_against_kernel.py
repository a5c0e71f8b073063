"""The TELEPHONY guard against what dahdi_cfg and the kernel do with the same configuration.

`Port` and `Card` are a model of what the kernel checks: the signallings that a driver allows on each channel (sigcap,
in dahdi_ioctl_chanconfig) and the framings and codings of each span (linecompat, in dahdi_ioctl_spanconfig), as
wct4xxp, wcb4xxp, wctdm and opvxa1200 set them. dahdi_cfg itself reads the text.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from appliance.core.reading import Known
from appliance.dahdi.configuration import Configuration, parse_system_conf
from appliance.dahdi.fit import misfits
from appliance.dahdi.proc import parse_span
from appliance.dahdi.span import Span

_OWN_DEV = """
mount -t tmpfs tmpfs /dev && mkdir /dev/dahdi /dev/shm && touch /dev/dahdi/ctl && mknod -m 666 /dev/null c 1 3 || exit
exec "$@"
"""
_ASK = """
import json, sys
from pathlib import Path
from appliance.dahdi.directory import refused_by_dahdi_cfg
print(json.dumps([refused_by_dahdi_cfg(Path(place)) for place in sys.argv[1:]]))
"""
_CLEAR = frozenset({"bchan", "indclear", "dchan", "fcshdlc"})
_TO_FXO, _TO_FXS = frozenset({"fxsks", "fxsls"}), frozenset({"fxoks", "fxols", "fxogs"})
_KEYWORDS = sorted(_CLEAR | _TO_FXO | _TO_FXS | {"hardhdlc", "mtp2", "cas", "e&m"})


@dataclass(frozen=True)
class Card:
    """One span of a card. `caps`: the keywords the kernel takes on each channel; `good`: what people write there."""

    name: str
    port: str
    config: str
    spantype: str
    compat: frozenset[str]
    line: str
    caps: tuple[frozenset[str], ...]
    good: tuple[tuple[str, ...], ...]
    signalling: tuple[str, ...]

    def proc(self, number: int, base: int, *, set_up: bool) -> str:
        """What /proc/dahdi shows, before or after dahdi_cfg."""
        lines = [
            f"\t{base + place:4d} {self.port}/{place} {word if set_up else ''} \n"
            for place, word in enumerate(self.signalling)
        ]
        return f'Span {number}: {self.name} "Card" {self.config if set_up else ""} \n\n{"".join(lines)}'


def _alike(
    count: int, *, caps: frozenset[str], good: tuple[str, ...], signalling: str
) -> tuple[tuple, tuple, tuple]:  # type: ignore[type-arg]
    return (caps,) * count, (good,) * count, (signalling,) * count


_RBS = _CLEAR | _TO_FXO | _TO_FXS | {"hardhdlc", "mtp2", "cas", "e&m"}
_CCS = _CLEAR | {"hardhdlc", "mtp2"}
_ANY_DATA = ("bchan", "bchan", "bchan", "dchan", "mtp2", "hardhdlc", "fcshdlc")
CARDS = (
    Card(
        "TE4/0/1", "TE4/0/1", "ESF/B8ZS", "T1", frozenset({"D4", "ESF", "AMI", "B8ZS"}), "esf,b8zs",
        *_alike(24, caps=_RBS, good=(*_ANY_DATA, "fxoks", "fxsks", "e&m"), signalling="Clear"),
    ),
    Card(
        "TE4/0/2", "TE4/0/2", "CCS/HDB3/CRC4", "E1", frozenset({"CCS", "HDB3", "AMI", "CRC4"}), "ccs,hdb3,crc4",
        *_alike(31, caps=_CCS, good=_ANY_DATA, signalling="Clear"),
    ),
    Card(
        "B4/0/1", "B4/0/1", "AMI/CCS", "BRI_TE", frozenset({"CCS", "AMI"}), "ccs,ami",
        (_CLEAR, _CLEAR, _CLEAR | {"hardhdlc"}), (("bchan",), ("bchan",), ("hardhdlc", "dchan")),
        ("Clear", "Clear", "Hardware-assisted HDLC"),
    ),
    Card(
        "GSM/0/1", "GSM/0/1", "AMI/CCS", "INVALID", frozenset({"CCS", "AMI"}), "",
        (_CLEAR, _CLEAR | {"hardhdlc"}), (("bchan",), ("hardhdlc", "dchan")),
        ("Clear", "Hardware assisted D-channel"),
    ),
    Card(
        "WCTDM/0", "WCTDM/0", "", "ANALOG_MIXED", frozenset(), "",
        (_CLEAR | _TO_FXO, _CLEAR | _TO_FXS | {"e&m"}, frozenset()), (("fxsks", "fxsls"), ("fxoks", "fxogs"), ()),
        ("FXSKS", "FXOKS", "Reserved"),
    ),
    Card(
        "NEWCARD/0", "NEWCARD/0", "", "FXO", frozenset(), "",
        *_alike(24, caps=_TO_FXO, good=("fxsks",), signalling="FXSKS"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Node:
    """Spans in a row, as the kernel has them and as they are seen. `first` are their lowest channels."""

    cards: tuple[Card, ...]
    first: tuple[int, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Asked:
    """A configuration: span number → framing, coding and options; channel → keyword."""

    lines: dict[int, str]
    channels: dict[int, str]

    @property
    def text(self) -> str:
        """system.conf: the span lines, then each run of channels."""
        lines = [f"span={number},{number},0,{words}" for number, words in self.lines.items()]
        runs = itertools.groupby(self.channels.items(), key=lambda item: item[1])
        for keyword, run in runs:
            idle = ":1101" if keyword == "cas" else ""
            lines.append(f"{keyword}={','.join(str(number) for number, _ in run)}{idle}")
        return "\n".join(lines) + "\n"


def made(chance: Random) -> Node:
    """A node with one to three cards, set up before or not, on a DAHDI whose sysfs tells all or nothing."""
    cards = tuple(chance.choice(CARDS) for _ in range(chance.randint(1, 3)))
    spans, first, base = [], [], 1
    for number, card in enumerate(cards, 1):
        span = parse_span(card.proc(number, base, set_up=chance.random() < 0.6))
        assert span is not None
        if chance.random() < 0.5:
            span = replace(span, span_type=card.spantype, line_compat=card.compat)
        spans.append(span)
        first.append(base)
        base += len(card.caps)
    return Node(cards, tuple(first), tuple(spans))


def good(node: Node, chance: Random) -> Asked:
    """What somebody who knows the cards of `node` would write: every span of a kind that wants a line has one."""
    asked = Asked({}, {})
    for number, (card, base) in enumerate(zip(node.cards, node.first, strict=True), 1):
        if card.line:
            asked.lines[number] = card.line
        for place, words in enumerate(card.good):
            if words and chance.random() < 0.9:
                asked.channels[base + place] = chance.choice(words)
    return asked


def spoilt(asked: Asked, chance: Random) -> Asked:
    """The same with some of it lost, mistaken, or made for other cards."""
    lines, channels = dict(asked.lines), dict(asked.channels)
    for _ in range(chance.randint(1, 3)):
        match chance.randrange(5):
            case 0 if lines:
                del lines[chance.choice(list(lines))]
            case 1:
                lines[chance.randint(1, 4)] = chance.choice(
                    ["esf,b8zs", "d4,ami", "ccs,hdb3", "ccs,ami", "cas,hdb3"]
                )
            case 2:
                channels[chance.randint(1, 80)] = chance.choice(_KEYWORDS)
            case 3:
                first, keyword = chance.randint(1, 60), chance.choice(_KEYWORDS)
                channels.update(dict.fromkeys(range(first, first + chance.randint(1, 30)), keyword))
            case _:
                channels = {number: word for number, word in channels.items() if chance.random() < 0.7}
    return Asked(dict(sorted(lines.items())), dict(sorted(channels.items())))


def refused_by_kernel(node: Node, asked: Asked) -> list[str]:
    """What the ioctls of dahdi_cfg would fail with."""
    wrong = []
    for number, words in asked.lines.items():
        if number > len(node.cards):
            wrong.append(f"span {number}: ENXIO")
        elif not {word.upper() for word in words.split(",")} - {"CAS"} <= node.cards[number - 1].compat:
            wrong.append(f"span {number}: EINVAL")
    caps = dict(_capabilities(node))
    wrong += [
        f"channel {number}: EINVAL"
        for number, word in asked.channels.items()
        if word not in caps.get(number, ())
    ]
    return wrong


def _capabilities(node: Node) -> Iterator[tuple[int, frozenset[str]]]:
    for card, base in zip(node.cards, node.first, strict=True):
        yield from enumerate(card.caps, base)


def no_call_could_be_made(node: Node, asked: Asked) -> bool:
    """The guard's own reasons beyond the kernel's (see `appliance/dahdi/fit.py`)."""
    if not asked.lines and not asked.channels:
        return True
    for number, (card, base) in enumerate(zip(node.cards, node.first, strict=True), 1):
        used = [
            asked.channels[channel]
            for channel in range(base, base + len(card.caps))
            if channel in asked.channels
        ]
        if card.line and used and number not in asked.lines:
            return True
        if not card.compat and any(word in _CLEAR | {"hardhdlc", "mtp2", "cas"} for word in used):
            return True
    return False


def guard(node: Node, asked: Asked) -> list[str]:
    wanted = Configuration(parse_system_conf(asked.text))
    return [misfit.says for misfit in misfits(wanted, Known(node.spans, 1.0))]


def dahdi_cfg(texts: Sequence[str], place: Path) -> list[str]:
    places = []
    for number, content in enumerate(texts):
        directory = place / str(number)
        directory.mkdir()
        (directory / "system.conf").write_text(content)
        places.append(str(directory))
    words = ["unshare", "--mount", "sh", "-c", _OWN_DEV, "sh", sys.executable, "-c", _ASK, *places]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return list(json.loads(done.stdout))


def test_what_is_right_for_the_cards_is_accepted_by_all_three(tmp_path: Path) -> None:
    chance = Random(13)
    texts = []
    for _ in range(400):
        node = made(chance)
        asked = good(node, chance)
        if not asked.channels:
            continue
        assert refused_by_kernel(node, asked) == [], asked.text
        assert guard(node, asked) == [], asked.text
        texts.append(asked.text)
    assert len(texts) > 350
    assert set(dahdi_cfg(texts, tmp_path)) == {""}


def test_what_the_guard_refuses_the_kernel_refuses_or_no_call_could_be_made() -> None:
    chance = Random(14)
    refused = 0
    for _ in range(4000):
        node = made(chance)
        asked = spoilt(good(node, chance), chance)
        if found := guard(node, asked):
            refused += 1
            assert refused_by_kernel(node, asked) or no_call_could_be_made(node, asked), (asked.text, found)
    assert 1000 < refused < 4000


def test_what_names_cards_that_are_not_there_is_refused() -> None:
    chance = Random(15)
    named = 0
    for _ in range(2000):
        node = made(chance)
        asked = spoilt(good(node, chance), chance)
        beyond = node.first[-1] + len(node.cards[-1].caps)
        if any(number > len(node.cards) for number in asked.lines) or any(
            c >= beyond for c in asked.channels
        ):
            named += 1
            assert guard(node, asked), asked.text
    assert named > 500
