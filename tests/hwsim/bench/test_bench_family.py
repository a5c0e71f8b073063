"""A process and what it has started, as /proc shows them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwsim.bench.family import family, family_resident, of_family, resident


@pytest.fixture
def parent() -> Iterator[Path]:
    """The directory in /proc of a shell that has started two programs."""
    script = "sleep 60 & sleep 60 & echo ready; wait"
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "ready\n"
        place = Path(f"/proc/{shell.pid}")
        while not all("nanosleep" in (one / "wchan").read_text() for one in list(family(place))[1:]):
            time.sleep(0.01)  # one that is still being loaded grows
        yield place
        for one in list(family(place))[1:]:
            subprocess.run(["kill", one.name], check=True)


def test_a_process_counts_with_all_that_it_has_started(parent: Path) -> None:
    members = list(family(parent))
    assert len(members) == 3
    assert members[0] == parent
    assert family_resident(parent) == sum(map(resident, members)) > 0


def test_those_left_out_do_not_count(parent: Path) -> None:
    _, one, other = family(parent)
    assert list(family(parent, {one})) == [parent, other]
    assert len(of_family(parent, resident, {one, other})) == 1


def test_one_that_ends_meanwhile_does_not_count(parent: Path) -> None:
    _, ended, _ = family(parent)

    def read(process: Path) -> Path:
        if process == ended:
            raise ProcessLookupError
        return process

    assert len(of_family(parent, read)) == 2


def test_the_end_of_the_process_itself_is_told() -> None:
    with pytest.raises(OSError, match="status"):
        family_resident(Path("/proc/does-not-exist"))
