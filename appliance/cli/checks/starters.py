"""Looks for what starts Asterisk or Heartbeat besides asha, and for programs that grab serial ports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from appliance.cli.checks.files import shown
from appliance.cli.checks.look import Scene
from appliance.core.host_check.finding import Finding
from appliance.core.host_check.starters import (
    BootStarters,
    Restarters,
    SerialGrabbers,
    judge_boot,
    judge_grabbers,
    judge_restarters,
)
from appliance.host.disk import distinct
from appliance.host.running import processes_of
from appliance.host.text_files import lines_of
from appliance.host.units import enabled_by, has_unit, is_active, unit_value

_RC_DIRECTORIES = ("etc/rc.d/rc{}.d", "etc/rc{}.d")
_RUNLEVELS = "2345"
_BOOT_FILES = ("etc/inittab", "etc/rc.local", "etc/rc.d/rc.local")
_TIMETABLES = ("etc/crontab", "etc/cron.d/*", "var/spool/cron/*", "var/spool/cron/crontabs/*")
_TIMED_START = re.compile(r"safe_asterisk|\basterisk\s+(re)?start\b|\b(re)?start\s+asterisk\b")
# The configuration files of supervisors, and the processes that read them.
_SUPERVISORS = {
    ("etc/monitrc", "etc/monit/monitrc", "etc/monit/conf*/*", "etc/monit.d/*"): ("monit",),
    ("etc/supervisord.conf", "etc/supervisor/conf.d/*.conf", "etc/supervisord.d/*.ini"): ("supervisord",),
}
_CRON = ("cron", "crond")
_GRABBERS = {"ModemManager": "ModemManager", "brltty": "brltty"}


def boot(scene: Scene) -> Finding:
    """Look at init's links, systemd's units, inittab and rc.local."""
    return judge_boot([_boot_starters(scene.root, name) for name in ("asterisk", "heartbeat")])


def _boot_starters(root: Path, program: str) -> BootStarters:
    tools = ("sbin/chkconfig", "usr/sbin/chkconfig", "usr/sbin/update-rc.d")
    tool = next((Path(place).name for place in tools if (root / place).exists()), "")
    return BootStarters(
        program,
        rc_links=tuple(_rc_links(root, program)),
        wants=tuple(shown(link, root) for link in enabled_by(root, program)),
        lines=tuple(_boot_lines(root, program)),
        rc_tool=tool,
        has_unit=(root / "run/systemd/system").is_dir() and has_unit(root, program),
    )


def _rc_links(root: Path, program: str) -> Iterator[str]:
    levels = [root / place.format(level) for level in _RUNLEVELS for place in _RC_DIRECTORIES]
    for directory in distinct(levels):
        for link in sorted(directory.glob("S[0-9][0-9]*")):
            if link.name[3:] == program:
                yield shown(link, root)


def _boot_lines(root: Path, program: str) -> Iterator[str]:
    word = re.compile(rf"\b(safe_)?{program}\b")
    for file in distinct(root / place for place in _BOOT_FILES):
        yield from (f"{shown(file, root)}: {line}" for line in lines_of(file) if word.search(line))


def restarters(scene: Scene) -> Finding:
    """Look for what starts Asterisk again: safe_asterisk, systemd, supervisors, timetables."""
    root = scene.root
    watchers = {name for names in _SUPERVISORS.values() for name in names}
    runs = processes_of({"safe_asterisk", *watchers, *_CRON}, root / "proc")
    named = list(_supervisor_files(root))
    timed = list(_timetables(root))
    init_script = root / "etc/init.d/asterisk"
    return judge_restarters(
        Restarters(
            supervising=tuple(f"safe_asterisk (pid {pid})" for pid in runs.get("safe_asterisk", ())),
            restart=unit_value(root, "asterisk", "Restart"),
            unit_runs=is_active(root, "asterisk"),
            named_in=(*(file for file, _ in named), *timed),
            watching=any(runs.keys() & {*names} for _, names in named)
            or bool(timed and runs.keys() & {*_CRON}),
            init_script=_using_safe_asterisk(init_script, root),
        )
    )


def _supervisor_files(root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for patterns, names in _SUPERVISORS.items():
        for file in distinct(path for pattern in patterns for path in sorted(root.glob(pattern))):
            if file.is_file() and any("asterisk" in line for line in lines_of(file)):
                yield shown(file, root), names


def _timetables(root: Path) -> Iterator[str]:
    for file in distinct(path for pattern in _TIMETABLES for path in sorted(root.glob(pattern))):
        if file.is_file() and any(_TIMED_START.search(line) for line in lines_of(file)):
            yield shown(file, root)


def _using_safe_asterisk(script: Path, root: Path) -> str:
    return shown(script, root) if any("safe_asterisk" in line for line in lines_of(script)) else ""


def grabbers(scene: Scene) -> Finding:
    """Look for ModemManager and brltty, which run or are enabled."""
    runs = processes_of({*_GRABBERS}, scene.root / "proc")
    enabled = [name for name, unit in _GRABBERS.items() if [*enabled_by(scene.root, unit)]]
    return judge_grabbers(SerialGrabbers(tuple(sorted(runs)), tuple(enabled)))
