"""DAHDI configuration is looked at as the whole directory that it would be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.errors import SyncError
from appliance.sync.open_directories import Below
from appliance.sync.telephony import refused
from appliance.sync.trees import Tree, covers, telephony, trees


@pytest.fixture
def live(tmp_path: Path) -> Path:
    place = tmp_path / "dahdi"
    (place / "sub").mkdir(parents=True)
    (place / ".asha-stage").mkdir()
    for name in ("system.conf", "modules", "gone", "sub/x"):
        (place / name).write_text(f"old {name}")
    return place


def looked_at(live: Path, arrived: dict[str, Path], removed: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}

    def vet(whole: Path) -> None:
        found.update(
            {str(one.relative_to(whole)): one.read_text() for one in whole.rglob("*") if one.is_file()}
        )
        assert not (whole / ".asha-stage").exists()

    names = {os.fsencode(live / name): os.fsencode(place) for name, place in arrived.items()}
    below = Below([bytes(live), bytes(live.parent)], [], lambda path: False)
    assert refused(below, live, names, [os.fsencode(live / name) for name in removed], vet) == ""
    return found


def test_what_arrived_lies_over_what_is_there(live: Path, tmp_path: Path) -> None:
    waiting = tmp_path / "waiting"
    waiting.write_text("new")
    found = looked_at(
        live,
        {
            "system.conf": waiting,
            "deep/er": waiting,
            "sub": waiting,
            "modules": tmp_path / "in place already",
        },
        ["gone", "never there"],
    )
    assert found == {"system.conf": "new", "deep/er": "new", "sub": "new", "modules": "old modules"}
    assert (live / "system.conf").read_text() == "old system.conf"


def test_a_node_without_the_directory_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "waiting").write_text("new")
    assert looked_at(tmp_path / "none", {"a": tmp_path / "waiting"}, []) == {"a": "new"}


def test_a_refusal_says_what_stays_and_what_to_do(live: Path) -> None:
    def vet(whole: Path) -> None:
        raise SyncError("span 2: no.")

    below = Below([bytes(live)], [], lambda path: False)
    assert refused(below, live, {}, [], vet) == (
        "DAHDI configuration stays as it was here: span 2: no. 'asha dahdi fit' compares both nodes."
    )


def test_the_guard_holds_wherever_the_directory_lies() -> None:
    conf = Conf(telephony="/etc/dahdi", others=(Path("/etc"),))
    assert [tree.key for tree in trees(conf) if tree.path == Path("/etc/dahdi")] == []
    assert telephony(conf) == Tree("TELEPHONY", Path("/etc/dahdi"))
    assert telephony(Conf()) is None


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (None, True),
        (("/etc/dahdi",), True),
        (("/etc",), True),
        (("/etc/dahdi/sub",), False),
        (("/etc/asterisk", "/etc/dah"), False),
        ((), False),
    ],
)
def test_which_passes_look_at_all_of_it(scope: tuple[str, ...] | None, covered: bool) -> None:
    assert covers(scope, Tree("TELEPHONY", Path("/etc/dahdi"))) is covered
