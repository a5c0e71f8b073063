"""What keeps agent and panel running under SysV: it starts them again, and does not fill the disk with saying so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

KEEPER = Path(__file__).parents[3] / "rpm/asha/keeper"
LIMIT = 1 << 20


def kept(tmp_path: Path, program: str, log: str) -> str:
    """Run the keeper with `program` until that wants no other try (2), as the init script does; return the log."""
    place, runs = tmp_path / "log", tmp_path / "runs"
    place.write_text(log)
    script = f'echo x >>{runs}; [ "$(wc -l <{runs})" -lt 2 ] || exit 2; {program}'
    argv = ["sh", str(KEEPER), str(tmp_path / "pid"), "2", "sh", "-c", script]
    with place.open("a") as out:
        subprocess.run(
            argv, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=20, check=False
        )
    assert runs.read_text() == "x\n" * 2 and not (tmp_path / "pid").exists()
    return place.read_text()


def test_a_log_is_kept_while_it_is_small(tmp_path: Path) -> None:
    log = kept(tmp_path, "echo broken; exit 1", "before\n")
    assert log.startswith("before\nbroken\n") and "ended with status 1; it is started again" in log
    assert "is not started again" in log


@pytest.mark.parametrize("size", [LIMIT + 1, 5 * LIMIT])
def test_a_log_that_has_grown_begins_again(tmp_path: Path, size: int) -> None:
    log = kept(tmp_path, "echo broken; exit 1", "x" * size)
    assert "older lines were removed" in log and "it is started again" in log
    assert "\0" not in log and len(log) < 1000
