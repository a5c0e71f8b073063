"""The installed service on a booted EL5-like host: SysV init, a card, and stand-ins for Heartbeat and Asterisk."""

from __future__ import annotations

import pytest
from conftest import Rpms
from furnished import agent_pid, answers, asterisk_pid, furnish, relay, serve
from hosts import Host, ok, until


@pytest.fixture
def booted(el5: Host, rpms: Rpms) -> Host:
    """A primary with a card, installed and then booted."""
    ok(el5.rpm("-Uvh", *rpms.values()))
    furnish(el5)
    el5.down()
    el5.up()
    until(lambda: agent_pid(el5) != "" and answers(el5), "the boot has started the agent")
    return el5


def service(host: Host, verb: str) -> int:
    return host.run("/sbin/service", "asha", verb).returncode


def test_a_boot_starts_it_and_lets_the_line_go_first(booted: Host) -> None:
    assert relay(booted) == ["RESET installed", "RELAYOFF installed"]
    assert "\nThis node (primary) is off" in booted.run("/usr/sbin/asha", "status").stdout


def test_the_status_codes_are_those_of_the_standard(booted: Host) -> None:
    assert service(booted, "status") == 0
    assert service(booted, "nonsense") == 2
    assert service(booted, "start") == 0  # it runs already
    assert service(booted, "stop") == 0
    assert service(booted, "status") == 3
    assert service(booted, "stop") == 0
    assert service(booted, "condrestart") == 0  # nothing to restart
    assert service(booted, "reload") == 7
    assert service(booted, "status") == 3
    booted.write("/var/run/asha.pid", "1\n")  # process 1 is not ours
    assert service(booted, "status") == 1


def test_a_killed_agent_comes_back(booted: Host) -> None:
    first = agent_pid(booted)
    ok(booted.run("/bin/kill", "-9", first))
    until(lambda: agent_pid(booted) not in ("", first) and answers(booted), "another agent answers")


def test_with_a_wrong_conf_the_agent_waits_and_says_so(booted: Host) -> None:
    assert service(booted, "stop") == 0
    booted.write("/etc/asha.conf", "RESTART=maybe\n", 0o640)
    assert service(booted, "start") == 0
    assert "RESTART=maybe" in booted.run("/usr/sbin/asha", "status").stdout


def test_a_reload_reads_the_conf_again(booted: Host) -> None:
    ok(booted.run("/usr/sbin/asha", "conf", "set", "PROBEPERIOD", "2"))
    pid = agent_pid(booted)
    assert service(booted, "reload") == 0
    until(lambda: "conf file was read again" in booted.read("/var/lib/asha/journal"), "the conf was read")
    assert agent_pid(booted) == pid


def test_a_restart_of_one_that_hangs_leaves_no_second_agent(booted: Host) -> None:
    hung = agent_pid(booted)
    ok(booted.run("/bin/kill", "-STOP", hung))
    assert service(booted, "restart") == 0
    assert agent_pid(booted) not in ("", hung) and "\n" not in agent_pid(booted)
    assert not booted.path(f"/proc/{hung}").exists()


@pytest.mark.parametrize("verb", ["restart", "condrestart"])
def test_a_restart_moves_nothing(booted: Host, verb: str) -> None:
    serve(booted)
    before, pid, pbx = relay(booted), agent_pid(booted), asterisk_pid(booted)
    assert service(booted, verb) == 0
    assert agent_pid(booted) not in ("", pid)
    assert "RELAYOFF" not in " ".join(relay(booted)[len(before) :])
    assert asterisk_pid(booted) == pbx


def test_an_upgrade_restarts_the_agent_and_moves_nothing(booted: Host, next_rpms: Rpms) -> None:
    serve(booted)
    before, pid, pbx = relay(booted), agent_pid(booted), asterisk_pid(booted)
    ok(booted.rpm("-Uvh", *next_rpms.values()))
    assert agent_pid(booted) not in ("", pid) and answers(booted)
    assert "RELAYOFF" not in " ".join(relay(booted)[len(before) :])
    assert asterisk_pid(booted) == pbx


def test_an_upgrade_of_one_that_was_stopped_starts_nothing(booted: Host, next_rpms: Rpms) -> None:
    assert service(booted, "stop") == 0
    ok(booted.rpm("-Uvh", *next_rpms.values()))
    assert agent_pid(booted) == ""


def test_a_stop_lets_the_line_go(booted: Host) -> None:
    serve(booted)
    assert service(booted, "stop") == 0
    assert relay(booted)[-1] == "RELAYOFF installed"
    assert agent_pid(booted) == ""
    assert not booted.path("/run/asha/control").exists()


@pytest.mark.parametrize("agent", ["runs", "is dead"])
def test_a_shutdown_lets_the_line_go(booted: Host, agent: str) -> None:
    """By the command that init calls; Heartbeat, which would end before asha, has its service left to asha here."""
    serve(booted)
    if agent == "is dead":
        ok(booted.sh(f"kill -9 $(cat /var/run/asha.pid) {agent_pid(booted)}"))
    ok(booted.run("/etc/rc.d/rc", "0"))
    assert relay(booted)[-1] == "RELAYOFF installed"
    assert agent_pid(booted) == ""


@pytest.mark.parametrize("agent", ["runs", "is dead"])
def test_an_erase_lets_the_line_go_before_anything_else(booted: Host, agent: str) -> None:
    serve(booted)
    if agent == "is dead":
        ok(booted.sh(f"kill -9 $(cat /var/run/asha.pid) {agent_pid(booted)}"))
        until(lambda: agent_pid(booted) == "", "the agent is dead")
    told = len(relay(booted))
    ok(booted.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert relay(booted)[told:][:1] == ["RELAYOFF installed"]
    assert {line.split()[0] for line in relay(booted)[told:]} <= {"RELAYOFF", "RESET"}
    assert agent_pid(booted) == ""
    assert not booted.path("/opt/asha").exists()


def test_a_grant_does_not_outlive_a_boot_although_run_is_on_the_disk(booted: Host) -> None:
    serve(booted)
    assert '"held": true' in booted.read("/run/asha/grant")
    booted.down()
    # Another boot has another boot_id; here the kernel is the same, so the old one's is made another.
    booted.write("/run/asha/boot", "another\n")
    told = len(relay(booted))
    booted.up()
    until(lambda: answers(booted), "the agent answers")
    assert relay(booted)[told:] == ["RESET installed", "RELAYOFF installed"]
    assert '"held": true' not in booted.read("/run/asha/grant")
