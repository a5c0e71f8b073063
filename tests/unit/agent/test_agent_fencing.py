"""HAFENCE as the agent runs it: what its end says, what it is not run as, and what people are told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent.components import fencing
from appliance.agent.components.fencing import Fencing
from appliance.core.alert_rules import FailoverTracker, read_on
from appliance.core.alerts import AlertKind, Severity
from appliance.core.fencing import FenceState
from appliance.host.trusted import why_not_trusted

WHY = "the peer is silent and keeps the line"


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
