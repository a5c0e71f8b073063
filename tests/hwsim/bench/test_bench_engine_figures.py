"""Both engines beside keepalived and plain Heartbeat: equal detection, what is counted, sizes, and the page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from hwsim.bench.engines.rows import NO_PBX, ROWS, SERVES, Seen, silences
from hwsim.bench.engines.runner import CONTENDERS, DETECTION, TIMES
from hwsim.bench.engines.sizes import Size, Sizes, parsed, size_of
from hwsim.bench.engines.table import page
from hwsim.bench.keepalived import Keepalived, advert_for, conf, silence
from hwsim.bench.plays import Played, Plays
from hwsim.nodes.outside import Sighting
from hwsim.rack import Rack

ABOUT = {
    **dict.fromkeys(("heartbeat", "pacemaker", "corosync", "keepalived", "kernel", "architecture"), "1"),
    "cores": 2,
    **TIMES,
}
SIZES = Sizes({one.name: Size(1.0, 20.0) for one in CONTENDERS}, {".deb": Size(5.0, 50.0)})


def test_keepalived_waits_as_long_for_a_silent_peer_as_the_engines() -> None:
    advert = advert_for(DETECTION)
    assert silence(advert) == pytest.approx(DETECTION, abs=0.02)
    assert f"advert_int {advert:g}\n" in conf("hastandby", advert, 90)
    (peer,) = (one for one in CONTENDERS if isinstance(one, Keepalived))
    assert peer.period == advert


def test_the_engines_and_their_peers_have_the_times_of_one_site() -> None:
    assert {one.site.deadtime for one in CONTENDERS} == {DETECTION}
    assert [one.site.engine.name for one in CONTENDERS[:2]] == ["heartbeat", "pacemaker"]


def seen_answers(now: float, *answered: float) -> Rack:
    """A rack on which a telephone was answered at the given times, as `silences` asks it."""
    events = [Sighting(at, "sip", "aa", "10.77.0.100") for at in answered]
    rack = SimpleNamespace(outside=SimpleNamespace(events=events), now=lambda: now)
    return cast(Rack, rack)


def test_silence_is_counted_from_answer_to_answer() -> None:
    rack = seen_answers(12.0, 10.0, 10.4, 10.5, 11.0, 11.25, 11.9)
    assert silences(rack, "sip", 10.45) == pytest.approx([0.1, 0.5, 0.25, 0.65, 0.1])
    assert silences(rack, "sip", 11.95) == pytest.approx([0.1])


def test_what_is_silent_still_counts_until_now() -> None:
    assert silences(seen_answers(14.0, 10.0), "sip", 10.5) == pytest.approx([4.0])
    assert silences(seen_answers(14.0), "sip", 10.5) == []


INSTALLED = (
    ("ii ", "base", "standard", "100", "libc, ", ""),
    ("ii ", "libc", "optional", "1000", ", ", ""),
    ("ii ", "engine", "optional", "10", "libc (>= 2.36), libengine | other, perl:any, awk", ""),
    ("ii ", "libengine", "optional", "20", ", libdeep", ""),
    ("ii ", "libdeep", "optional", "30", ", engine", ""),
    ("ii ", "mawk", "required", "40", ", ", "awk"),
    ("ii ", "perl", "optional", "50", ", ", "libfoo-perl (= 1)"),
    ("rc ", "gone", "optional", "9999", ", ", ""),
)


def test_a_package_counts_with_what_it_needs_beyond_a_plain_system() -> None:
    packages = parsed("".join("\t".join(fields) + "\n" for fields in INSTALLED))
    size = size_of(["engine"], packages)
    assert size.own == pytest.approx(10 * 1024 / 1e6)
    assert size.whole == pytest.approx((10 + 20 + 30 + 50) * 1024 / 1e6)
    assert "gone" not in packages
    assert packages["libfoo-perl"] is packages["perl"]


def played(peer: str, number: int, pbx: float | None) -> Played[Seen]:
    return Played(
        "engines-killed", peer, number, Seen({"pbx_answering": pbx, NO_PBX: pbx}, "2026-01-02 03:04", 1.5)
    )


def test_each_figure_shows_its_ratio_to_keepalived_and_a_failed_play_is_shown() -> None:
    plays = Plays(
        [
            *(played("asha/Pacemaker", number, pbx) for number, pbx in enumerate((0.8, 1.0, 1.2), 1)),
            *(played("keepalived", number, 0.5) for number in (1, 2, 3)),
            Played("engines-killed", "asha/Heartbeat", 1, None, "the line did not come"),
            played("plain-heartbeat", 1, None),
        ]
    )
    text = page(CONTENDERS, plays, SIZES, ABOUT)
    section = text.split("## Asterisk is killed")[1].split("##")[0]
    rows = {line.split(" | ")[0].strip("| "): line for line in section.splitlines() if line.startswith("| ")}
    assert "0.80 / **1.00** / 1.20 (2.00)" in rows["asha/Pacemaker"]
    assert rows["asha/Pacemaker"].endswith("| 1.5 | 3 |")
    assert "0.50 / **0.50** / 0.50 |" in rows["keepalived"]
    assert rows["asha/Heartbeat"].endswith("| - | 0, 1 failed |")
    assert "2026-01-02 03:04" in text


def test_the_page_counts_the_plays_that_ended_with_one_that_serves() -> None:
    plays = Plays(
        [
            Played("engines-split", "keepalived", number, Seen({SERVES: serves}, "2026-01-02 03:04", 1.0))
            for number, serves in enumerate((1.0, 0.0, 1.0), 1)
        ]
    )
    assert "2 of 3" in page(CONTENDERS, plays, SIZES, ABOUT)


def test_the_page_shows_every_event_and_what_is_installed() -> None:
    text = page(CONTENDERS, Plays(), SIZES, ABOUT)
    for row in ROWS:
        assert f"## {row.title[0].upper()}{row.title[1:]}\n" in text
    assert "| 1.0 | 20.0 | 70.0 |" in text  # the engine, what it needs, and asha
    assert "asha, RPM | asha, asha-runtime | not built | not built |" in text
