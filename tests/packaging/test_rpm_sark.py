"""The glue for SARK: on plain EL, and on an SME Server with its database, its events and its runlevel 7."""

from __future__ import annotations

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


def test_the_removal_leaves_nothing(sme: Host) -> None:
    ok(sme.rpm("-V", "smesarkha"))
    ok(sme.rpm("-e", "smesarkha", "asha", "asha-runtime"))
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
