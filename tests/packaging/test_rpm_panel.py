"""The page as the RPMs bring it, on an EL5-like host: its user, its files, its service, and what it cannot read."""

from __future__ import annotations

import re
import stat

import pytest
from conftest import Rpms
from furnished import agent_pid, answers, furnish
from hosts import Host, ok, until
from panel_on_host import (
    CERT,
    KEY,
    STATE,
    USER,
    as_panel,
    bring_openssl,
    own_number,
    page,
    panel_pid,
    who_is,
)

CODE = re.compile(r"[0-9a-z]{5}-[0-9a-z]{5}-[0-9a-z]{5}")


@pytest.fixture
def first(el5: Host, rpms: Rpms) -> tuple[Host, str]:
    """A host with openssl, everything installed, and what was said meanwhile."""
    bring_openssl(el5)
    done = el5.rpm("-Uvh", *rpms.values())
    assert done.stderr == ""
    return el5, ok(done)


@pytest.fixture
def served(first: tuple[Host, str]) -> Host:
    """The page's service runs."""
    host, _ = first
    assert service(host, "start") == 0
    return host


def service(host: Host, verb: str) -> int:
    return host.run("/sbin/service", "asha-panel", verb).returncode


def mode(host: Host, path: str) -> tuple[int, int, int]:
    status = host.path(path).stat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def test_an_install_says_where_the_page_is_and_gives_a_code(first: tuple[Host, str]) -> None:
    host, said = first
    assert "https://127.0.0.1:8443/" in said and CODE.search(said)
    user, group = own_number(host)
    assert mode(host, STATE) == (0o700, user, group)
    assert mode(host, f"{STATE}/setup") == (0o600, user, group)
    assert mode(host, KEY) == (0o640, 0, group)
    assert mode(host, CERT) == (0o644, 0, 0)
    assert user != 0 and group != 0


def test_without_openssl_it_says_so_and_the_rest_is_there(el5: Host, rpms: Rpms) -> None:
    done = el5.rpm("-Uvh", *rpms.values())
    assert "no certificate yet" in ok(done) and CODE.search(done.stdout)
    assert service(el5, "start") == 1
    bring_openssl(el5)
    assert "was made" in ok(el5.run("/usr/sbin/asha", "panel", "certificate"))
    assert service(el5, "start") == 0


def test_without_useradd_the_page_does_not_run_as_root(el5: Host, rpms: Rpms) -> None:
    bring_openssl(el5)
    for name in ("useradd", "groupadd"):
        el5.path(f"/usr/sbin/{name}").unlink()
    assert "asha-panel could not be made" in ok(el5.rpm("-Uvh", *rpms.values()))
    ok(el5.run("/usr/sbin/asha", "panel", "certificate"))
    done = el5.run("/usr/sbin/asha", "panel", "run")
    assert done.returncode == 3
    assert f"There is no user {USER}" in done.stderr


def test_the_service_runs_as_its_user_for_good(served: Host) -> None:
    user, group = own_number(served)
    who = who_is(served, panel_pid(served))
    assert set(who["Uid"]) == {str(user)} and set(who["Gid"]) == {str(group)}
    assert who["Groups"] == [str(group)]
    assert int(who["CapEff"][0], 16) == int(who["CapPrm"][0], 16) == 0
    assert who["NoNewPrivs"] == ["1"]


def test_a_page_comes_without_an_agent(served: Host) -> None:
    assert agent_pid(served) == ""
    assert page(served).startswith(("200 ", "302 ", "303 "))


def test_what_is_not_the_pages_cannot_be_read_by_it(served: Host) -> None:
    secrets = {
        "/etc/ha.d/authkeys": 0o600,
        "/var/lib/asha/ssh/id": 0o600,
        "/etc/shadow": 0o600,
        "/etc/asha.conf": 0o640,
    }
    for path, rights in secrets.items():
        if not served.path(path).exists():
            served.write(path, "a secret\n", rights)
        assert "Permission denied" in as_panel(served, path).stderr, path
    assert as_panel(served, f"{STATE}/setup").returncode == 0


def test_the_status_codes_are_those_of_the_standard(served: Host) -> None:
    assert service(served, "status") == 0
    assert service(served, "start") == 0
    assert service(served, "nonsense") == 2
    assert service(served, "stop") == 0
    assert panel_pid(served) == ""
    assert service(served, "status") == 3
    assert service(served, "condrestart") == 0
    assert panel_pid(served) == ""


def test_a_killed_page_comes_back(served: Host) -> None:
    before = panel_pid(served)
    ok(served.run("/bin/kill", "-9", before))
    until(lambda: panel_pid(served) not in ("", before), "another one runs")
    until(lambda: served.run("/usr/sbin/asha", "panel", "answers").returncode == 0, "it answers")


def test_one_that_is_off_is_not_tried_for_ever(first: tuple[Host, str]) -> None:
    host, _ = first
    ok(host.run("/usr/sbin/asha", "conf", "set", "PANEL", "off"))
    done = host.run("/sbin/service", "asha-panel", "start")
    assert done.returncode == 1 and "the panel is off" in done.stdout
    assert service(host, "status") == 3


def test_a_boot_starts_it_beside_the_agent(first: tuple[Host, str]) -> None:
    host, _ = first
    furnish(host)
    host.down()
    host.up()
    until(lambda: answers(host), "the boot has started the agent")
    until(lambda: host.run("/usr/sbin/asha", "panel", "answers").returncode == 0, "and the page")
    assert "ok   panel" in host.run("/usr/sbin/asha", "check").stdout


def test_an_upgrade_keeps_users_and_certificate_and_restarts_it(served: Host, next_rpms: Rpms) -> None:
    added = served.run(
        *("/usr/sbin/asha", "panel", "user", "add", "anna", "--password-stdin"), given="correct horse\n"
    )
    ok(added)
    user, group = own_number(served)
    assert mode(served, f"{STATE}/users") == (0o600, user, group)
    before = (served.read(CERT), served.read(KEY), served.read(f"{STATE}/users"), panel_pid(served))
    said = ok(served.rpm("-Uvh", *next_rpms.values()))
    assert not CODE.search(said)
    until(lambda: panel_pid(served) not in ("", before[3]), "another one runs")
    assert (served.read(CERT), served.read(KEY), served.read(f"{STATE}/users")) == before[:3]
    assert page(served)


def test_the_first_visitor_becomes_operator_by_the_code_of_the_install(first: tuple[Host, str]) -> None:
    """By the same functions that the page calls, as its own user."""
    host, said = first
    code = CODE.search(said)
    assert code
    user, group = own_number(host)
    use = (
        f"import os, sys\nos.setgroups([])\nos.setgid({group})\nos.setuid({user})\n"
        "from appliance.panel.auth.first_login import FirstLogin\n"
        "print(FirstLogin().use_code(sys.argv[1], 'anna', 'correct horse').role)"
    )
    assert ok(host.run("/opt/asha/runtime/bin/python3.11", "-IB", "-c", use, code.group())) == "operator\n"
    assert "anna" in ok(host.run("/usr/sbin/asha", "panel", "user", "list"))


def test_an_erase_leaves_nothing_of_the_page(el5: Host, rpms: Rpms) -> None:
    bring_openssl(el5)
    before, accounts = el5.files(), (el5.read("/etc/passwd"), el5.read("/etc/group"))
    ok(el5.rpm("-Uvh", *rpms.values()))
    assert service(el5, "start") == 0
    ok(el5.run("/usr/sbin/asha", "panel", "token"))
    ok(el5.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert panel_pid(el5) == ""
    assert el5.files() ^ before == set()
    assert (el5.read("/etc/passwd"), el5.read("/etc/group")) == accounts


def test_a_sites_own_in_the_same_folder_stays(first: tuple[Host, str]) -> None:
    host, _ = first
    host.write("/etc/asha/ours.crt", "the site's\n")
    ok(host.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert [path.name for path in host.path("/etc/asha").iterdir()] == ["ours.crt"]
