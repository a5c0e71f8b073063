"""The processes of a program and their start times, as the kernel tells them."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

_PROC = Path("/proc")
_STARTED = 19  # starttime, counted from behind the name (proc(5): field 22)


def first_start(program: str) -> float | None:
    """Return the start time of the oldest process that runs `program`, in epoch seconds; None without one.

    A process runs `program` when that is the name of one of its first three words: a script comes behind its
    interpreter. Raises OSError when /proc does not tell.
    """
    booted = _booted_at()
    starts = []
    for entry in _PROC.iterdir():
        try:
            if entry.name.isdigit() and _runs(entry, program):
                starts.append(booted + _ticks(entry) / os.sysconf("SC_CLK_TCK"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # the process has ended meanwhile
    return min(starts, default=None)


def processes_of(programs: Collection[str], proc: Path = _PROC) -> dict[str, list[int]]:
    """Return the numbers of the processes that run each of `programs`, for those that have any.

    Raises OSError when `proc`, the kernel's directory of processes, does not tell.
    """
    found: dict[str, list[int]] = {}
    for entry in proc.iterdir():
        try:
            names = _names(entry) if entry.name.isdigit() else set()
        except (FileNotFoundError, ProcessLookupError):
            continue  # the process has ended meanwhile
        for program in names & {*programs}:
            found.setdefault(program, []).append(int(entry.name))
    return found


def _runs(entry: Path, program: str) -> bool:
    return program in _names(entry)


def _names(entry: Path) -> set[str]:
    """Return the names of what a process runs: of its first three words, because an interpreter may come first."""
    words = (entry / "cmdline").read_bytes().split(b"\0")[:3]
    return {Path(os.fsdecode(word)).name for word in words if word}


def _ticks(entry: Path) -> int:
    # The name, in parentheses, may hold any characters.
    return int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[_STARTED])


def _booted_at() -> float:
    lines = (_PROC / "stat").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("btime "))
