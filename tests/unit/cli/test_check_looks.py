"""The looks of `asha check` at files below a root, which stands for the machine."""

from __future__ import annotations

import os
import pwd
import sys
import time
from pathlib import Path

import pytest

import appliance
from appliance.cli.checks import machine, own, pbx, starters
from appliance.cli.checks.look import Scene
from appliance.cli.checks.registry import CHECKS, FACTS
from appliance.config import Conf
from appliance.control.client import AgentAbsent
from appliance.core.host_check.finding import Level
from appliance.core.model import Node
from appliance.core.status import PbxStatus, ProbeStatus, Status, StatusValue
from appliance.host.clock import SystemClock
from appliance.host.running import processes_of
from appliance.host.units import enabled_by, is_active, unit_value
from appliance.pbx import disk_space

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine on which nothing runs."""
    (tmp_path / "proc").mkdir()
    return tmp_path


def put(root: Path, path: str, text: str = "") -> Path:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def link(root: Path, path: str, target: str) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def process(root: Path, pid: int, *words: str) -> None:
    put(root, f"proc/{pid}/cmdline", "\0".join(words) + "\0")


def scene(root: Path, conf: Conf | None = None, hostname: str = "haprimary") -> Scene:
    return Scene(conf or Conf(), Node.PRIMARY, hostname, SystemClock(), root)


def test_a_machine_that_starts_nothing(root: Path) -> None:
    assert starters.boot(scene(root)).level == Level.OK
    assert starters.restarters(scene(root)).level == Level.OK
    assert starters.grabbers(scene(root)).level == Level.OK


def test_inits_links_are_found_once_on_a_system_where_one_directory_leads_to_the_other(root: Path) -> None:
    put(root, "etc/rc.d/init.d/asterisk")
    put(root, "sbin/chkconfig")
    link(root, "etc/rc.d/rc3.d/S90asterisk", "../init.d/asterisk")
    link(root, "etc/rc3.d", "rc.d/rc3.d")
    link(root, "etc/rc.d/rc6.d/S10asterisk", "../init.d/asterisk")  # at reboot, not at boot
    found = starters.boot(scene(root))
    assert found.level == Level.ERROR and found.says.count("S90asterisk") == 1 and "rc6.d" not in found.says
    assert found.remedy == "Switch it off: chkconfig asterisk off."


def test_enabled_units_are_found_also_when_their_file_is_elsewhere(root: Path) -> None:
    link(
        root,
        "etc/systemd/system/multi-user.target.wants/asterisk.service",
        "/lib/systemd/system/asterisk.service",
    )
    put(root, "etc/rc3.d/S75heartbeat")
    found = starters.boot(scene(root))
    assert found.level == Level.ERROR
    assert "systemctl disable asterisk" in found.remedy and "rm /etc/rc3.d/S75heartbeat" in found.remedy


def test_a_masked_unit_starts_nothing(root: Path) -> None:
    (root / "run/systemd/system").mkdir(parents=True)
    link(
        root,
        "etc/systemd/system/multi-user.target.wants/asterisk.service",
        "/lib/systemd/system/asterisk.service",
    )
    link(root, "etc/systemd/system/asterisk.service", "/dev/null")
    put(root, "lib/systemd/system/asterisk.service", "[Service]\nRestart=always\n")
    put(root, "etc/rc3.d/S90asterisk")
    assert starters.boot(scene(root)).level == Level.OK
    assert starters.restarters(scene(root)).level == Level.OK


def test_lines_of_inittab_and_rc_local(root: Path) -> None:
    put(root, "etc/inittab", "# asterisk\nid:3:initdefault:\nast:2345:respawn:/usr/sbin/asterisk -f\n")
    put(root, "etc/rc.local", "#!/bin/sh\n/usr/sbin/safe_asterisk\n")
    found = starters.boot(scene(root))
    assert (
        "/etc/inittab: ast:2345:respawn" in found.says
        and "/etc/rc.local: /usr/sbin/safe_asterisk" in found.says
    )
    assert "initdefault" not in found.says


def test_the_restart_in_force_is_that_of_the_last_drop_in(root: Path) -> None:
    put(root, "usr/lib/systemd/system/asterisk.service", "[Service]\nUser=asterisk\nRestart=on-failure\n")
    assert unit_value(root, "asterisk", "Restart") == "on-failure"
    put(root, "etc/systemd/system/asterisk.service.d/a.conf", "[Service]\nRestart = always\n")
    put(root, "usr/lib/systemd/system/asterisk.service.d/a.conf", "[Service]\nRestart=no\n")
    assert unit_value(root, "asterisk", "Restart") == "always"
    assert starters.restarters(scene(root)).level == Level.WARNING
    put(root, "sys/fs/cgroup/system.slice/asterisk.service/cgroup.procs", "812\n")
    assert is_active(root, "asterisk")
    assert starters.restarters(scene(root)).level == Level.ERROR
    put(root, "etc/systemd/system/asterisk.service.d/asha.conf", "[Service]\nRestart=no\n")
    assert starters.restarters(scene(root)).level == Level.OK
    assert unit_value(root, "asterisk", "User") == "asterisk"
    assert [*enabled_by(root, "asterisk")] == []


def test_safe_asterisk_is_known_behind_its_interpreter(root: Path) -> None:
    process(root, 7, "/bin/sh", "/usr/sbin/safe_asterisk")
    process(root, 8, "vi", "-R", "/etc/asterisk/extensions.conf", "safe_asterisk")
    found = starters.restarters(scene(root))
    assert found.level == Level.ERROR and "safe_asterisk (pid 7)" in found.says and "pid 8" not in found.says
    assert processes_of({"safe_asterisk", "monit"}, root / "proc") == {"safe_asterisk": [7]}


def test_the_runtime_is_as_old_as_the_release_that_brought_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = put(root, "opt/asha/lib/appliance/__init__.py")
    monkeypatch.setattr(appliance, "__file__", str(release))
    assert machine.runtime(scene(root)).level == Level.OK
    long_ago = time.time() - 200 * 86400
    os.utime(release, (long_ago, long_ago))
    found = machine.runtime(scene(root))
    assert found.level == Level.WARNING and time.strftime("%F", time.gmtime(long_ago)) in found.says


def test_only_the_packages_own_python_is_asked_for_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = (check for check in CHECKS if check.what == "runtime")
    assert not check.applies(Conf(), Node.PRIMARY), "the tests run on the machine's own Python"
    monkeypatch.setattr(sys, "prefix", "/opt/asha/runtime")
    assert check.applies(Conf(), Node.PRIMARY)


def test_it_is_a_warning_that_nobody_is_told(root: Path) -> None:
    found = own.alerts(scene(root))
    assert found.level == Level.WARNING and "nobody is notified when service moves" in found.says
    assert all(key in found.remedy for key in ("MAILTO", "NOTIFYWEBHOOK", "NOTIFYTRAP", "NOTIFYSYSLOG"))


@pytest.mark.parametrize(
    ("path", "text", "level"),
    [
        ("etc/cron.d/pbx", "* * * * * root service asterisk start\n", Level.WARNING),
        ("etc/cron.d/pbx", "* * * * * root systemctl restart asterisk\n", Level.WARNING),
        ("etc/cron.d/pbx", "0 3 * * * root asterisk -rx 'logger rotate'\n", Level.OK),
        ("etc/cron.d/pbx", "# service asterisk start\n", Level.OK),
        ("etc/monit.d/asterisk", "check process asterisk with pidfile /x\n", Level.WARNING),
        ("etc/supervisor/conf.d/pbx.conf", "command=/usr/sbin/asterisk -f\n", Level.WARNING),
        ("etc/init.d/asterisk", "daemon safe_asterisk\n", Level.WARNING),
    ],
)
def test_supervisors_timetables_and_the_init_script(root: Path, path: str, text: str, level: Level) -> None:
    put(root, path, text)
    assert starters.restarters(scene(root)).level == level


@pytest.mark.parametrize(
    ("path", "program"),
    [("etc/cron.d/pbx", "crond"), ("etc/monitrc", "monit"), ("etc/supervisord.conf", "supervisord")],
)
def test_one_that_runs_is_an_error(root: Path, path: str, program: str) -> None:
    put(root, path, "service asterisk start\n")
    process(root, 20, f"/usr/sbin/{program}")
    assert starters.restarters(scene(root)).level == Level.ERROR


def test_programs_that_grab_serial_ports(root: Path) -> None:
    link(root, "etc/systemd/system/multi-user.target.wants/ModemManager.service", "/lib/x")
    assert starters.grabbers(scene(root)).level == Level.WARNING
    process(root, 30, "/usr/sbin/ModemManager", "--filter-policy=strict")
    assert starters.grabbers(scene(root)).level == Level.ERROR


def test_a_virtual_machine_is_known(root: Path) -> None:
    assert machine.pauses(scene(root)).level == Level.OK
    put(root, "sys/class/dmi/id/sys_vendor", "QEMU\n")
    assert machine.pauses(scene(root)).level == Level.WARNING


@pytest.mark.parametrize(
    ("path", "text", "level"),
    [
        ("etc/hostname", "haprimary\n", Level.OK),
        ("etc/hostname", "# comment\nlocalhost.localdomain\n", Level.ERROR),
        ("etc/sysconfig/network", 'NETWORKING=yes\nHOSTNAME="haprimary"\n', Level.OK),
        ("etc/sysconfig/network", "HOSTNAME=pbx9\n", Level.ERROR),
        ("etc/sysconfig/network", "NETWORKING=yes\n", Level.OK),
    ],
)
def test_the_name_after_the_next_boot(root: Path, path: str, text: str, level: Level) -> None:
    put(root, path, text)
    assert machine.name(scene(root)).level == level


def test_panic_watchdog_and_time(root: Path) -> None:
    assert machine.panic(scene(root)).level == Level.UNKNOWN
    put(root, "proc/sys/kernel/panic", "0\n")
    assert machine.panic(scene(root)).level == Level.WARNING
    assert machine.watchdog(scene(root)).level == Level.WARNING
    assert machine.watchdog(scene(root, Conf(watchdog="/dev/watchdog"))).level == Level.ERROR
    put(root, "dev/watchdog")
    assert machine.watchdog(scene(root, Conf(watchdog="/dev/watchdog"))).level == Level.OK
    assert machine.time_service(scene(root)).level == Level.WARNING
    process(root, 40, "/lib/systemd/systemd-timesyncd")
    assert machine.time_service(scene(root)).level == Level.OK


def test_the_disks_are_written_to_and_left_as_they_were(root: Path) -> None:
    for path in ("var/lib/asha", "run/asha", "etc/asterisk"):
        (root / path).mkdir(parents=True)
    assert machine.disks(scene(root)).level != Level.UNKNOWN
    assert [*(root / "var/lib/asha").iterdir()] == [*(root / "run/asha").iterdir()] == []


def test_a_disk_that_refuses_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "var/lib/asha").mkdir(parents=True)

    def refuses(*words: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk_space, "fresh_file", refuses)
    found = machine.disks(scene(root))
    assert found.level == Level.ERROR and "/var/lib/asha: No space left on device" in found.says


@pytest.mark.parametrize(
    ("path", "text", "user"),
    [
        ("usr/lib/systemd/system/asterisk.service", "[Service]\nUser=asterisk\n", "asterisk"),
        (
            "usr/lib/systemd/system/asterisk.service",
            "[Service]\nExecStart=/usr/sbin/asterisk -f -U pbx\n",
            "pbx",
        ),
        ("etc/sysconfig/asterisk", 'AST_USER="asterisk"\n', "asterisk"),
        ("etc/default/asterisk", "#AST_USER=asterisk\n", ""),
        ("etc/init.d/asterisk", "AST_USER=asterisk\n", "asterisk"),
    ],
)
def test_the_user_of_the_distribution(root: Path, path: str, text: str, user: str) -> None:
    put(root, path, text)
    found = pbx.user(scene(root, Conf(pbx_start="plain")))
    assert (found.level, f"runuser = {user}" in found.remedy) == (
        (Level.WARNING, True) if user else (Level.OK, False)
    )
    assert f"asha starts it as {user or 'root'}" in pbx.user(scene(root)).says


def test_the_owner_of_asterisks_directories(root: Path) -> None:
    put(
        root,
        "etc/asterisk/asterisk.conf",
        f"[directories]\nastvarlibdir => /srv/pbx\n[options]\nrunuser = {ME}x ; why\n",
    )
    (root / "srv/pbx").mkdir(parents=True)
    found = pbx.user(scene(root))
    assert found.level == Level.ERROR and f"/srv/pbx to {ME}" in found.says
    put(
        root,
        "etc/asterisk/asterisk.conf",
        f"[directories]\nastvarlibdir => /srv/pbx\n[options]\nrunuser = {ME}\n",
    )
    assert pbx.user(scene(root)).level == Level.OK


def test_asterisk_tied_to_one_address_is_named_with_what_to_write(root: Path) -> None:
    tied = scene(root, Conf(cluster_ip="192.168.1.5", asterisk_dir=root))
    assert pbx.bind(tied).level == Level.OK
    put(root, "sip.conf", "[general]\nbindaddr=192.168.1.5\n")
    found = pbx.bind(tied)
    assert found.level == Level.ERROR and "sip.conf, line 2: bindaddr is 192.168.1.5" in found.says
    assert "Write 0.0.0.0" in found.remedy
    (bind,) = (check for check in CHECKS if check.what == "bind")
    assert not bind.applies(Conf(), Node.PRIMARY), "no address that moves"


def test_both_nodes_tell_the_values_of_the_pair_and_no_path_or_secret(root: Path) -> None:
    told = {
        name: FACTS[f"conf {name}"](scene(root))
        for name in ("HAPREFIX", "HADEADTIME", "RHINOSPF", "HAPRINODE")
    }
    assert told == {"HAPREFIX": "24", "HADEADTIME": "2", "RHINOSPF": "NO", "HAPRINODE": "haprimary"}
    assert not {"conf HAMEDIA", "conf AMISECRET", "conf RHINOUSB"} & FACTS.keys()


def test_whether_asterisk_answers_what_the_agent_asks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def level(pbx_status: PbxStatus, sip: ProbeStatus) -> str:
        status = Status(pbx=pbx_status, probes={"sip": sip})
        monkeypatch.setattr(Scene, "status", lambda scene: status)
        return pbx.asked(scene(root)).level

    running = PbxStatus(StatusValue("running"), 4711)
    assert level(running, ProbeStatus(1.5)) == Level.OK
    assert level(running, ProbeStatus(1.5, 1, "SIP did not answer within 0.5 s")) == Level.OK
    assert level(running, ProbeStatus(None, 9, "nothing listens on SIP port 5060")) == Level.ERROR
    assert level(running._replace(kept_off="a ban"), ProbeStatus(1.5, 9, "no answer")) == Level.ERROR
    assert level(PbxStatus(StatusValue("dead")), ProbeStatus()) == Level.OK

    def absent(scene: Scene) -> Status:
        raise AgentAbsent("The agent does not run.")

    monkeypatch.setattr(Scene, "status", absent)
    assert pbx.asked(scene(root)).level == Level.UNKNOWN
