"""Two hosts of which asha runs under the 2.6.18 filter, while rsync and ssh, which are the hosts' own, run outside.

EL5's own fit its kernel; those of today, which are there to be used, do not. A filter is inherited by whatever is
started, so what asha starts only asks for them (stand_ins/errand.c), and a process that is not filtered runs them
(stand_ins/errands.py). rsync is this machine's. ssh's place is taken by the forced command, on the other host and under
the filter again.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

from furnished import CONF, STAND_INS, answers, furnish
from hosts import Host, ok, until
from installer import lend_program

_STATIC = ("gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o")
_PYTHON = "/opt/asha/runtime/bin/python3.11"
_TREES = ("/etc/asterisk", "/var/lib/asterisk/sounds", "/var/spool/asterisk/voicemail", "/opt/sark/db")
_DATABASE = "/opt/sark/db/sark.db"


# Every process of asha: its words, and 2 where a filter is upon it (proc(5), Seccomp).
_PROCESSES = r"""
for process in /proc/[0-9]*; do
    words=$(tr '\000' ' ' <$process/cmdline)
    case $words in
    /opt/asha/*" /usr/sbin/asha "*|/opt/asha/*" appliance.cli "*|\
    /opt/asha/*" appliance.sync_worker "*) echo $words $(grep Seccomp: $process/status)
    esac
done 2>/dev/null
"""


def furnish_pair(giving: Host, asking: Host, old_kernel: str) -> None:
    """The programs of others are there, and lead from the one host to the other."""
    errand = Path(old_kernel).with_name("errand")
    subprocess.run([*_STATIC, errand, STAND_INS / "errand.c"], check=True, timeout=60)
    for host in (giving, asking):
        furnish(host)
        host.write("/etc/asha.conf", CONF.replace("LOOSE", "LAZY"), 0o640)
        for name in ("rsync", "ssh"):
            shutil.copy(errand, host.path(f"/usr/bin/{name}"))
        _run_errands(host, "rsync", lend_program(host, "rsync"))
    shutil.copy(old_kernel, giving.path("/root/kernel_2_6_18"))
    giving.write("/root/forced_command", (STAND_INS / "forced_command").read_text(), 0o755)
    # A socket may have two names, and lies in no network.
    os.link(_run_errands(giving, "ssh", "/root/forced_command"), asking.path("/usr/lib/errands-ssh"))


def start_agent(host: Host, old_kernel: str) -> None:
    host.spawn("/usr/sbin/asha", "agent", wrap=(old_kernel,))
    until(lambda: answers(host), f"the agent of {host.name} answers")


def processes(host: Host) -> dict[str, bool]:
    """asha's own: their words, and whether they are filtered."""
    found = [
        re.split(" /usr/sbin/asha | appliance.cli | -m (?=appliance.sync_worker )| Seccomp: ", line)
        for line in ok(host.sh(_PROCESSES)).splitlines()
    ]
    return {words: status == "2" for _, words, status in found}


def _run_errands(host: Host, name: str, command: str) -> Path:
    """Have `command` run on `host`, unfiltered, for whoever asks at the socket that is returned."""
    host.write("/root/errands.py", (STAND_INS / "errands.py").read_text())
    socket = f"/usr/lib/errands-{name}"
    host.spawn(_PYTHON, "-IB", "/root/errands.py", socket, command)
    until(host.path(socket).exists, f"{name} can be asked for")
    return host.path(socket)


def data(host: Host) -> dict[str, object]:
    """What the host has of what is kept in step: modes, owners, times, contents; of the database the rows."""
    found: dict[str, object] = {}
    for top in map(host.path, _TREES):
        for path in (top, *top.rglob("*")):
            if path.name != Path(_DATABASE).name:
                found[str(path.relative_to(host.root))] = _looks(path)
    if host.path(_DATABASE).exists():
        found[_DATABASE] = list(sqlite3.connect(host.path(_DATABASE)).iterdump())
    return found


def _looks(path: Path) -> tuple[object, ...]:
    seen = path.lstat()
    owned = (oct(seen.st_mode), seen.st_uid, seen.st_gid)
    if path.is_symlink():
        return (*owned, os.readlink(path))
    return (*owned, seen.st_mtime_ns, path.read_bytes()) if path.is_file() else owned
