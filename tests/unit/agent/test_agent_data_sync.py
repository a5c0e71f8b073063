"""The sync worker's supervisor: the worker ends with its duty, and one that hangs stops nobody."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from test_agent_cycle import ENGINE, Bench

from appliance.agent.components import data_sync
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.core.grant import Verb, Verdict
from appliance.core.model import Node
from appliance.core.reading import Known
from appliance.core.service_state import Evidence, Prepared
from appliance.host.paths import SyncPaths
from appliance.sync.ssh import drop_connection
from appliance.sync.state import State

_PATIENCE = 10.0
_READS_NOTHING = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(
        data_sync, "DATA", SyncPaths(tmp_path / "lasting", tmp_path / "passing", tmp_path / "apart")
    )
    monkeypatch.setattr(data_sync, "SYNC_WORKER", _READS_NOTHING)
    return Bench(tmp_path, Node.SECONDARY, synch="LAZY")


@asynccontextmanager
async def working(bench: Bench) -> AsyncIterator[SyncSupervisor]:
    """A supervisor whose worker has been started."""
    supervisor = SyncSupervisor(bench.context)
    task = asyncio.create_task(supervisor._keep_worker())
    try:
        await asyncio.sleep(0)  # the first look starts it
        assert supervisor._worker is not None
        yield supervisor
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _process_of(supervisor: SyncSupervisor) -> int:
    assert supervisor._worker is not None
    return os.pidfd_open(supervisor._worker._process.pid)


def test_a_worker_ends_in_the_turn_that_ends_its_duty(bench: Bench) -> None:
    """It is not left until the next look, a second later."""

    async def scenario() -> None:
        async with working(bench) as supervisor:
            process = _process_of(supervisor)
            await asyncio.sleep(0.05)
            bench.observations.process = Known(True, bench.clock.now())
            bench.turn()
            for _ in range(3):  # turns of the loop, not time
                await asyncio.sleep(0)
            assert supervisor._worker is None
            assert select.select([process], [], [], 0)[0], "the process has ended"
            os.close(process)

    asyncio.run(scenario())


def _dies(bench: Bench) -> None:
    bench.observations.peer_alive = Known(False, bench.clock.now())


def _is_booted_anew(bench: Bench) -> None:
    """Sooner than Heartbeat's deadtime, so that it was never dead."""
    report = bench.observations.report
    assert report is not None
    bench.observations.report = replace(report, boot="another-1")


@pytest.mark.parametrize("happens", [_dies, _is_booted_anew])
def test_a_pass_does_not_outlive_the_peer_that_it_asks(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: Callable[[Bench], None]
) -> None:
    """Its connections are those of a peer that is gone; another worker begins with new ones."""
    kept = tmp_path / "ssh-peer"
    kept.touch()
    monkeypatch.setattr(data_sync, "drop_connection", lambda: drop_connection(kept))
    report = bench.observations.report
    assert report is not None
    bench.observations.report = replace(report, boot="one-1")

    async def scenario() -> None:
        async with working(bench) as supervisor:
            process = _process_of(supervisor)
            happens(bench)
            bench.observations.stepped.set()
            await asyncio.sleep(0.05)
            assert select.select([process], [], [], 0)[0], "the process has ended"
            os.close(process)
            again = _process_of(supervisor)
            bench.observations.stepped.set()
            await asyncio.sleep(0.05)
            assert not select.select([again], [], [], 0)[0], "and the next one goes on"
            os.close(again)

    asyncio.run(scenario())
    assert not kept.exists()
    assert [entry.says for entry in bench.journal.since(0) if "booted again" in entry.says]


def test_a_worker_that_takes_nothing_in_is_killed_and_the_agent_goes_on(bench: Bench) -> None:
    async def scenario() -> None:
        async with working(bench) as supervisor:
            process = _process_of(supervisor)
            for _ in range(5000):
                bench.turn(1.0)
                await asyncio.sleep(0)
                if select.select([process], [], [], 0)[0]:
                    break
            assert select.select([process], [], [], _PATIENCE)[0], "it was killed"
            os.close(process)

    asyncio.run(scenario())
    assert any("takes nothing in" in str(entry) for entry in bench.journal.since(0))


@pytest.mark.parametrize("granted", [True, False])
def test_the_sites_own_job_runs_once_the_node_serves_and_not_for_a_start_in_vain(
    bench: Bench, granted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(data_sync, "run_postsync", lambda conf, paths: ran.append(conf.synch) or "")

    async def scenario() -> None:
        async with working(bench) as supervisor:
            prepared = Prepared(bench.clock.now(), Evidence.GIVEN_UP)
            bench.context.service.state = replace(bench.cycle.state, prepared=prepared)
            supervisor.asterisk_started()
            if granted:
                assert bench.cycle.ask(Verb.START, bench.clock.now(), ENGINE) is Verdict.ACCEPTED
            else:
                bench.context.service.state = replace(bench.cycle.state, prepared=Prepared(spent=True))
                bench.turn()
            for _ in range(3):  # turns of the loop, not time
                await asyncio.sleep(0)
            job = supervisor._postsync
            assert (job is not None) is granted
            if job is not None:
                await job
            if not granted:
                assert bench.cycle.ask(Verb.START, bench.clock.now(), ENGINE) is Verdict.ACCEPTED
                for _ in range(3):
                    await asyncio.sleep(0)
            assert ran == (["LAZY"] if granted else []), "once, and by the start that served"

    asyncio.run(scenario())


def test_messages_that_a_merge_brings_are_in_the_journal_once(bench: Bench) -> None:
    """Those of before this agent began are no news, and a state that was lost and begins at nothing is none either."""
    supervisor = SyncSupervisor(bench.context)
    for merged in (5, 5, 7, 8, 8, 0, 2):
        supervisor._report(State(merged=merged))
    noted = [entry for entry in bench.journal.since(0) if "merged" in entry.fields]
    assert [entry.fields["merged"] for entry in noted] == [2, 1, 2]
    assert noted[0].says == "messages that came from the other node: 2"
