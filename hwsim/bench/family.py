"""A process inside a node with all its descendants, as the node's /proc shows them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import Node

_TICK = os.sysconf("SC_CLK_TCK")


def only_process(node: Node, pattern: str) -> Path:
    """Return the directory in the node's /proc of the one process whose command line matches.

    Raises ScenarioFailed when there is not exactly one.
    """
    pids = node.pids(pattern)
    if len(pids) != 1:
        raise ScenarioFailed(f"on {node.hostname} {len(pids)} processes match {pattern!r}, not one")
    return node.path("/proc") / str(pids[0])


def family(process: Path) -> Iterator[Path]:
    """Yield a process and its living descendants. Raises OSError when one ends meanwhile."""
    yield process
    for task in (process / "task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(process.with_name(child))


def cpu_seconds(process: Path) -> tuple[float, float]:
    """Return the user and system time of `process` alone, and with every program it has started.

    Programs that have ended count too; see proc(5).
    """
    own = sum(_ticks(process)[:2])
    everything = sum(sum(_ticks(one)) for one in family(process))
    return own / _TICK, everything / _TICK


def resident(process: Path) -> int:
    """Return VmRSS in bytes."""
    return _kilobytes(process / "status", "VmRSS:")


def most_resident(process: Path) -> int:
    """Return VmHWM in bytes: the most that the process has ever had."""
    return _kilobytes(process / "status", "VmHWM:")


def proportional(process: Path) -> int:
    """Return the memory in bytes, with shared memory counted by share (Pss; proc(5), smaps_rollup)."""
    return _kilobytes(process / "smaps_rollup", "Pss:")


def _kilobytes(file: Path, name: str) -> int:
    line = next(line for line in file.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _ticks(process: Path) -> list[int]:
    """Return utime, stime, and those of the children that the process has waited for."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]
