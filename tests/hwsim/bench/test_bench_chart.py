"""The picture: well-formed, to scale, and honest about what was not seen."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from bench_results import run, two_contenders

from hwsim.bench.chart import chart, of_results, write_chart
from hwsim.bench.results import Results

SVG = "{http://www.w3.org/2000/svg}"
BAR_HEIGHT = "12"


def drawn(results: Results) -> ElementTree.Element:
    return ElementTree.fromstring(chart(of_results(results, "assumed < & >")))


def bars(picture: ElementTree.Element) -> list[float]:
    return [
        float(rect.get("width", ""))
        for rect in picture.iter(f"{SVG}rect")
        if rect.get("height") == BAR_HEIGHT
    ]


def texts(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def test_a_bar_is_as_long_as_its_median() -> None:
    # asha alone: detected; then of both: relay, PBX (one second and two), line.
    _, _, _, pbx_asha, pbx_peer, _, _ = bars(drawn(two_contenders()))
    assert abs(pbx_peer - 2 * pbx_asha) < 0.2


def test_every_median_has_a_whisker() -> None:
    picture = drawn(two_contenders())
    assert len(list(picture.iter(f"{SVG}path"))) == len(bars(picture)) == 7


def test_what_was_not_seen_is_said() -> None:
    # The peer's detection; and nobody's address and alarm were seen.
    assert texts(drawn(two_contenders())).count("not seen") == 5


def test_each_fault_has_a_panel_and_each_contender_a_name() -> None:
    results = two_contenders()
    results.note_run(run("asha", "power-cut", 1, 3.0, 5.2))
    said = texts(drawn(results))
    for words in ("asterisk-killed", "power-cut", "asha", "keepalived", "assumed < & >"):
        assert words in said


def test_the_axis_is_longer_than_the_longest_whisker() -> None:
    results = two_contenders()
    results.note_run(run("asha", "asterisk-killed", 9, 30.5, 30.5))
    picture = drawn(results)
    width = float(picture.get("viewBox", "").split()[2])
    assert "32 s" in texts(picture)
    assert max(bars(picture)) < width


def test_it_is_written_where_wanted(tmp_path: Path) -> None:
    write_chart(tmp_path / "new" / "comparison.svg", of_results(two_contenders(), "words"))
    assert (tmp_path / "new" / "comparison.svg").read_text().startswith("<svg")
