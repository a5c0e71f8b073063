"""Looks at the machine: its name, whether it is virtual, panic, watchdog, clock and disks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from appliance.cli.checks.files import distinct, shown
from appliance.cli.checks.look import Scene
from appliance.core.host_check.finding import Finding, not_known
from appliance.core.host_check.machine import (
    Room,
    judge_disks,
    judge_name,
    judge_panic,
    judge_pauses,
    judge_time_service,
    judge_watchdog,
)
from appliance.core.model import Node
from appliance.host.disk import fresh_file
from appliance.host.paths import GRANT, JOURNAL
from appliance.host.running import processes_of
from appliance.host.text_files import SYSCTL, lines_of, text_of
from appliance.host.virtual import virtual

_WATCHDOG = "dev/watchdog"
_TIME_SERVICES = ("chronyd", "ntpd", "systemd-timesyncd", "ptp4l", "timemaster")
_OWN = (JOURNAL.parent, GRANT.parent)
_TRIAL = b"asha check\n" * 400
"""A few kilobytes, so that a disk without a free block refuses them."""


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
    return judge_disks(_rooms(scene))


def _rooms(scene: Scene) -> Iterator[Room]:
    own = [scene.root / path.relative_to("/") for path in _OWN]
    conf = scene.conf
    others = (
        conf.asterisk_dir,
        conf.db.parent,
        conf.greetings,
        conf.voicemail,
        *conf.others,
        Path("/var/log"),
    )
    given = [scene.root / path.relative_to("/") for path in others]
    for path in distinct([*own, *given]):
        if path.is_dir():
            yield _room(path, shown(path, scene.root), writing=path in own)


def _room(path: Path, named: str, *, writing: bool) -> Room:
    seen = os.statvfs(path)
    return Room(
        named,
        free=seen.f_bavail * seen.f_frsize,
        inodes=seen.f_favail / seen.f_files if seen.f_files else 1.0,
        read_only=bool(seen.f_flag & os.ST_RDONLY),
        problem=_refused(path) if writing else "",
    )


def _refused(path: Path) -> str:
    """Return why a file cannot be written to `path`, "" when it can; the file is removed again."""
    try:
        with fresh_file(path / "check", _TRIAL, 0o600):
            return ""
    except OSError as problem:
        return problem.strerror or str(problem)
