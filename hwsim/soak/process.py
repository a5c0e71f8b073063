"""A look at a process of a node, through the node's /proc."""

from __future__ import annotations

from pathlib import Path

from hwsim.bench.family import family, first_processes, resident
from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import Node, NodeError
from hwsim.soak.readings import ProcessReading

_STARTED = (
    21  # of the fields of /proc/PID/stat, from 0: when it began, in clock ticks since the boot (proc(5))
)


def read_process(
    node: Node, pattern: str, at: float, program: str, side: str, *, quiet: bool
) -> ProcessReading | None:
    """Return a look at the first process of `node` whose command line matches; None when there is none.

    `at`, `program`, `side` and `quiet` are those of the reading.
    """
    try:
        process = first_processes(node, pattern)[0]
        return ProcessReading(
            at,
            program,
            side,
            f"{process.name}-{_fields(process)[_STARTED]}",
            resident(process) / 1e6,
            sum(1 for _ in (process / "fd").iterdir()),
            sum(1 for _ in (process / "task").iterdir()),
            sum(1 for _ in family(process)) - 1,
            quiet,
        )
    except (ScenarioFailed, NodeError, OSError, StopIteration):  # it has ended meanwhile
        return None


def _fields(process: Path) -> list[str]:
    """Return the fields of /proc/PID/stat; the name, which may have blanks, is one of them."""
    head, _, tail = (process / "stat").read_text().rpartition(")")
    pid, _, name = head.partition(" (")
    return [pid, name, *tail.split()]
