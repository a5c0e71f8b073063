"""The page's unit on a host booted with systemd."""

from __future__ import annotations

import pytest
from conftest import Rpms
from hosts import Done, ok, until
from panel_on_host import KEY, own_number, page, panel_pid, who_is
from systemd_host import SystemdHost

UNIT = "asha-panel.service"


@pytest.fixture
def host(systemd: SystemdHost, rpms: Rpms) -> SystemdHost:
    ok(systemd.rpm("-Uvh", *systemd.bring(rpms)))
    return systemd


def systemctl(host: SystemdHost, verb: str, *words: str) -> Done:
    return host.run("systemctl", verb, UNIT, *words, timeout=100)


def test_an_install_enables_and_starts_nothing(host: SystemdHost) -> None:
    assert systemctl(host, "is-enabled").stdout.strip() == "enabled"
    assert systemctl(host, "is-active").stdout.strip() == "inactive"
    checked = host.run("systemd-analyze", "verify", f"/usr/lib/systemd/system/{UNIT}")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_it_runs_as_its_user_with_nothing_left_of_root(host: SystemdHost) -> None:
    ok(systemctl(host, "start"))
    assert page(host).startswith(("200 ", "302 ", "303 "))
    user, group = own_number(host)
    who = who_is(host, panel_pid(host))
    assert set(who["Uid"]) == {str(user)} and set(who["Gid"]) == {str(group)}
    assert int(who["CapPrm"][0], 16) == 0 and who["NoNewPrivs"] == ["1"]
    assert host.path(KEY).stat().st_gid == group


def test_it_comes_back_when_killed_and_ends_when_told(host: SystemdHost) -> None:
    ok(systemctl(host, "start"))
    before = panel_pid(host)
    ok(host.run("kill", "-9", before))
    until(lambda: panel_pid(host) not in ("", before), "another one runs")
    until(lambda: host.run("/usr/sbin/asha", "panel", "answers").returncode == 0, "it answers")
    ok(systemctl(host, "stop"))
    assert panel_pid(host) == ""
    assert systemctl(host, "is-failed").stdout.strip() == "inactive"


def test_one_that_is_off_or_wrong_is_not_tried_for_ever(host: SystemdHost) -> None:
    ok(host.run("/usr/sbin/asha", "conf", "set", "PANEL", "off"))
    systemctl(host, "start")
    until(lambda: systemctl(host, "is-active").stdout.strip() == "inactive", "it is off")
    host.write("/etc/asha.conf", "PANELPORT=none\n", 0o640)
    assert systemctl(host, "start").returncode == 1
    shown = systemctl(host, "show", "--property=ActiveState,NRestarts,ExecMainStatus").stdout
    assert set(shown.split()) == {"ActiveState=failed", "NRestarts=0", "ExecMainStatus=2"}


def test_an_upgrade_restarts_it_and_an_erase_ends_it(host: SystemdHost, next_rpms: Rpms) -> None:
    ok(systemctl(host, "start"))
    before = panel_pid(host)
    ok(host.rpm("-Uvh", *host.bring(next_rpms)))
    until(lambda: panel_pid(host) not in ("", before), "another one runs")
    assert systemctl(host, "is-enabled").stdout.strip() == "enabled"
    ok(host.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert panel_pid(host) == ""
    assert not host.path("/etc/asha").exists() and not host.path("/var/lib/asha").exists()
    assert "asha-panel" not in host.read("/etc/passwd")
