"""What processes use over a time: CPU with everything they start, and memory at the end."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from hwsim.bench.family import cpu_seconds, family_resident
from hwsim.rack import Rack

WHILE = 30.0


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in % of a core (`own_cpu` without started programs), and the `memory` of all in MB (10⁶)."""

    cpu: float
    own_cpu: float
    memory: float


async def used(
    rack: Rack, processes: Mapping[str, Path], seconds: float = WHILE, without: Container[Path] = ()
) -> dict[str, Usage]:
    """Return the usage of each process over the next `seconds`.

    `processes` maps any names to directories in a /proc; what they have started and is in `without` does not count.
    """
    before = {name: (rack.now(), *cpu_seconds(process, without)) for name, process in processes.items()}
    await rack.pause(seconds)
    found = {}
    for name, process in processes.items():
        began, own_before, all_before = before[name]
        own, everything = cpu_seconds(process, without)
        percent = 100 / (rack.now() - began)
        memory = family_resident(process, without) / 1e6
        found[name] = Usage((everything - all_before) * percent, (own - own_before) * percent, memory)
    return found
