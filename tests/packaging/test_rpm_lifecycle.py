"""`rpm -Uvh`, `rpm -V` and `rpm -e` for real, on an EL5-like host: what comes, what stays, what goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import CORE, Rpms
from furnished import answers
from hosts import Host, ok

from appliance.config.schema import KEYS

CONF = "/etc/asha.conf"
IMPORT_ALL = """
import importlib, pkgutil, appliance, hwsim
for package in (appliance, hwsim):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            print(module.name)
"""
OURS = ("/opt/asha", "/var/lib/asha", "/run", "/var/log/asha.log", "/etc/ha.d")


def verified(host: Host, *names: str) -> str:
    """What `rpm -V` has to say."""
    return host.rpm("-V", *names).stdout


def customised(host: Host) -> str:
    """The site has made the conf file its own; the text."""
    text = host.read(CONF).replace("\nHACLUSTERIP=\n", "\n# ours: ask Jane\nHACLUSTERIP=10.0.0.5\n")
    text = text.replace("\nOTHER1=\n", "\nOTHER1=/srv/tftp\n")
    assert "=10.0.0.5" in text and "OTHER1=/srv/tftp" in text
    host.write(CONF, text, 0o640)
    return text


# ---------------------------------------------------------------------------------------------- coming


@pytest.mark.parametrize("order", [("el5sarkha", *CORE), (*reversed(CORE), "el5sarkha")])
def test_one_command_orders_itself(el5: Host, all_rpms: Rpms, order: tuple[str, ...]) -> None:
    done = el5.rpm("-Uvh", *(all_rpms[name] for name in order))
    assert done.stderr == ""  # the scripts have nothing to complain of either
    ok(done)
    # Nothing is other than the packages brought it but what el5sarkha has set: the page is behind SARK's Apache.
    assert verified(el5, *order) == "S.5....T.  c /etc/asha.conf\n"
    assert {"PANELPREFIX=/asha", "PANELPROXY=on"} <= set(el5.read("/etc/asha.conf").splitlines())
    assert "2.0.0" in ok(el5.run("/usr/sbin/asha", "--version"))


def test_an_install_enables_and_starts_nothing(installed: Host) -> None:
    assert "S74asha" in ok(installed.run("/sbin/chkconfig", "--list"))
    assert installed.path("/etc/rc.d/rc0.d/K06asha").is_symlink()
    assert installed.run("/sbin/service", "asha", "status").returncode == 3
    assert not installed.path("/run/asha").exists()


def test_the_conf_it_brings_is_right_and_not_for_everybody(installed: Host) -> None:
    assert "no problem" in ok(installed.run("/usr/sbin/asha", "conf", "check"))
    assert installed.path(CONF).stat().st_mode & 0o777 == 0o640


def test_the_agent_will_find_the_resource_script_as_it_would_write_it(installed: Host) -> None:
    script = "/opt/asha/runtime/bin/python3.11 -I -m appliance.cli.resource"
    assert f'exec {script} "$@"\n' in installed.read("/etc/ha.d/resource.d/asha")
    python = "/opt/asha/runtime/bin/python3.11"
    code = "from appliance.agent.engine_control import *; print(*script_command('resource'))"
    assert ok(installed.run(python, "-I", "-c", code)).strip() == script


def test_pacemaker_finds_the_fence_agent_where_it_looks(installed: Host) -> None:
    script = "/opt/asha/runtime/bin/python3.11 -I -m appliance.cli.fence_agent"
    assert f'exec {script} "$@"\n' in installed.read("/usr/sbin/fence_asha")
    assert '<resource-agent name="fence_asha"' in ok(installed.run("/usr/sbin/fence_asha", "-o", "metadata"))
    assert installed.run("/usr/sbin/fence_asha", "-o", "off", "-n", "other").returncode == 1, (
        "without an agent"
    )


def test_without_heartbeat_and_asterisk_the_check_says_so(installed: Host) -> None:
    done = installed.run("/usr/sbin/asha", "check")
    assert done.returncode == 3
    assert "NOT  HA engine   Neither Heartbeat nor Pacemaker is installed" in done.stdout
    assert "NOT  Asterisk    The program 'asterisk' was not found" in done.stdout


def test_the_manual_names_every_key_and_command(installed: Host) -> None:
    conf = ok(installed.run("/usr/bin/gzip", "-dc", "/usr/share/man/man5/asha.conf.5.gz"))
    assert [key.name for key in KEYS if f"\n.B {key.name}\n" not in conf] == []
    commands = ok(installed.run("/usr/bin/gzip", "-dc", "/usr/share/man/man8/asha.8.gz"))
    for command in ("asha status", "asha ha start", "asha conf set", "asha leave"):
        assert f".B {command}" in commands


def test_every_module_finds_what_it_imports_in_the_private_runtime(installed: Host) -> None:
    done = installed.run("/opt/asha/runtime/bin/python3.11", "-IB", "-c", IMPORT_ALL)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"appliance.agent.daemon", "appliance.sync.rsync", "hwsim.rack"} <= set(done.stdout.split())
    assert "a rack without hardware" in ok(installed.run("/usr/sbin/hwsim", "--help"))


def test_cards_are_looked_for_without_udev(installed: Host) -> None:
    """The runtime has no libudev; even where udevd runs, discovery falls back to sysfs and the kernel's events."""
    installed.write("/run/udev/control", "")
    code = "from appliance.hw.discovery import usb_ttys, watch_devices; print(usb_ttys(), watch_devices())"
    said = ok(installed.run("/opt/asha/runtime/bin/python3.11", "-IB", "-c", code))
    assert "SysfsTtys" in said and "KernelEvents" in said


def test_a_32_bit_host_gets_a_clear_sentence(el5: Host, rpms: Rpms) -> None:
    done = el5.rpm("-Uvh", *rpms.values(), wrap=("setarch", "i386"))
    assert done.returncode != 0
    assert "asha-runtime" in done.stderr and "x86_64" in done.stderr, done.stderr


# ---------------------------------------------------------------------------------------------- staying


def test_an_upgrade_keeps_the_conf(installed: Host, next_rpms: Rpms) -> None:
    text = customised(installed)
    ok(installed.rpm("-Uvh", *next_rpms.values()))
    assert installed.read(CONF) == text
    assert not installed.path(f"{CONF}.rpmnew").exists()
    assert ok(installed.rpm("-q", "asha")).strip() == next_rpms["asha"].stem
    assert [line.split()[-1] for line in verified(installed, "asha", "asha-runtime").splitlines()] == [CONF]


def test_a_downgrade_is_refused(el5: Host, rpms: Rpms, next_rpms: Rpms) -> None:
    ok(el5.rpm("-Uvh", *next_rpms.values()))
    done = el5.rpm("-Uvh", *rpms.values())
    assert done.returncode != 0
    assert "newer than" in done.stderr
    assert "2.0.0-2" in ok(el5.rpm("-q", "asha"))


def test_parts_of_two_releases_are_refused(installed: Host, next_rpms: Rpms) -> None:
    done = installed.rpm("-Uvh", next_rpms["asha"])
    assert done.returncode != 0 and "asha-runtime = " in done.stderr


def test_an_upgrade_from_the_original_keeps_its_conf_and_adds_what_is_new(
    el5: Host, original: Path, rpms: Rpms
) -> None:
    ok(el5.rpm("-Uvh", original))
    text = customised(el5)
    ok(el5.rpm("-Uvh", *rpms.values()))
    now = el5.read(CONF)
    assert now.startswith(text)
    added = now.removeprefix(text)
    assert [line for line in added.splitlines() if line and not line.startswith("#")] == []
    new = [key for key in KEYS if not key.original]
    assert new and [key.name for key in new if f"\n#{key.name}={key.default}\n" not in added] == []
    assert [key.name for key in KEYS if key.original and f"#{key.name}=" in added] == []
    assert "no problem" in ok(el5.run("/usr/sbin/asha", "conf", "check"))
    assert "HACLUSTERIP=10.0.0.5" in ok(el5.run("/usr/sbin/asha", "conf", "list"))
    assert not el5.path(f"{CONF}.rpmnew").exists()
    assert not el5.path("/opt/asha/sync").exists()
    assert "S74asha" in ok(el5.run("/sbin/chkconfig", "--list"))


def test_an_untouched_original_conf_becomes_the_new_one(el5: Host, original: Path, rpms: Rpms) -> None:
    ok(el5.rpm("-Uvh", original))
    ok(el5.rpm("-Uvh", *rpms.values()))
    assert verified(el5, "asha") == ""
    assert "\nPROBEPERIOD=" in el5.read(CONF)


@pytest.mark.parametrize(
    "broken",
    ["not a conf file\n\x01", "RESTART=maybe\n", "# " + "x" * (1 << 20)],
    ids=["noise", "wrong", "huge"],
)
def test_a_broken_conf_stops_no_package_script(installed: Host, next_rpms: Rpms, broken: str) -> None:
    installed.write(CONF, broken)
    done = installed.rpm("-Uvh", *next_rpms.values())
    assert (done.returncode, done.stderr) == (0, "")
    assert installed.read(CONF).startswith(broken)
    done = installed.rpm("-e", "asha", "asha-hwsim", "asha-runtime")
    assert done.returncode == 0
    assert not installed.path("/opt/asha").exists()


# ---------------------------------------------------------------------------------------------- going


def test_an_erase_leaves_nothing_behind(el5: Host, rpms: Rpms) -> None:
    before = el5.files()
    ok(el5.rpm("-Uvh", *rpms.values()))
    assert el5.files() > before
    use(el5)
    ok(el5.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert el5.files() ^ before == set()


def test_an_erase_leaves_the_conf_that_was_changed(el5: Host, rpms: Rpms) -> None:
    before = el5.files()
    ok(el5.rpm("-Uvh", *rpms.values()))
    text = customised(el5)
    ok(el5.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert el5.files() ^ before == {"etc/asha.conf.rpmsave"}
    assert el5.read("/etc/asha.conf.rpmsave") == text


def test_an_erase_keeps_what_an_operator_has_to_choose_between(installed: Host) -> None:
    kept = "/var/lib/asha/sync/quarantine/0123/var/spool/asterisk/msg0000.wav"
    installed.write(kept, "a voice")
    done = installed.rpm("-e", "asha", "asha-hwsim", "asha-runtime")
    assert "/var/lib/asha/sync/quarantine" in ok(done) + done.stderr
    assert [path.name for path in installed.path("/var/lib/asha").rglob("*") if path.is_file()] == [
        "msg0000.wav"
    ]


def test_heartbeats_files_stay_unless_asha_has_written_them(installed: Host) -> None:
    installed.write("/etc/ha.d/ha.cf", "# by hand\n")
    installed.write("/etc/ha.d/haresources", "# Written by asha; edits are lost.\n")
    ok(installed.rpm("-e", "asha", "asha-hwsim", "asha-runtime"))
    assert [path.name for path in installed.path("/etc/ha.d").iterdir()] == ["ha.cf"]


def use(host: Host) -> None:
    """Everything that leaves traces: the agent has run, commands were given, data were kept."""
    ok(host.run("/sbin/service", "asha", "start"))
    assert answers(host)
    ok(host.run("/sbin/service", "asha", "stop"))
    for path in OURS[1:4]:
        assert host.path(path).exists(), path
