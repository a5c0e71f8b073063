"""What the documents say of the code is so: the diagram, the rooms, the commands, the links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.cli.main import _COMMANDS
from appliance.core.pair_reference import document
from appliance.core.roles import diagram
from appliance.core.stuck_line_reference import document as stuck_lines
from hwsim.virtual.audit import (
    AHEAD_BOUND,
    APART_BOUND,
    CAUSE_LASTS,
    LETTING_GO,
    NOBODY_BOUND,
    TWO_BOUND,
    Kind,
)
from hwsim.virtual.story import SETTLES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "kickstart/README.md", *(ROOT / "docs").rglob("*.md")])


def test_the_role_diagram_is_made_from_the_table() -> None:
    assert diagram() in (ROOT / "docs/architecture.md").read_text()


def test_the_states_of_the_pair_are_the_controllers() -> None:
    assert (ROOT / "docs/pair-states.md").read_text() == document()


def test_the_grades_for_a_stuck_line_are_the_controllers() -> None:
    assert (ROOT / "docs/stuck-lines.md").read_text() == stuck_lines()


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_the_page_of_the_campaign_names_every_audit(kind: Kind) -> None:
    assert f"| {kind.name} | {kind.value} |" in (ROOT / "docs/campaign.md").read_text()


def test_the_page_of_the_campaign_has_the_observers_bounds() -> None:
    text = (ROOT / "docs/campaign.md").read_text()
    bounds = {
        "RELAY": LETTING_GO,
        "TWO": TWO_BOUND,
        "AHEAD": AHEAD_BOUND,
        "TWO_UNSAID": APART_BOUND,
        "NOBODY_UNSAID": NOBODY_BOUND,
        "NO_CAUSE": CAUSE_LASTS,
        "NEVER_WHOLE": SETTLES,
    }
    for name, bound in bounds.items():
        assert re.search(rf"^\| {name} \| [^|]+ \| {bound:g} s", text, re.MULTILINE), name


def test_every_room_is_in_the_table_of_rooms() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    for room in (path.name for path in (ROOT / "appliance").iterdir() if (path / "__init__.py").exists()):
        assert f"appliance/{room}`" in text, room


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_named_in_the_documents_exist(page: Path) -> None:
    for command in re.findall(r"`asha ([a-z-]+)", page.read_text()):
        assert command in _COMMANDS, command


def test_each_journey_through_the_code_is_short_and_its_files_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    _, _, section = text.partition("\n## Five journeys\n")
    section, _, _ = section.partition("\n## ")
    journeys = section.split("\n### ")[1:]
    assert len(journeys) == 5
    for journey in journeys:
        title, _, steps = journey.partition("\n")
        files = re.findall(r"^\d+\. `([^`]+)`: \S", steps, re.MULTILINE)
        assert 3 <= len(files) <= 8, title
        assert len(files) == len(set(files)) == len(re.findall(r"^\d+\.", steps, re.MULTILINE)), title
        assert [file for file in files if not (ROOT / file).is_file()] == [], title
