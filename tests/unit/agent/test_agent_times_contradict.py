"""Times that contradict each other: refused for every change, told by every check, and no end of a pair that runs.

The contradiction may be one that only this version of asha knows of: the pair has run by those times for years.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.agent.active_conf import ActiveConf, InstalledConf
from appliance.agent.components.settings import why_not_set_up
from appliance.agent.kept_conf import keep, load_or_kept
from appliance.agent.this_node import ThisNode
from appliance.cli.check import check
from appliance.config import ConfError, load
from appliance.config.edit import set_values
from appliance.core.errors import AshaError
from appliance.core.model import Node
from tests.plugins.agent_context import node_context

RIGHT = f"HAPRINODE={os.uname().nodename}\nHASECNODE=two\nHACLUSTERIP=10.0.0.5\n"
CONTRADICTS = f"{RIGHT}MERGEDEADLINE=90\n"
NAMED = "MERGEDEADLINE=90.0 should be below PBXSTARTDEADLINE"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "asha.conf"
    file.write_text(CONTRADICTS)
    file.chmod(0o600)
    return file


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "conf.kept"


def test_after_an_upgrade_the_agent_goes_on_by_the_copy_and_says_what_is_wrong(
    path: Path, kept: Path
) -> None:
    kept.write_text(CONTRADICTS)  # an older version found nothing wrong with it
    found = load_or_kept(path, kept)
    assert found.conf.merge_deadline == 90.0
    assert "MERGEDEADLINE" in found.problem and "below PBXSTARTDEADLINE" in found.problem
    assert {file.name for file in kept.parent.iterdir()} == {path.name, kept.name}, (
        "the copy is not set aside"
    )


def test_without_a_copy_it_goes_on_by_the_file(path: Path, kept: Path) -> None:
    found = load_or_kept(path, kept)
    assert found.conf.merge_deadline == 90.0
    assert found.problem.endswith("Until that is mended this node works by these times all the same.")
    assert not why_not_set_up(found.conf), "the node is a member of its pair as before"


def test_a_good_copy_comes_first(path: Path, kept: Path) -> None:
    kept.write_text(f"{RIGHT}MERGEDEADLINE=7\n")
    assert load_or_kept(path, kept).conf.merge_deadline == 7.0


def test_what_else_is_wrong_is_no_contradiction_of_times(path: Path, kept: Path) -> None:
    path.write_text(f"{CONTRADICTS}HADEV=\nHAPREFIX=99\n")
    with pytest.raises(AshaError, match="HAPREFIX"):
        load_or_kept(path, kept)


def test_it_never_becomes_the_copy(path: Path, kept: Path) -> None:
    keep(path, kept)
    assert not kept.exists()


def test_whoever_changes_or_checks_the_file_is_refused(path: Path) -> None:
    for key, value in (("RESTART", "YES"), ("PBXSTARTDEADLINE", "80")):
        with pytest.raises(ConfError) as refused:
            set_values(path, {key: value})
        assert [problem.key for problem in refused.value.problems] == ["MERGEDEADLINE"]
    assert path.read_text() == CONTRADICTS
    with pytest.raises(ConfError):
        load(path)
    checked = CliRunner().invoke(check, ["--conf", str(path)])
    assert checked.exit_code and "MERGEDEADLINE" in checked.output
    assert set_values(path, {"MERGEDEADLINE": "9"}).conf.merge_deadline == 9.0


def test_a_running_agent_told_to_read_it_keeps_what_it_has(path: Path, tmp_path: Path) -> None:
    path.write_text(RIGHT)
    written = load_or_kept(path, tmp_path / "none")
    this_node = ThisNode(written.conf, Node.PRIMARY)
    context = node_context(tmp_path, this_node)
    path.write_text(CONTRADICTS)
    room = ActiveConf(context, written, InstalledConf(tmp_path / "standing.json"))
    with pytest.raises(ConfError, match="MERGEDEADLINE"):
        room.reload()
    assert this_node.conf.merge_deadline == 5.0


def test_commands_that_only_work_by_the_file_go_on(path: Path) -> None:
    assert load(path, to_run=True).merge_deadline == 90.0
