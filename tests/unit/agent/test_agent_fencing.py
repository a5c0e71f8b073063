"""HAFENCE as the agent runs it: what its end says, what it is not run as, and what people are told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent.components import fencing
from appliance.agent.components.fencing import Fencing
from appliance.control.protocol import ControlRequest
from appliance.core.alert_rules import FailoverTracker, read_on
from appliance.core.alerts import AlertKind, Severity
from appliance.core.errors import ClusterError, UserError
from appliance.core.fencing import FenceState
from appliance.core.model import Line, Node
from appliance.core.peer_gone import PATIENCE
from appliance.core.reading import Known
from appliance.core.timing import FENCE_DWELL
from appliance.host.trusted import why_not_trusted

WHY = "the other node is silent and keeps the line"


def program(folder: Path, text: str, mode: int = 0o755) -> Path:
    place = folder / "fence"
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(mode)
    return place


def cut(bench: Bench) -> Fencing:
    component = Fencing(bench.context)

    async def run() -> None:
        component.begin(WHY)
        first = component._task
        component.begin(WHY)
        assert component._task is first, "one at a time"
        assert first is not None
        await first

    asyncio.run(run())
    component.close()
    return component


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a test is everybody's; whether a program is trusted has a test of its own."""
    monkeypatch.setattr(fencing, "why_not_trusted", lambda name: "")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("text", "confirmed", "says"),
    [
        ('[ "$1" = off ]', True, "HAFENCE has confirmed that the secondary (hastandby) is off"),
        ("exit 2", False, "ended with status 2"),
        ("sleep 60", False, "did not end within its deadline and was killed"),
    ],
)
def test_only_status_0_confirms(tmp_path: Path, text: str, confirmed: bool, says: str) -> None:
    bench = Bench(tmp_path, fence=f"{program(tmp_path, text)} off --password=hush", fence_wait=0.3)
    component = cut(bench)
    outcome = bench.observations.fenced
    assert outcome is not None and "hush" not in outcome.says, "journal and alert are read by many"
    assert outcome is not None and outcome.confirmed is confirmed and says in outcome.says
    entries = [entry for entry in bench.journal.since(0) if entry.kind == "fence"]
    assert entries[0].says.endswith(f"is being cut by HAFENCE: {WHY}") and entries[1].says == outcome.says
    _, alerts = read_on(FailoverTracker("primary"), entries)
    assert [alert.kind for alert in alerts] == [AlertKind.PEER_FENCED] * 2
    assert alerts[1].severity is (Severity.WARNING if confirmed else Severity.CRITICAL)
    service = bench.context.service
    service.state = replace(service.state, fence=FenceState(off=confirmed, because=WHY))
    assert len(component.problems()) == 1 and outcome.says in component.problems()[0]
    service.state = replace(service.state, fence=FenceState())
    assert component.problems() == [], "it ends with its cause"


def test_a_program_that_others_could_have_changed_is_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    bench = Bench(tmp_path, fence=str(program(tmp_path, f"touch {ran}", 0o777)))
    cut(bench)
    outcome = bench.observations.fenced
    assert outcome is not None and not outcome.confirmed and "is not run as root" in outcome.says
    assert not ran.exists()


def test_whom_root_trusts(tmp_path: Path) -> None:
    assert why_not_trusted("/bin/sh") == ""
    assert "cannot be run: No such file" in why_not_trusted("/sbin/fence_nothing")
    assert "is no program" in why_not_trusted("/etc/passwd")
    place = program(tmp_path, "true")
    assert why_not_trusted("/fence", tmp_path) == ""
    place.chmod(0o775)
    assert "or others may write it" in why_not_trusted("/fence", tmp_path)


class Asking:
    """The secondary of a pair whose engine asks; each look of a question that stands takes half a second."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **conf: object) -> None:
        self.bench = Bench(folder, Node.SECONDARY, **conf)
        self.component = Fencing(self.bench.context)
        self.component.seen = self.bench.cycle.seen
        monkeypatch.setattr(fencing, "until_beat", self._look)
        self.bench.observations.peer_alive = Known(False, 0.0)
        self.line = Line.ABSENT
        self._look(0.0)

    def _look(self, period: float) -> float:
        bench = self.bench
        bench.clock.time += 0.5
        now = bench.clock.now()
        bench.observations.line = Known(self.line, now)
        bench.observations.lan = Known(True, now)
        bench.cycle.turn()
        return 0.0

    def ask(self, *, name: str = "haprimary", times: int = 1) -> list[object]:
        """Ask so many times at once; return the answers, errors among them."""
        request = ControlRequest("peer gone", {"node": name})

        async def run() -> list[object]:
            asked = [self.component.verbs["peer gone"](request) for _ in range(times)]
            return list(await asyncio.gather(*asked, return_exceptions=True))

        return asyncio.run(run())

    def said(self) -> list[str]:
        return [str(entry.says) for entry in self.bench.journal.since(0) if entry.kind == "fence"]


def test_a_line_that_comes_while_the_question_is_held_is_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Asking(tmp_path, monkeypatch)
    looked = asking._look

    def comes(period: float) -> float:
        asking.line = Line.SETTLING
        return looked(period)

    monkeypatch.setattr(fencing, "until_beat", comes)
    (answer,) = asking.ask(name="HAPRIMARY")
    assert "the line has come here" in str(answer) and asking.component.problems() == []
    assert [
        entry.fields["confirmed"] for entry in asking.bench.journal.since(0) if entry.kind == "fence"
    ] == [True]


def test_what_nobody_knows_is_a_no_that_people_are_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Asking(tmp_path, monkeypatch)
    began = asking.bench.clock.now()
    (first,) = asking.ask()
    assert isinstance(first, ClusterError) and "the line has not come here" in str(first)
    assert asking.bench.clock.now() - began >= PATIENCE
    assert isinstance(asking.ask()[0], ClusterError)
    assert len(asking.said()) == 1 and "stonith_admin --confirm haprimary" in asking.said()[0]
    assert asking.component.problems() == asking.said()
    asking.bench.observations.peer_alive = Known(True, asking.bench.clock.now())
    assert asking.component.problems() == [], "it lives"


def test_only_the_other_node_can_be_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(tmp_path, monkeypatch)
    for name in ("hastandby", "", "other"):
        assert isinstance(asking.ask(name=name)[0], UserError)


@pytest.mark.usefixtures("trusted")
def test_two_questions_at_once_run_hafence_once_and_both_have_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    asking = Asking(tmp_path, monkeypatch, fence=str(program(tmp_path, f"echo x >>{runs}")), fence_wait=6.0)
    began = asking.bench.clock.now()
    answers = asking.ask(times=2)
    assert all("HAFENCE has confirmed that the primary (haprimary) is off" in str(one) for one in answers)
    assert not any(isinstance(one, Exception) for one in answers)
    assert runs.read_text() == "x\n"
    assert asking.bench.clock.now() - began >= FENCE_DWELL + 6.0
    asking._look(0.0)
    assert asking.bench.cycle.state.fence.off, "so HAWITNESS waits for the line no more"


@pytest.mark.usefixtures("trusted")
def test_hafence_that_confirms_nothing_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(tmp_path, monkeypatch, fence=str(program(tmp_path, "exit 1")), fence_wait=6.0)
    (answer,) = asking.ask()
    assert isinstance(answer, ClusterError) and "ended with status 1" in str(answer)
    assert not asking.bench.cycle.state.fence.off


def test_nobody_serves_on_purpose_while_the_engine_waits_for_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request to the engine would be heeded after the heal, and take service from the node that has kept it."""
    asking = Asking(tmp_path, monkeypatch)
    for _ in range(8):
        asking.ask()
    assert asking.bench.clock.now() - 1000.0 > 30.0 and asking.bench.takeovers == 0

    async def asked_no_more() -> None:
        for _ in range(80):
            asking._look(0.0)
            await asyncio.sleep(0)

    asyncio.run(asked_no_more())
    assert asking.bench.takeovers == 1, "it asks no more, and nobody serves all the same"
