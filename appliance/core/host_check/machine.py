"""The machine itself: its name, its disks, its clock, what it does after a panic, and whether it is a virtual one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.core.host_check.finding import Finding, fine, warning, worst_of, wrong
from appliance.core.pbx_start import StartWay

PAUSE = 10.0
"""Seconds that a snapshot or a migration may pause a virtual machine; a shorter deadtime takes that for a death."""

_MIB = 1 << 20
LEAST_ROOM, LITTLE_ROOM = 32 * _MIB, 256 * _MIB
LEAST_SHARE, LITTLE_SHARE = 0.01, 0.05
"""Share of the inodes that must be free: below the first nothing can be written for long, below the second soon."""


RUNTIME_DAYS = 180
"""Days after which the Python and the libraries that asha brings are taken to lack security updates."""


def judge_runtime(days: float, made_on: str) -> Finding:
    """Judge the age in days of the release that brought the private runtime, made on the day `made_on`."""
    if days <= RUNTIME_DAYS:
        return fine(f"the Python and the libraries that asha brings are of {made_on} or earlier")
    return warning(
        f"The Python and the libraries that asha brings are of {made_on} or earlier, {days:.0f} days ago: they lack "
        "the security updates since.",
        "Upgrade asha and asha-runtime to a newer release, the standby first.",
    )


def judge_name(conf_name: str, lasting: str, uname: str) -> Finding:
    """Judge the node's name. Capitals do not count: to Heartbeat, and so to asha, they are small letters.

    Args:
        conf_name: The name of this node in the conf file.
        lasting: The name that the machine takes at its next boot, "" when no file says.
        uname: What `uname -n` prints.
    """
    if uname.lower() != conf_name.lower():
        return wrong(
            f"This machine is {uname} now, and {conf_name} in the conf file.",
            f"Name it {conf_name} again ('hostname {conf_name}', and wherever it gets its name at boot).",
        )
    if lasting and lasting.lower() != conf_name.lower():
        return wrong(
            f"This machine is {uname} now, and {lasting} after its next boot, which the conf file does not know.",
            f"Set the lasting name to {conf_name} ('hostnamectl set-hostname', or /etc/hostname).",
        )
    return fine(f"{uname}, as the conf file has it")


def judge_pauses(virtual: str, deadtime: float) -> Finding:
    """Judge HADEADTIME (seconds) on a machine of the kind `virtual`, such as "a container (lxc)"; "" for a real one."""
    if not virtual:
        return fine("a real machine")
    if deadtime >= PAUSE:
        return fine(f"{virtual}; HADEADTIME ({deadtime:g} s) outlasts its pauses")
    return warning(
        f"This is {virtual}. A snapshot or a migration may pause it for seconds, and with "
        f"HADEADTIME={deadtime:g} the other node then takes over while this one still believes it serves.",
        f"Set it longer on both nodes: asha conf set HADEADTIME {PAUSE:g}, or by 'asha tune' after a week.",
    )


def judge_panic(seconds: str) -> Finding:
    """Judge the kernel's `kernel.panic`, as /proc/sys/kernel/panic has it."""
    if seconds.strip() == "0":
        return warning(
            "kernel.panic is 0: after a panic of its kernel this node never comes back on its own.",
            "Write kernel.panic = 10 into /etc/sysctl.conf, then 'sysctl -p'.",
        )
    return fine(f"after a panic the kernel boots again (kernel.panic is {seconds.strip()})")


def judge_watchdog(device: str, there: bool, configured: str, configured_there: bool) -> Finding:
    """Judge the watchdog timer.

    Args:
        device: The usual device.
        there: Whether the usual device is there.
        configured: The conf file's WATCHDOG, "" for none.
        configured_there: Whether that device is there.
    """
    if configured and configured_there:
        return fine(f"asha feeds {configured}")
    if configured:
        return wrong(
            f"{configured} is not there.", "Load its driver, or 'softdog' when there is no hardware."
        )
    if there:
        return warning(
            f"{device} is there and not used, so a node that hangs keeps the line.",
            f"Use it: asha conf set WATCHDOG {device}.",
        )
    return warning(
        "There is no watchdog timer, so a node that hangs keeps the line.",
        f"Load its driver ('softdog' without hardware), then: asha conf set WATCHDOG {device}.",
    )


def judge_time_service(running: Sequence[str]) -> Finding:
    """Judge which of the known time services run."""
    if running:
        return fine(f"{', '.join(running)} runs")
    return warning(
        "No time service runs, so the clocks of the nodes drift apart.", "Install and start chrony or ntpd."
    )


@dataclass(frozen=True, slots=True)
class Room:
    """Room for one directory: bytes free, the share of inodes free (1.0 where there is no limit), and writing to it.

    `problem` is why a file could not be written there, "" when it could. `read_only`: its filesystem is mounted so.
    """

    path: str
    free: int
    inodes: float
    read_only: bool = False
    problem: str = ""


def judge_disks(rooms: Iterable[Room]) -> Finding:
    """Judge the directories that asha and Asterisk write to."""
    rooms = tuple(rooms)
    least = min(rooms, key=lambda room: room.free, default=None)
    where = f", least in {least.path}: {_size(least.free)}" if least else ""
    all_well = f"room in every directory that is written to{where}"
    return worst_of((found for room in rooms if (found := _room(room))), all_well)


def _room(room: Room) -> Finding | None:
    if room.read_only:
        return wrong(
            f"{room.path} is mounted read-only.", "See 'dmesg' for why, mend the disk, and mount it again."
        )
    if room.problem:
        return wrong(
            f"Nothing can be written to {room.path}: {room.problem}.",
            "See 'df' and the rights of that directory.",
        )
    if room.inodes < LITTLE_SHARE:
        make = wrong if room.inodes < LEAST_SHARE else warning
        return make(
            f"{room.path} has {room.inodes:.1%} of its inodes free.", "Remove small files there ('df -i')."
        )
    if room.free < LITTLE_ROOM:
        make = wrong if room.free < LEAST_ROOM else warning
        return make(f"{room.path} has {_size(room.free)} free.", "Make room ('df', 'du').")
    return None


def _size(count: int) -> str:
    return f"{count / _MIB:.0f} MiB" if count < 1 << 33 else f"{count / (1 << 30):.0f} GiB"


@dataclass(frozen=True, slots=True)
class AsteriskUser:
    """As whom Asterisk runs.

    `way` is how asha starts it; `distribution` the user of its unit or init script, "" when none is named, which means
    root. `owners` are the owners of its directories by path.
    """

    way: StartWay
    distribution: str = ""
    owners: Mapping[str, str] | None = None


def judge_asterisk_user(found: AsteriskUser) -> Finding:
    """Judge whether Asterisk, started by asha, runs as the user to whom its files belong."""
    user = found.way.user or "root"
    theirs = "" if user == "root" else ", to whom its directories belong"
    return worst_of(_user(found, user), f"asha starts it as {user}{theirs} ({found.way.source})")


def _user(found: AsteriskUser, user: str) -> Iterator[Finding]:
    wanted = found.distribution or "root"
    if user == "root" and wanted != "root":
        yield warning(
            f"asha starts Asterisk as root, its distribution as {wanted}: what the one writes the other cannot.",
            f"Set PBXSTART to auto, or runuser = {wanted} and rungroup = {wanted} in [options] of asterisk.conf.",
        )
    elif user not in ("root", wanted) and found.distribution:
        yield warning(
            f"asterisk.conf says runuser = {user}, its distribution starts it as {wanted}.",
            f"Set runuser = {wanted} in asterisk.conf.",
        )
    strange = {path: owner for path, owner in (found.owners or {}).items() if owner != user}
    if user != "root" and strange:
        listed = ", ".join(f"{path} to {owner}" for path, owner in strange.items())
        yield wrong(
            f"Asterisk runs as {user} and cannot write to its directories: {listed} belongs.",
            f"Give them to it: chown -R {user} {' '.join(strange)}.",
        )
