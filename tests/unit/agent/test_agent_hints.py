"""Hints of the status: what leaves somebody without help on the night it matters, and makes no pair degraded."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from test_agent_cycle import Bench

import appliance
from appliance.agent.components.hints import Hints
from appliance.core.alert_rules import problems
from appliance.core.host_check.machine import RUNTIME_DAYS
from appliance.core.status import Status


def hints_of(bench: Bench) -> tuple[str, ...]:
    return Hints(bench.context).report(Status()).hints


def test_it_is_told_that_nobody_would_be_told(tmp_path: Path) -> None:
    (hint,) = hints_of(Bench(tmp_path))
    assert "nobody is notified when service moves" in hint and "asha notify test" in hint


def test_the_hint_goes_when_a_way_is_set(tmp_path: Path) -> None:
    assert hints_of(Bench(tmp_path, mail_to=("you@example.com",))) == ()


def test_a_hint_is_neither_a_problem_nor_an_alert(tmp_path: Path) -> None:
    status = Hints(Bench(tmp_path).context).report(Status())
    assert status.hints and not status.problems
    assert problems(status) == problems(Status())


def test_a_runtime_older_than_its_updates_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release, bench = tmp_path / "release.py", Bench(tmp_path, mail_to=("you@example.com",))
    release.touch()
    monkeypatch.setattr(appliance, "__file__", str(release))
    monkeypatch.setattr(bench.clock, "wall", time.time)
    old = time.time() - (RUNTIME_DAYS + 20) * 86400
    os.utime(release, (old, old))
    assert hints_of(bench) == (), "the tests run on the machine's own Python, whose distribution mends it"
    monkeypatch.setattr(sys, "prefix", "/opt/asha/runtime")
    (hint,) = hints_of(bench)
    assert "200 days ago" in hint and "Upgrade asha and asha-runtime" in hint
    os.utime(release)
    assert hints_of(bench) == ()
