"""The remains of killed racks (namespaces, frozen processes, cgroups, disks), never those of a live rack."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from hwsim.nodes.errors import RackError
from hwsim.nodes.freezer import hierarchies
from hwsim.nodes.netns import NAMESPACES
from hwsim.nodes.prefix import RACKS, is_live, is_own, prefix_of, rack_dir

_DEADLINE = 5.0
_POLL = 0.005


def remove(prefix: str, *, keep_disks: bool = False) -> None:
    """Remove everything named `prefix` or `prefix-…`. Raises RackError when another live rack owns it.

    A rack's processes die with it; those that were frozen at that moment are thawed and ended here.
    """
    if is_live(prefix) and not is_own(prefix):
        raise RackError(f"Rack {prefix} is running: end it by its own process.")
    groups = list(_cgroups(prefix))
    for group, knob, go_on in groups:
        with contextlib.suppress(OSError):
            (group / knob).write_text(go_on)
    namespaces = [place for place in _entries(NAMESPACES) if _belongs(place.name, prefix)]
    _end_processes(namespaces)
    for group, _, _ in groups:
        _remove_group(group)
    _delete(namespaces)
    if not keep_disks:
        _unmount(rack_dir(prefix))
        shutil.rmtree(rack_dir(prefix), ignore_errors=True)
        with contextlib.suppress(OSError):  # the directory holds the disks of other racks
            RACKS.rmdir()


def leftovers() -> list[str]:
    """Return the prefixes of dead racks that left something."""
    places = [NAMESPACES, RACKS, *(top for top, _, _ in hierarchies())]
    found = {prefix_of(entry.name) for place in places for entry in _entries(place)}
    return sorted(prefix for prefix in found if prefix is not None and not is_live(prefix))


def _belongs(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + "-")


def _entries(place: Path) -> list[Path]:
    return list(place.iterdir()) if place.is_dir() else []


def _cgroups(prefix: str) -> Iterator[tuple[Path, str, str]]:
    """Yield the rack's cgroups: directory, knob, the word that thaws."""
    for top, knob, (_, go_on) in hierarchies():
        for group in _entries(top):
            if _belongs(group.name, prefix):
                yield group, knob, go_on


def _end_processes(namespaces: list[Path]) -> None:
    """Send SIGKILL until the namespaces are empty. Raises RackError when they do not become empty."""
    inodes = {place.stat().st_ino for place in namespaces}
    end = time.monotonic() + _DEADLINE
    while inodes and (pids := list(_inhabitants(inodes))):
        if time.monotonic() > end:
            raise RackError(f"Processes {pids} of a dead rack do not end.")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL)


def _inhabitants(inodes: set[int]) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if (entry / "ns/net").stat().st_ino in inodes:
                    yield int(entry.name)


def _remove_group(group: Path) -> None:
    """Remove the cgroup as soon as the kernel has let the last dead process go."""
    end = time.monotonic() + _DEADLINE
    while group.exists():
        try:
            group.rmdir()
        except OSError as problem:
            if time.monotonic() > end:
                raise RackError(f"{group} cannot be removed: {problem.strerror}.") from problem
            time.sleep(_POLL)


def _unmount(top: Path) -> None:
    """Unmount the disks that are filesystems of their own."""
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    for point in points:
        if Path(point).is_relative_to(top):
            subprocess.run(["umount", "-l", point], check=True)


def _delete(namespaces: list[Path]) -> None:
    if not namespaces:
        return
    lines = "".join(f"netns del {place.name}\n" for place in namespaces)
    done = subprocess.run(["ip", "-batch", "-"], input=lines, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RackError(f"Network namespaces could not be deleted: {done.stderr.strip()}")
