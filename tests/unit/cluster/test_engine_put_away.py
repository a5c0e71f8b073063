"""An engine that was left does not start any more: its files go, those of others stay, init starts the other one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.cluster.boot_services import set_at_boot, started_at_boot
from appliance.cluster.files import remove_own
from appliance.cluster.heartbeat import config_files as heartbeat
from appliance.cluster.pacemaker import config_files as pacemaker
from appliance.core.errors import HostError

OURS, FOREIGN = "# Written by asha from /etc/asha.conf\n", "# the site's own\n"


def test_heartbeat_loses_what_it_starts_by_and_keeps_its_secret(tmp_path: Path) -> None:
    for name in ("ha.cf", "haresources"):
        (tmp_path / name).write_text(OURS)
    (tmp_path / "authkeys").write_text("auth 1\n1 sha1 secret\n")
    assert heartbeat.foreign_file(tmp_path) == ""
    heartbeat.retire(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["authkeys"]
    heartbeat.retire(tmp_path)
    assert heartbeat.foreign_file(tmp_path) == ""


def test_files_of_another_making_are_named_and_stay(tmp_path: Path) -> None:
    (tmp_path / "ha.cf").write_text(FOREIGN)
    assert heartbeat.foreign_file(tmp_path) == f"{tmp_path}/ha.cf is not of asha's making"
    heartbeat.retire(tmp_path)
    assert (tmp_path / "ha.cf").read_text() == FOREIGN
    (tmp_path / "ha.cf").write_text("x" * (1 << 19))
    assert "not of asha's making" in heartbeat.foreign_file(tmp_path)
    heartbeat.retire(tmp_path)
    assert (tmp_path / "ha.cf").exists()


def test_corosync_loses_its_conf_and_keeps_key_and_foreign_conf(tmp_path: Path) -> None:
    conf = tmp_path / "corosync.conf"
    conf.write_text(OURS)
    (tmp_path / "authkey").write_text("5ec7e7")
    pacemaker.retire(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["authkey"]
    conf.write_text(FOREIGN)
    pacemaker.retire(tmp_path)
    assert conf.read_text() == FOREIGN


@pytest.mark.parametrize(
    ("text", "runs", "named"), [(OURS, 7, False), (FOREIGN, None, False), (FOREIGN, 7, True)]
)
def test_a_corosync_of_another_cluster_is_named_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, runs: int | None, named: bool
) -> None:
    (tmp_path / "corosync.conf").write_text(text)
    monkeypatch.setattr(pacemaker, "Processes", lambda: SimpleNamespace(corosync=lambda: runs))
    paths: Any = SimpleNamespace(conf_dir=tmp_path)
    assert bool(pacemaker.foreign_cluster(paths)) is named


def test_what_cannot_be_taken_away_is_said(tmp_path: Path) -> None:
    (tmp_path / "ha.cf").mkdir()
    with pytest.raises(HostError, match="could not be taken away"):
        remove_own(tmp_path / "ha.cf", b"asha")


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that says of corosync that it is enabled, and writes down what it is told."""
    program = tmp_path / "systemctl"
    program.write_text(
        "#!/bin/sh\n"
        "case $1 in is-enabled) [ $2 = corosync.service ] && echo enabled || echo disabled; exit 0;; esac\n"
        f"[ $3 != broken.service ] || exit 1\necho $* >>{tmp_path}/told\n".replace("$3", "${3:-none}")
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def test_init_is_asked_and_told_where_it_is_systemd(systemctl: Path) -> None:
    assert started_at_boot(("corosync", "pacemaker"), systemctl) == ("corosync",)
    set_at_boot(("corosync", "pacemaker"), on=False, runs=systemctl)
    set_at_boot(("heartbeat",), on=True, runs=systemctl)
    told = (systemctl / "told").read_text().splitlines()
    assert told == ["disable corosync.service pacemaker.service", "enable heartbeat.service"]
    with pytest.raises(HostError, match="started at boot"):
        set_at_boot(("corosync", "broken"), on=True, runs=systemctl)


def test_another_init_is_left_alone(tmp_path: Path) -> None:
    assert started_at_boot(("corosync",), tmp_path / "none") == ()
    set_at_boot(("corosync",), on=True, runs=tmp_path / "none")
