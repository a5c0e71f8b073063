"""What an unattended installation needs of the command line: many values at once, and a key before there is a peer."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import conf, peer
from appliance.config import load
from appliance.config.reference import conf_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "asha.conf"
    file.write_text(conf_file())
    file.chmod(0o640)
    return file


def test_values_that_are_right_only_together_are_set_together(path: Path) -> None:
    words = ("set", "--conf", str(path), "HAKEEPALIVE", "2", "HAWARNTIME", "5", "HADEADTIME", "10")
    done = CliRunner().invoke(conf.conf, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert (load(path).keepalive, load(path).deadtime) == (2, 10)


def test_a_key_without_its_value_changes_nothing(path: Path) -> None:
    done = CliRunner().invoke(conf.conf, ("set", "--conf", str(path), "RESTART", "YES", "HASSHPORT"))
    assert done.exit_code == 2 and "HASSHPORT has no value" in done.output
    assert path.read_text() == conf_file()


def test_the_key_is_made_before_there_is_a_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "SSH_KEYS", tmp_path / "ssh")
    for _ in range(2):
        done = CliRunner().invoke(peer.ssh_setup, ("--key-only",), catch_exceptions=False)
        assert done.output.split() == (tmp_path / "ssh/id.pub").read_text().split()[:2]
    assert (tmp_path / "ssh/id").stat().st_mode & 0o777 == 0o600
