"""A process inside a node with all its descendants, as the node's /proc shows them."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import TypeVar

from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import Node

T = TypeVar("T")
_TICK = os.sysconf("SC_CLK_TCK")


def only_process(node: Node, pattern: str) -> Path:
    """Return the directory in the node's /proc of the one process whose command line matches.

    Raises ScenarioFailed when there is not exactly one.
    """
    pids = node.pids(pattern)
    if len(pids) != 1:
        raise ScenarioFailed(f"on {node.hostname} {len(pids)} processes match {pattern!r}, not one")
    return node.path("/proc") / str(pids[0])


def first_processes(node: Node, pattern: str) -> list[Path]:
    """Return the directories in the node's /proc of processes that match, without those whose parent matches too.

    Raises ScenarioFailed when there is none.
    """
    pids = node.pids(pattern)
    proc = node.path("/proc")
    found = [proc / str(pid) for pid in pids if _parent(proc / str(pid)) not in pids]
    if not found:
        raise ScenarioFailed(f"on {node.hostname} no process matches {pattern!r}")
    return found


def family(process: Path, without: Container[Path] = ()) -> Iterator[Path]:
    """Yield a process and its living descendants, except those `without` and theirs; one that ends has none."""
    yield process
    with contextlib.suppress(OSError):
        for task in (process / "task").iterdir():
            for child in map(process.with_name, (task / "children").read_text().split()):
                if child not in without:
                    yield from family(child, without)


def of_family(process: Path, read: Callable[[Path], T], without: Container[Path] = ()) -> list[T]:
    """Return what `read` gives for each of `family` that is still there to be read.

    Raises OSError when `process` itself has ended.
    """
    found = [read(process)]
    for one in itertools.islice(family(process, without), 1, None):
        with contextlib.suppress(OSError):
            found.append(read(one))
    return found


def cpu_seconds(process: Path, without: Container[Path] = ()) -> tuple[float, float]:
    """Return the user and system time of `process` alone, and with every program it has started.

    Programs that have ended count too; see proc(5). Those `without` do not count.
    """
    own = sum(_ticks(process)[:2])
    everything = sum(sum(ticks) for ticks in of_family(process, _ticks, without))
    return own / _TICK, everything / _TICK


def resident(process: Path) -> int:
    """Return VmRSS in bytes."""
    return _kilobytes(process / "status", "VmRSS:")


def family_resident(process: Path, without: Container[Path] = ()) -> int:
    """Return the VmRSS of `family` in all, in bytes."""
    return sum(of_family(process, resident, without))


def most_resident(process: Path) -> int:
    """Return VmHWM in bytes: the most that the process has ever had."""
    return _kilobytes(process / "status", "VmHWM:")


def proportional(process: Path) -> int:
    """Return the memory in bytes, with shared memory counted by share (Pss; proc(5), smaps_rollup)."""
    return _kilobytes(process / "smaps_rollup", "Pss:")


def _kilobytes(file: Path, name: str) -> int:
    """Return a size that a file of /proc gives, in bytes; 0 for a process that is only waiting to be buried."""
    lines = file.read_text().splitlines()
    line = next((line for line in lines if line.startswith(name)), f"{name} 0 kB")
    return int(line.split()[1]) * 1024


def _parent(process: Path) -> int:
    line = next(line for line in (process / "status").read_text().splitlines() if line.startswith("PPid:"))
    return int(line.split()[1])


def _ticks(process: Path) -> list[int]:
    """Return utime, stime, and those of the children that the process has waited for."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]
