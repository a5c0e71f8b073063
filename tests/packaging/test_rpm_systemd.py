"""The installed service on a host booted with systemd."""

from __future__ import annotations

import signal

import pytest
from conftest import Rpms
from furnished import agent_pid, answers, asterisk_pid, furnish, relay, serve
from hosts import Done, ok, until
from systemd_host import SystemdHost


@pytest.fixture
def host(systemd: SystemdHost, rpms: Rpms) -> SystemdHost:
    """A primary with a card, installed."""
    ok(systemd.rpm("-Uvh", *systemd.bring(rpms)))
    furnish(systemd)
    return systemd


@pytest.fixture
def started(host: SystemdHost) -> SystemdHost:
    ok(systemctl(host, "start"))
    return host


def systemctl(host: SystemdHost, verb: str) -> Done:
    return host.run("systemctl", verb, "asha.service", timeout=150)


def test_an_install_enables_and_starts_nothing(host: SystemdHost) -> None:
    assert systemctl(host, "is-enabled").stdout.strip() == "enabled"
    assert systemctl(host, "is-active").stdout.strip() == "inactive"
    assert not list(host.path("/etc").glob("rc*.d/S*asha"))
    checked = host.run("systemd-analyze", "verify", "/usr/lib/systemd/system/asha.service")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_start_is_done_when_the_agent_answers(host: SystemdHost) -> None:
    ok(systemctl(host, "start"))
    assert answers(host)
    assert "active (running)" in ok(host.run("/etc/rc.d/init.d/asha", "status"))
    assert relay(host) == ["RESET installed", "RELAYOFF installed"]


def test_a_killed_agent_comes_back(started: SystemdHost) -> None:
    for _ in range(6):  # more often than systemd's own patience
        first = agent_pid(started)
        ok(started.run("kill", "-9", first))
        until(
            lambda first=first: agent_pid(started) not in ("", first) and answers(started), "another answers"
        )


def test_an_agent_that_hangs_is_started_anew(started: SystemdHost) -> None:
    first = agent_pid(started)
    ok(started.run("kill", f"-{signal.SIGSTOP.value}", first))
    until(lambda: agent_pid(started) not in ("", first) and answers(started), "another agent answers", 40)


def test_with_a_wrong_conf_the_agent_waits_and_says_so(host: SystemdHost) -> None:
    host.write("/etc/asha.conf", "RESTART=maybe\n", 0o640)
    assert systemctl(host, "start").returncode == 0
    assert "RESTART=maybe" in host.run("/usr/sbin/asha", "status").stdout


def test_restarts_and_an_upgrade_move_nothing(started: SystemdHost, next_rpms: Rpms) -> None:
    serve(started)
    pbx = asterisk_pid(started)
    before = len(relay(started))
    for renew in (
        lambda: systemctl(started, "restart"),
        lambda: systemctl(started, "try-restart"),
        lambda: started.rpm("-Uvh", *started.bring(next_rpms)),
    ):
        pid = agent_pid(started)
        ok(renew())
        until(
            lambda pid=pid: agent_pid(started) not in ("", pid) and answers(started), "another agent answers"
        )
        assert "RELAYOFF" not in " ".join(relay(started)[before:])
        assert asterisk_pid(started) == pbx
        assert started.path(f"/proc/{pbx}").exists()


def test_a_stop_lets_the_line_go(started: SystemdHost) -> None:
    serve(started)
    ok(systemctl(started, "stop"))
    assert relay(started)[-1] == "RELAYOFF installed"
    assert agent_pid(started) == ""


@pytest.mark.parametrize("first", ["asha", "asha-runtime"])
def test_an_erase_lets_the_line_go_before_anything_else(started: SystemdHost, first: str) -> None:
    """Also when the runtime goes first, as on EL5, and the agent hangs."""
    serve(started)
    told = len(relay(started))
    if first == "asha-runtime":
        ok(started.run("kill", f"-{signal.SIGSTOP.value}", agent_pid(started)))
        ok(started.rpm("-e", "--nodeps", "asha-runtime"))
        ok(started.rpm("-e", "asha", "asha-hwsim"))
    else:
        ok(started.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert relay(started)[told:][:1] == ["RELAYOFF installed"]
    assert agent_pid(started) == ""
    assert not started.path("/opt/asha").exists() and not started.path("/var/lib/asha").exists()
    assert systemctl(started, "is-enabled").stdout.strip() in ("", "not-found")
