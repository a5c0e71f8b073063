"""A Pacemaker that does not start leaves no Corosync behind, which alone looks like an engine that runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance.cluster.pacemaker import commands
from appliance.cluster.pacemaker.installation import PacemakerPaths
from appliance.core.errors import ClusterError
from tests.plugins.hand_clock import HandClock

COROSYNC, CONTROLLER = 11, 12


class Machine:
    """What runs of the two, and what was sent to it; Pacemaker dies at once when it is `broken`."""

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken
        self.runs: set[int] = set()
        self.sent: list[tuple[int, int]] = []

    def start(self, unit: str, command: Sequence[str | Path], root: Path) -> None:
        if unit == "corosync":
            self.runs.add(COROSYNC)
        elif not self.broken:
            self.runs.add(CONTROLLER)

    def send(self, pids: Sequence[int], number: int = signal.SIGKILL) -> None:
        self.sent += [(pid, number) for pid in pids]
        self.runs -= set(pids)

    def corosync(self) -> int | None:
        return COROSYNC if COROSYNC in self.runs else None

    def master(self) -> int | None:
        return CONTROLLER if CONTROLLER in self.runs else None

    def has_controller(self) -> bool:
        return CONTROLLER in self.runs

    def of_pacemaker(self) -> tuple[int, ...]:
        return tuple(self.runs - {COROSYNC})

    def below(self, pids: tuple[int, ...]) -> tuple[int, ...]:
        return ()


Start = Callable[[Machine], None]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start the engine on a machine."""

    def begin(machine: Machine) -> None:
        fakes: dict[str, Any] = {
            "Processes": lambda: machine,
            "_start": machine.start,
            "_await_corosync": lambda paths, clock: None,
            "_make_run_directory": lambda: None,
            "send": machine.send,
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(commands, name, fake)
        places = {name: tmp_path / name for name in PacemakerPaths.__dataclass_fields__}
        commands.start_engine(PacemakerPaths(**places), clock=HandClock(sleeping=True), root=tmp_path)

    return begin


def test_both_are_started(start: Start) -> None:
    machine = Machine(broken=False)
    start(machine)
    assert machine.runs == {COROSYNC, CONTROLLER} and machine.sent == []


def test_corosync_does_not_stay_without_pacemaker(start: Start) -> None:
    machine = Machine(broken=True)
    with pytest.raises(ClusterError, match="died at once"):
        start(machine)
    assert machine.runs == set() and machine.sent == [(COROSYNC, signal.SIGTERM)]


def test_a_corosync_that_ran_before_is_left_alone(start: Start) -> None:
    machine = Machine(broken=True)
    machine.runs = {COROSYNC}
    with pytest.raises(ClusterError, match="died at once"):
        start(machine)
    assert machine.runs == {COROSYNC}
