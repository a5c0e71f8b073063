"""Real DAHDI and libpri in virtual machines: calls before and after the line moved, seen by the product's reader.

`make lab-dahdi` plays it, and prints the figures. The bounds are those of docs/facts/pri-timing.md for dynamic spans
and libpri, with room for machines that run without acceleration beside other work.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hwsim.dahdi_lab.lab import Lab
from hwsim.dahdi_lab.story import Story, play

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "out/lab-dahdi.txt"
SLOW = 3.0  # seconds that a busy machine may add


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    parts = [ROOT / "appliance/__init__.py"]
    parts += [path for name in ("core", "dahdi", "host") for path in (ROOT / "appliance" / name).glob("*.py")]
    files = {f"lab/{path.relative_to(ROOT)}": path.read_bytes() for path in parts}
    files["lab/reader.py"] = (Path(__file__).with_name("reader.py")).read_bytes()
    with Lab(files, ROOT / "out/dahdi") as started:
        yield started


@pytest.fixture(scope="module")
def story(lab: Lab) -> Story:
    played = play(lab)
    FIGURES.write_text(played.table() + "\n")
    return played


def test_each_call_is_answered_by_the_node_that_has_the_line_and_by_no_other(story: Story) -> None:
    assert story.answered == [("primary",), ("secondary",), ("primary",)]


@pytest.mark.parametrize("node", ["primary", "secondary"])
def test_a_moved_line_is_clear_in_the_time_of_a_dynamic_span(story: Story, node: str) -> None:
    assert (
        0.0 <= story.figures[f"line moved to the {node} → clear there by the product's reader"] <= 2.0 + SLOW
    )


@pytest.mark.parametrize("node", ["primary", "secondary"])
def test_a_line_that_left_is_absent_in_the_time_of_a_dynamic_span(story: Story, node: str) -> None:
    figure = story.figures[f"line moved to the {node} → absent at the old node by the product's reader"]
    assert 0.5 <= figure <= 2.0 + SLOW


@pytest.mark.parametrize("node", ["primary", "secondary"])
def test_libpri_is_up_and_down_in_the_times_that_the_facts_give(story: Story, node: str) -> None:
    assert story.figures[f"line moved to the {node} → D-channel up there"] <= 2.0 + SLOW
    assert 4.0 <= story.figures[f"line moved to the {node} → D-channel down at the old node"] <= 14.0 + SLOW


def test_the_reader_and_dahdi_scan_agree_at_every_change(lab: Lab, story: Story) -> None:
    assert story.answered
    for node in ("primary", "secondary"):
        said = [one.words for one in lab.machines[node].said() if one.words.startswith("dahdi_scan")]
        assert len(said) >= 3
        assert set(said) == {"dahdi_scan agrees"}


def test_no_machine_failed_at_anything(lab: Lab, story: Story) -> None:
    assert story.answered
    assert [one for machine in lab.machines.values() for one in machine.said() if "failed" in one.words] == []
