"""apt and dpkg for real, on a Debian booted with systemd: what comes, what stays, what goes, and that nothing stops."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Rpms
from debian_host import DebianHost
from furnished import CONF, agent_pid, answers, asterisk_pid, furnish, relay, serve
from hosts import ok, until

CONF_FILE = "/etc/asha.conf"
# The files that a system writes when users are made, its log, and a folder that dpkg takes away when it is empty.
_SYSTEMS = (
    "var/log/dpkg.log",
    "opt",
    "etc/group-",
    "etc/gshadow-",
    "etc/passwd-",
    "etc/shadow-",
    "etc/subgid-",
    "etc/subuid-",
)
_UNITS = ("asha.service", "asha-panel.service")


@pytest.fixture
def installed(debian: DebianHost, debs: Rpms) -> DebianHost:
    """With all our packages."""
    ok(debian.install(debs))
    return debian


@pytest.fixture
def serving(installed: DebianHost) -> DebianHost:
    """A primary with a card; it serves."""
    furnish(installed)
    ok(installed.run("systemctl", "start", "asha.service"))
    serve(installed)
    return installed


def test_it_comes_and_a_purge_leaves_nothing(debian: DebianHost, debs: Rpms) -> None:
    before = debian.files()
    ok(debian.install(debs))
    for unit in _UNITS:
        assert debian.run("systemctl", "is-enabled", unit).stdout == "enabled\n"
        assert debian.run("systemctl", "is-active", unit).stdout == "inactive\n"
        checked = debian.run("systemd-analyze", "--man=no", "verify", f"/usr/lib/systemd/system/{unit}")
        assert (checked.returncode, checked.stderr) == (0, "")
    assert debian.path(CONF_FILE).stat().st_mode & 0o777 == 0o640
    assert "no problem" in ok(debian.run("asha", "conf", "check"))
    checked = debian.run("asha", "check")
    assert checked.returncode == 3, checked.stderr
    assert "ok   conf " in checked.stdout and "NOT  HA engine " in checked.stdout
    assert debian.path("/etc/asha/panel.crt").exists(), "the page has its certificate"
    assert ok(debian.run("stat", "--format=%U", "/var/lib/asha/panel")) == "asha-panel\n"
    ok(debian.run("systemctl", "start", *_UNITS))
    ok(debian.run("systemctl", "reload", "asha.service"))
    assert answers(debian)
    debian.write("/var/log/asha.log", "as under another init\n")
    ok(debian.apt("purge", "asha", "asha-hwsim", "asha-runtime"))
    assert agent_pid(debian) == ""
    assert {name for name in debian.files() ^ before if not name.startswith(_SYSTEMS)} == set()
    assert "asha-panel" not in debian.read("/etc/passwd") + debian.read("/etc/group")
    assert [debian.run("systemctl", "is-enabled", unit).stdout for unit in _UNITS] in (
        ["", ""],
        ["not-found\n"] * 2,
    )


def test_an_upgrade_asks_nothing_and_moves_nothing(serving: DebianHost, next_debs: Rpms) -> None:
    ok(serving.run("systemctl", "disable", "asha-panel.service"))
    pbx, agent, told = asterisk_pid(serving), agent_pid(serving), len(relay(serving))
    assert serving.read(CONF_FILE) == CONF
    ok(serving.install(next_debs))
    assert ok(serving.run("dpkg-query", "-W", "-f=${Version}", "asha")).endswith("-2")
    until(lambda: agent_pid(serving) not in ("", agent) and answers(serving), "another agent answers")
    assert "RELAYOFF" not in " ".join(relay(serving)[told:])
    assert asterisk_pid(serving) == pbx and serving.path(f"/proc/{pbx}").exists()
    assert serving.read(CONF_FILE).startswith(CONF), "the site's conf file has only learned the names of keys"
    assert "\n#PROBEPERIOD=" in serving.read(CONF_FILE)
    assert serving.run("systemctl", "is-enabled", "asha-panel.service").stdout == "disabled\n"
    assert serving.run("systemctl", "is-active", "asha-panel.service").stdout == "inactive\n"
    ok(serving.apt("install", "--reinstall", *serving.bring(next_debs)))
    assert "RELAYOFF" not in " ".join(relay(serving)[told:])


def test_a_removal_lets_the_line_go_first_or_does_not_happen(serving: DebianHost, debs: Rpms) -> None:
    tool = serving.read("/usr/local/bin/rhinofailover")
    serving.write("/usr/local/bin/rhinofailover", "#!/bin/sh\necho the card says no\nexit 1\n", 0o755)
    refused = serving.apt("remove", "asha", "asha-runtime")
    assert refused.returncode != 0
    assert "Pull the card's USB plug" in refused.stdout and "asha*.prerm" in refused.stdout, refused.stdout
    assert (serving.state("asha"), serving.state("asha-runtime")) == ("installed", "installed")
    until(lambda: answers(serving), "the agent tries on, and shows it")
    serving.write("/usr/local/bin/rhinofailover", tool, 0o755)
    # The worst order, into which dpkg has to be forced: the interpreter goes first, and the agent hangs.
    told = len(relay(serving))
    ok(serving.sh(f"kill -STOP {agent_pid(serving)}"))
    ok(serving.run("dpkg", "--force-depends", "--remove", "asha-runtime"))
    assert "RELAYOFF installed" in relay(serving)[told:] and agent_pid(serving) == ""
    ok(serving.apt("remove", "asha", "asha-hwsim"))
    assert serving.state("asha") == "config-files"
    assert not serving.path("/opt/asha").exists() and not serving.path("/run/asha").exists()
    assert serving.read(CONF_FILE) == CONF
    ok(serving.install(debs))
    assert serving.read(CONF_FILE).startswith(CONF)
    assert "no problem" in ok(serving.run("asha", "conf", "check"))


def test_a_purge_keeps_newer_data_and_what_has_to_be_chosen_between(installed: DebianHost) -> None:
    kept = "/var/lib/asha/sync/quarantine/0123/var/spool/asterisk/msg0000.wav"
    installed.write(kept, "a voice")
    said = ok(installed.apt("purge", "asha", "asha-hwsim", "asha-runtime"))
    assert "/var/lib/asha/sync/quarantine" in said
    assert [path.name for path in installed.path("/var/lib/asha").rglob("*") if path.is_file()] == [
        Path(kept).name
    ]
