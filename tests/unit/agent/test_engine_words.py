"""On a pair of either engine, what leaves the agent names that engine, and no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import appliance
from appliance.agent.journal import Journal, JournalFile
from appliance.core.document import parse_object
from appliance.core.engine_traits import ENGINE, titled
from appliance.core.pair_watch import RULES
from tests.plugins.agent_context import node_context

TITLES = ("Heartbeat", "Pacemaker")
# Rooms whose texts are of a pair on any engine. Those of an engine, and the keys of the conf file, name engines.
ROOMS = ("core", "agent", "panel", "control", "notify", "pbx", "sync", "hw", "net")
# Not words for people: the name of a file, of a systemd unit, of a kind of failover, of a metric.
NO_WORDS = frozenset({"docs/facts/heartbeat.md", "heartbeat", "heartbeat-dies", "asha_heartbeat_link_up"})
# One makes a page of docs/, which cites facts of Heartbeat; one is about both engines, by their names; and one judges
# HASTONITH, which only one of them has.
NO_ROOM = frozenset({"pair_reference.py", "engine_change.py", "host_check/fence.py"})


def texts(path: Path) -> Iterator[str]:
    """Yield the texts in a module's code, docstrings left out."""
    tree = ast.parse(path.read_text())
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def test_no_text_of_a_pair_on_any_engine_names_one() -> None:
    root = Path(appliance.__file__).parent
    named = [
        (str(path), text)
        for room in ROOMS
        for path in (root / room).rglob("*.py")
        if not any(str(path).endswith(f"/{name}") for name in NO_ROOM)
        for text in texts(path)
        if any(title.casefold() in text.casefold() for title in TITLES) and text not in NO_WORDS
    ]
    named += [
        (str(path), "")
        for path in (root / "panel/templates").rglob("*.*")
        if any(title in path.read_text() for title in TITLES)
    ]
    assert named == []


@pytest.mark.parametrize("title", TITLES)
def test_the_engines_title_stands_for_it_wherever_a_text_is(title: str) -> None:
    document = {
        "says": f"The HA engine is off: start {ENGINE}",
        "of": [ENGINE, 3, None],
        "in": {"deep": (ENGINE,)},
    }
    told = {"says": f"{title} is off: start {title}", "of": [title, 3, None], "in": {"deep": [title]}}
    assert titled(document, title) == told


@pytest.mark.parametrize("title", TITLES)
def test_what_is_said_of_each_fault_of_the_pair_names_the_engine_that_runs(title: str) -> None:
    (other,) = set(TITLES) - {title}
    told = [str(titled(f"{rule.says} {rule.todo}", title)) for rule in RULES]
    assert any(title in text for text in told)
    assert not any(other in text or ENGINE in text for text in told)


@pytest.mark.parametrize("title", TITLES)
def test_the_journal_names_the_engine_that_runs(tmp_path: Path, title: str) -> None:
    file = JournalFile(tmp_path / "journal")
    journal = Journal(file, node_context(tmp_path).clock, print, title)
    journal.note("transfer", reason=f"granted by {ENGINE}")
    journal.settle()
    (line,) = (tmp_path / "journal").read_text().splitlines()
    assert parse_object(line)["reason"] == f"granted by {title}"
