"""What the documents say of the code is so: the diagram, the rooms, the commands, the links, the alarms."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from appliance.cli.main import _COMMANDS
from appliance.core.alerts import AlertKind
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
NOTIFY = ROOT / "appliance/cli/notify.py"
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
        "BESIDE": AHEAD_BOUND,
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
    for command in re.findall(r"`asha ([a-z][a-z-]*)", page.read_text()):
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


@pytest.fixture(scope="module")
def alarms() -> dict[str, str]:
    """The page of the alarms: what stands under each heading of an alarm."""
    _, *sections = re.split(r"^#+ ", (ROOT / "docs/alarms.md").read_text(), flags=re.MULTILINE)
    parted = (section.partition("\n") for section in sections)
    return {name: text for name, _, text in parted if "| it means |" in text}


@pytest.fixture(scope="module")
def rules() -> list[str]:
    """The names of the alerts that Prometheus is given rules for."""
    return re.findall(r"- alert: (\w+)", (ROOT / "docs/metrics/alerts.yml").read_text())


def test_every_alarm_has_a_paragraph_and_every_paragraph_an_alarm(
    alarms: dict[str, str], rules: list[str]
) -> None:
    assert sorted(alarms) == sorted([*(kind.word for kind in AlertKind), *rules])


def test_every_paragraph_says_what_the_alarm_means_and_what_to_do(alarms: dict[str, str]) -> None:
    for name, text in alarms.items():
        assert re.search(r"^\| it means \| \w", text, re.MULTILINE), name
        assert re.search(r"^\| do \| \S", text, re.MULTILINE), name


def test_the_list_of_alarms_leads_to_each_that_asha_sends() -> None:
    page = (ROOT / "docs/alarms.md").read_text()
    links = {kind: f"[{kind.word}](#{kind.word.replace(' ', '-')})" for kind in AlertKind}
    table, _, _ = page.partition("\n## Alerts that asha sends\n")
    assert [kind for kind, link in links.items() if link not in table] == []


_ALARM_TEXTS = ("alert_rules.py", "stray.py", "relay_position.py")


def test_the_words_by_which_an_alarm_is_found_are_those_it_is_sent_with(alarms: dict[str, str]) -> None:
    """A mail's subject has no name, so its reader looks for its words."""
    sent = "\n".join(
        node.value
        for path in (*(ROOT / "appliance/core" / name for name in _ALARM_TEXTS), NOTIFY)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    words = [
        (name, part)
        for name, text in alarms.items()
        for row in re.findall(r"^\| it says \| (.*) \|$", text, re.MULTILINE)
        for quoted in re.findall(r"\*([^*]+)\*", row)
        for part in quoted.split("…")
    ]
    assert len({name for name, _ in words}) > len(AlertKind) / 2
    assert [(name, part) for name, part in words if part.strip() not in sent] == []
