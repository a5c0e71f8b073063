"""Going back by itself, and who keeps it from that while people work."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_agent_cycle import Bench

from appliance.agent.components.auto_failback import AutoFailback
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.core.model import Line
from appliance.core.reading import Known, Unknown


class Away(Bench):
    """A fit primary that stands by, its peer serving, nothing to merge: it is due."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path, auto_failback=True, failback_wait=0.0, synch="LOOSE")
        engine: Any = SimpleNamespace(takeover=self.takeover)
        self.way = AutoFailback(self.context, SyncSupervisor(self.context), self.cycle, engine)
        self.see_line(Line.ABSENT)
        self.peer_says(False)

    def peer_says(self, maintenance: bool | None) -> None:
        assert self.observations.report is not None
        word = Unknown("it does not say", 0.0) if maintenance is None else Known(maintenance, 0.0)
        self.observations.report = replace(self.observations.report, role="active", maintenance=word)


def test_it_is_due(tmp_path: Path) -> None:
    assert Away(tmp_path).way._is_due()


def test_it_stands_down_with_this_node(tmp_path: Path) -> None:
    bench = Away(tmp_path)
    asyncio.run(bench.maintenance.begin(600, "root", ""))
    assert not bench.way._is_due()
    bench.clock.time += 600
    bench.observations.lan = Known(True, bench.clock.now())
    assert bench.way._is_due()


@pytest.mark.parametrize(("word", "due"), [(True, False), (False, True), (None, True)])
def test_it_stands_down_while_people_work_on_the_node_that_serves(
    tmp_path: Path, word: bool | None, due: bool
) -> None:
    bench = Away(tmp_path)
    bench.peer_says(word)
    assert bench.way._is_due() is due
