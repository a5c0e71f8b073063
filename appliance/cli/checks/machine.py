"""Looks at the machine: its name, whether it is virtual, panic, watchdog, clock and disks."""

from __future__ import annotations

from pathlib import Path

from appliance.cli.checks.look import Scene
from appliance.core.host_check.finding import Finding, not_known
from appliance.core.host_check.machine import (
    judge_disks,
    judge_name,
    judge_panic,
    judge_pauses,
    judge_runtime,
    judge_time_service,
    judge_watchdog,
)
from appliance.core.model import Node
from appliance.host.release import release_age
from appliance.host.running import processes_of
from appliance.host.text_files import SYSCTL, lines_of, text_of
from appliance.host.virtual import virtual
from appliance.pbx.disk_space import read_rooms

_WATCHDOG = "dev/watchdog"
_TIME_SERVICES = ("chronyd", "ntpd", "systemd-timesyncd", "ptp4l", "timemaster")


def name(scene: Scene) -> Finding:
    """Look at the name that the machine takes at its next boot."""
    conf = scene.conf
    own = conf.primary_name if scene.node is Node.PRIMARY else conf.secondary_name
    return judge_name(own, _lasting_name(scene.root), scene.hostname)


def _lasting_name(root: Path) -> str:
    for line in lines_of(root / "etc/hostname"):
        return line
    for line in lines_of(root / "etc/sysconfig/network"):
        if line.startswith("HOSTNAME="):
            return line.partition("=")[2].strip("\"'")
    return ""


def pauses(scene: Scene) -> Finding:
    """Look at what kind of machine this is, and whether HADEADTIME outlasts its pauses."""
    return judge_pauses(virtual(scene.root), scene.conf.deadtime)


def runtime(scene: Scene) -> Finding:
    """Look at the age of the private runtime."""
    return judge_runtime(*release_age(scene.clock.wall()))


def panic(scene: Scene) -> Finding:
    """Look at kernel.panic."""
    seconds = text_of(scene.root / "proc/sys/kernel/panic", SYSCTL)
    return judge_panic(seconds) if seconds.strip() else not_known("The kernel does not tell kernel.panic.")


def watchdog(scene: Scene) -> Finding:
    """Look for the watchdog timer that the conf file names, and the usual one."""
    own = scene.conf.watchdog
    there = (scene.root / own.lstrip("/")).exists() if own else False
    return judge_watchdog(f"/{_WATCHDOG}", (scene.root / _WATCHDOG).exists(), own, there)


def time_service(scene: Scene) -> Finding:
    """Look for a time service among the processes."""
    return judge_time_service(sorted(processes_of(_TIME_SERVICES, scene.root / "proc")))


def disks(scene: Scene) -> Finding:
    """Look at the room in every directory that asha and Asterisk write to, and write a little to asha's own."""
    return judge_disks(read_rooms(scene.conf, scene.root))
