"""The glue for SARK: on plain EL, and on an SME Server with its database, its events and its runlevel 7."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import HERE, TREE, Rpms, rpmbuild
from furnished import agent_pid, answers
from hosts import Host, ok, until


@pytest.fixture
def sme(make_el5: Callable[[], Host], all_rpms: Rpms, tmp_path: Path) -> Host:
    """An SME Server with asha and its glue, as their installation leaves it."""
    host = make_el5()
    base = rpmbuild(HERE / "sme/base.spec", tmp_path / "sme", stand_ins=HERE / "sme")
    ok(host.rpm("-Uvh", base))
    host.write("/etc/inittab", host.read("/etc/inittab").replace("rc 3", "rc 7"))
    host.up()
    ok(host.rpm("-Uvh", all_rpms["smesarkha"], all_rpms["asha"], all_rpms["asha-runtime"]))
    return host


def config(host: Host, *words: str) -> str:
    return ok(host.run("/sbin/e-smith/config", *words)).strip()


def boot(host: Host) -> None:
    host.down()
    host.up()


def test_after_the_event_and_a_boot_it_runs(sme: Host) -> None:
    ok(sme.run("/sbin/e-smith/signal-event", "post-upgrade"))
    assert (config(sme, "getprop", "asha", "type"), config(sme, "getprop", "asha", "status")) == (
        "service",
        "enabled",
    )
    boot(sme)
    until(lambda: answers(sme), "the agent answers")


def panel_keys(host: Host) -> dict[str, str]:
    """Where the conf file says that the page is; nothing when this asha knows no such keys."""
    lines = ok(host.run("/usr/sbin/asha", "conf", "list")).splitlines()
    found = dict(line.partition("   (")[0].split("=", 1) for line in lines if line[:1].isupper())
    return {key: found[key] for key in ("PANELPREFIX", "PANELPROXY") if key in found}


def make_sark(host: Host, address: str) -> None:
    """SARK's database with the published columns, as a site has filled it in."""
    host.path("/opt/sark/db").mkdir(parents=True, exist_ok=True)
    values = {"HACLUSTERIP": address, "HAMODE": "ON", "HAPRINODE": "haprimary", "HASECNODE": "hastandby"}
    values |= {
        "HASYNCH": "LOOSE",
        "HAAUTOFAILBACK": "off",
        "HAUSECLUSTER": "yes",
        "RESTART": "NO",
        "RHINOSPF": "NO",
    }
    with contextlib.closing(sqlite3.connect(host.path("/opt/sark/db/sark.db"))) as database, database:
        database.execute("DROP TABLE IF EXISTS globals")
        columns = "".join(f", {column} TEXT" for column in values)
        database.execute(f"CREATE TABLE globals (pkey TEXT PRIMARY KEY{columns})")
        marks = ", ?" * len(values)
        database.execute(f"INSERT INTO globals VALUES ('global'{marks})", tuple(values.values()))


def test_a_save_in_sark_is_taken_along_by_the_events(sme: Host) -> None:
    make_sark(sme, "10.0.0.5")
    ok(sme.run("/sbin/e-smith/signal-event", "asha-update"))
    conf = sme.read("/etc/asha.conf")
    assert "\nHACLUSTERIP=10.0.0.5\n" in conf and "\nHAUSECLUSTER=YES\n" in conf
    assert "# virtual IP of the HA cluster\n" in conf, "comments stay"
    make_sark(sme, "10.0.0.6")
    ok(sme.run("/sbin/e-smith/signal-event", "console-save"))
    assert ok(sme.run("/usr/sbin/asha", "provision-address")) == "10.0.0.6\n"
    assert sme.read("/var/log/adjusted") == "httpd-e-smith sigusr1\n"
    fragment = sme.read("/etc/e-smith/templates/etc/httpd/conf/httpd.conf/95AshaPanel")
    assert fragment in sme.read("/etc/httpd/conf/httpd.conf")


def test_a_running_agent_follows_a_save_in_sark(sme: Host) -> None:
    """From the packages, on what is as old as EL5."""
    make_sark(sme, "10.0.0.5")
    ok(sme.run("/etc/rc.d/init.d/asha", "start"))
    told = "/etc/asha/provision-address.php"
    until(lambda: sme.path(told).exists() and "'10.0.0.5'" in sme.read(told), "telephones get it")
    with contextlib.closing(sqlite3.connect(sme.path("/opt/sark/db/sark.db"))) as database, database:
        database.execute("UPDATE globals SET HACLUSTERIP = '10.0.0.7'")
    until(lambda: "'10.0.0.7'" in sme.read(told), "the agent has followed")
    assert "\nHACLUSTERIP=10.0.0.7\n" in sme.read("/etc/asha.conf")


def test_the_server_manager_leads_to_the_page(sme: Host) -> None:
    said = ok(sme.run("/etc/e-smith/web/panels/manager/cgi-bin/asha"))
    assert said.startswith("Status: 302 Found\nLocation: /asha/\n")  # its line ends were \r\n
    ok(sme.run("/sbin/e-smith/signal-event", "post-upgrade"))
    assert set(panel_keys(sme).items()) in (set(), {("PANELPREFIX", "/asha"), ("PANELPROXY", "on")})


def test_on_plain_el_the_page_is_behind_apache(el5: Host, all_rpms: Rpms) -> None:
    ok(el5.rpm("-Uvh", all_rpms["asha"], all_rpms["asha-runtime"]))
    before, known = el5.read("/etc/asha.conf"), panel_keys(el5)
    ok(el5.rpm("-Uvh", all_rpms["el5sarkha"]))
    assert "ProxyPass /asha/ https://127.0.0.1:8443/asha/" in el5.read("/etc/httpd/conf.d/asha-panel.conf")
    if known:
        assert panel_keys(el5) == {"PANELPREFIX": "/asha", "PANELPROXY": "on"}
    else:
        assert el5.read("/etc/asha.conf") == before, "an asha without such keys is left as it is"
    ok(el5.rpm("-e", "el5sarkha"))
    assert panel_keys(el5) == known
    assert not el5.path("/etc/httpd").exists()


def test_it_does_not_run_when_the_database_says_so(sme: Host) -> None:
    config(sme, "setprop", "asha", "status", "disabled")
    ok(sme.run("/sbin/e-smith/signal-event", "post-upgrade"))
    assert config(sme, "getprop", "asha", "status") == "disabled"
    boot(sme)
    assert agent_pid(sme) == ""


def test_the_event_succeeds_whatever_the_conf_is_and_keeps_it(sme: Host) -> None:
    sme.write("/etc/asha.conf", "RESTART=maybe\n", 0o640)
    ok(sme.run("/sbin/e-smith/signal-event", "post-upgrade"))
    text = sme.read("/etc/asha.conf")
    assert text.startswith("RESTART=maybe\n") and "\n#HACLUSTERIP=\n" in text
    sme.path("/etc/asha.conf").unlink()
    ok(sme.run("/sbin/e-smith/signal-event", "post-upgrade"))


@pytest.mark.parametrize("first", ["smesarkha", "asha", "asha-runtime"])
def test_the_removal_leaves_nothing(sme: Host, first: str) -> None:
    """Whichever is erased first. See test_rpm_erase.py for every order on plain EL."""
    ok(sme.rpm("-V", "smesarkha"))
    names = ["asha-runtime", "asha", "smesarkha"]
    for name in (first, *(name for name in names if name != first)):
        ok(sme.rpm("-e", "--nodeps", name))
    assert not sme.path("/opt/asha").exists()
    assert [name for name in sme.files() if "asha" in name or "sarkha" in name] == []


@pytest.mark.parametrize("name", ["el5sarkha", "smesarkha"])
def test_each_upgrades_the_original_together_with_asha(
    el5: Host, original: Path, all_rpms: Rpms, tmp_path: Path, name: str
) -> None:
    old = rpmbuild(HERE / "original/sarkha.spec", tmp_path / "old", flavour=name.removesuffix("sarkha"))
    base = rpmbuild(HERE / "sme/base.spec", tmp_path / "sme", stand_ins=HERE / "sme")
    ok(el5.rpm("-Uvh", base, original, old))
    ok(el5.rpm("-Uvh", all_rpms[name], all_rpms["asha"], all_rpms["asha-runtime"]))
    assert "3.2.0-1" in ok(el5.rpm("-q", name))
    assert not el5.path("/opt/sark").exists()
    assert ok(el5.rpm("-V", name)) == ""


def test_the_two_exclude_each_other(sme: Host, all_rpms: Rpms) -> None:
    done = sme.rpm("-Uvh", all_rpms["el5sarkha"])
    assert done.returncode != 0 and "conflicts" in done.stderr


def test_their_readmes_name_commands_that_there_are() -> None:
    from appliance.cli.main import _COMMANDS  # noqa: PLC0415

    for readme in TREE.glob("rpm/*sarkha/README"):
        used = {line.split()[1] for line in readme.read_text().splitlines() if line.startswith("    asha ")}
        assert used and used <= set(_COMMANDS)
