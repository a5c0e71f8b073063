"""The agents' process group behind its bridge, with a program in the bridge's place that says what a test wants."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.cluster.pacemaker.group import PROGRAM, AgentGroup

Open = Callable[[str], AgentGroup]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens a group whose bridge runs the given Python text."""
    groups: list[AgentGroup] = []

    def make(text: str) -> AgentGroup:
        program = tmp_path / "bridge.py"
        program.write_text(text)
        groups.append(AgentGroup(Path(sys.executable), program))
        return groups[-1]

    yield make
    for group in groups:
        group.close()


def heard(group: AgentGroup) -> list[tuple[int, dict[str, str]]]:
    """Return all that is said until the bridge ends."""
    found = []
    while not group.closed:
        messages, _ = group.drain()
        found += messages
    return found


def test_nodes_agents_and_messages_are_told(opened: Open) -> None:
    group = opened('print(\'nodes 1 2\\nagents 1\\nmessage 2 {"a.at":"1.0"}\\nagents 1 2\')')
    assert group.nodes is None
    assert heard(group) == [(2, {"a.at": "1.0"})]
    assert (group.nodes, group.agents) == ({1, 2}, {1, 2})


@pytest.mark.parametrize(
    "line", ["message", "message 2 {", "message x {}", "message 2 [1]", 'message 2 {"a":1}', "nonsense 3", ""]
)
def test_what_is_no_message_harms_nobody(opened: Open, line: str) -> None:
    group = opened(f"print({line!r}); print('nodes 1')")
    assert heard(group) == []
    if line:
        assert group.nodes == {1}


def test_what_is_sent_is_one_line(opened: Open) -> None:
    group = opened("import sys; print('message 1 ' + sys.stdin.readline())")
    group.send({"a.x": "a\nb", "a.y": "\u00e4"})
    assert heard(group) == [(1, {"a.x": "a\nb", "a.y": "\u00e4"})]
    group.send({"a.x": "nobody reads this"})


def test_the_bridge_needs_nothing_but_the_hosts_own_python() -> None:
    """Without a Corosync it says so and ends; it imports nothing of the product's."""
    ended = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", PROGRAM],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1 and ended.stderr.startswith("cpg_bridge: ")
    assert "appliance" not in PROGRAM.read_text()
