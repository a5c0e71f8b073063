"""`asha backup` and `asha restore`: where a backup goes to, when a restore is refused, and what scripts read."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from appliance.agent.grant_file import GrantFile
from appliance.backup import places as places_module
from appliance.backup import restore as restore_module
from appliance.backup.places import Places
from appliance.cli import backup as command
from appliance.cli.main import asha
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.core.engine_traits import EngineTraits
from appliance.core.errors import AshaError, ClusterError, HostError, UserError
from appliance.core.grant import Grant

HOST = os.uname().nodename
CONF = f"HAPRINODE={HOST}\nHASECNODE=another\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's `/`, on which nothing of asha's runs."""
    made = tmp_path / "root"
    (made / "etc").mkdir(parents=True)
    (made / "etc/asha.conf").write_text(CONF)
    (made / "etc/asha.conf").chmod(0o600)
    monkeypatch.setattr(places_module, "engines", tuple)
    places = Places(made)
    monkeypatch.setattr(places_module, "Places", lambda: places)
    monkeypatch.setattr(command, "CONF", made / "etc/asha.conf")
    monkeypatch.setattr(restore_module, "what_runs", tuple)
    return made


def given(*words: str) -> Result:
    return CliRunner().invoke(asha, list(words))


def refused(error: type[AshaError], *words: str) -> str:
    done = given(*words)
    assert isinstance(done.exception, error), done
    return str(done.exception)


def backed_up(tmp_path: Path) -> str:
    file = str(tmp_path / "node.asha")
    assert given("backup", file).exit_code == 0
    return file


def test_a_backup_is_for_its_owner_alone_and_says_what_is_in_it(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "node.asha"
    file.write_text("an earlier one")
    file.chmod(0o644)
    done = given("backup", str(file))
    assert done.exit_code == 0 and file.stat().st_mode & 0o777 == 0o600
    assert f"1 file of the primary node {HOST}" in done.output and "without keys" in done.output
    assert [path.name for path in tmp_path.iterdir()].count("node.asha") == 1 and len(
        list(tmp_path.iterdir())
    ) == 2


def test_what_it_is_for_scripts(root: Path, tmp_path: Path) -> None:
    done = given("backup", str(tmp_path / "a"), "--json")
    document = json.loads(done.output)
    assert document["bytes"] == (tmp_path / "a").stat().st_size
    assert [one["path"] for one in document["manifest"]["files"]] == ["/etc/asha.conf"]
    document = json.loads(given("restore", str(tmp_path / "a"), "--json").output)
    assert document["steps"] == [{"path": "/etc/asha.conf", "effect": "unchanged", "aside": ""}]
    assert (document["dry_run"], document["in_the_way"]) == (False, [])


def test_standard_output_is_the_backup_alone(root: Path, tmp_path: Path) -> None:
    done = given("backup", "-", "--json")
    assert done.exit_code == 0 and json.loads(done.stderr)["file"] == "-"
    (root / "etc/asha.conf").unlink()
    back = CliRunner().invoke(asha, ["restore", "-", "--of", HOST], input=done.stdout_bytes)
    assert back.exit_code == 0 and (root / "etc/asha.conf").read_text() == CONF, back


def test_a_terminal_gets_no_backup(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with pytest.raises(UserError, match="not for a terminal"):
        command._refuse_target("-")


@pytest.mark.parametrize("what", ["a device", "a link"])
def test_a_backup_replaces_nothing_but_a_plain_file(root: Path, tmp_path: Path, what: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "else")
    says = refused(UserError, "backup", "/dev/null" if what == "a device" else str(link))
    assert "is not a regular file" in says and not (tmp_path / "else").exists()


def test_a_folder_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    assert "could not be written: No such file" in refused(HostError, "backup", str(tmp_path / "no/where"))


def test_a_dry_run_shows_what_would_change_and_what_is_in_the_way(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(tmp_path)
    (root / "etc/asha.conf").write_text(f"{CONF}HADEADTIME=9\n")
    monkeypatch.setattr(restore_module, "what_runs", lambda: ("The agent runs: stop it.",))
    done = given("restore", file, "--dry-run")
    assert done.exit_code == 0
    assert "replaced   /etc/asha.conf, and what is there is kept as asha.conf.before-restore-" in done.output
    assert "first      The agent runs: stop it." in done.output
    assert "1 file would change; nothing was changed." in done.output
    assert "HADEADTIME" in (root / "etc/asha.conf").read_text()


def test_nothing_is_restored_while_something_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(tmp_path)
    (root / "etc/asha.conf").unlink()
    monkeypatch.setattr(restore_module, "what_runs", lambda: ("The agent runs: stop it.",))
    assert refused(ClusterError, "restore", file) == "Nothing was changed. The agent runs: stop it."
    assert not (root / "etc/asha.conf").exists()


def test_a_backup_of_another_node_needs_its_name(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(tmp_path)
    monkeypatch.setattr(os, "uname", lambda: type("uname", (), {"nodename": "elsewhere"}))
    says = refused(UserError, "restore", file)
    assert says.endswith(
        f"and this machine is elsewhere. Nothing was changed. If you want it here: --of {HOST}."
    )
    assert "HAPRINODE" in (root / "etc/asha.conf").read_text()
    assert given("restore", file, "--of", HOST).exit_code == 0
    assert "Nothing was changed" in refused(UserError, "restore", file, "--of", "third")


def test_a_backup_of_a_newer_version_needs_the_option(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(tmp_path)
    monkeypatch.setattr(command, "__version__", "1.9.0")
    assert "this is 1.9.0. Nothing was changed" in refused(UserError, "restore", file)
    assert given("restore", file, "--newer").exit_code == 0


def test_what_is_no_backup_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no backup")
    assert "no backup that can be used" in refused(UserError, "restore", str(tmp_path / "x"))
    assert "could not be read: No such file" in refused(UserError, "restore", str(tmp_path / "y"))


def test_only_root_restores(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Only root" in refused(HostError, "restore", str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("grant", "identity", "agent", "says"),
    [
        (None, "", AgentAbsent("gone"), ""),
        (Grant(held=True), "", AgentAbsent("gone"), "This node serves"),
        (Grant(held=False), "7:99", AgentAbsent("gone"), "Heartbeat runs: 'asha leave' stops it."),
        (None, "", None, "The agent runs: 'service asha stop' stops it."),
        (None, "", AgentSilent("hangs"), "The agent runs: 'service asha stop' stops it."),
    ],
)
def test_what_a_restore_would_pull_its_files_from_under_is_named(
    monkeypatch: pytest.MonkeyPatch, grant: Grant | None, identity: str, agent: AshaError | None, says: str
) -> None:
    def ask(verb: str) -> object:
        if agent is not None:
            raise agent
        return verb

    engine = SimpleNamespace(identity=lambda: identity, traits=EngineTraits("Heartbeat", loses_requests=True))
    monkeypatch.setattr(GrantFile, "peek", lambda self: grant)
    monkeypatch.setattr(restore_module, "engines", lambda: (engine,))
    monkeypatch.setattr(restore_module, "ask", ask)
    found = restore_module.what_runs()
    assert len(found) == bool(says) and " ".join(found).startswith(says)
