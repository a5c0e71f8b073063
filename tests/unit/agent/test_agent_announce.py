"""The announcement on its way out: checked again in the thread that sends it, and in the journal once a schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent import executor
from appliance.agent.executor import Actuator, Executor
from appliance.core.errors import HostError
from appliance.core.reading import Known, Reading

IP4, IP6 = "10.77.0.100", "fd77::100"


class Lan:
    """What is on the interface, and what was announced on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.told, self.problem = {IP4, IP6}, [], ""
        monkeypatch.setattr(executor, "read_address", self._read)
        monkeypatch.setattr(executor, "announce", self._announce)

    here: set[str]
    told: list[str]

    def _read(self, device: str, ip: str, now: float) -> Reading[bool]:
        return Known(ip in self.here, now)

    def _announce(self, device: str, ip: str) -> None:
        if self.problem:
            raise HostError(self.problem)
        self.told.append(ip)


@pytest.fixture
def lan(monkeypatch: pytest.MonkeyPatch) -> Lan:
    return Lan(monkeypatch)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, cluster_ipv6=f"{IP6}/64")


def test_every_address_that_is_here_is_announced(lan: Lan, bench: Bench) -> None:
    actuator = Actuator(bench.this_node, bench.clock)
    actuator.announce(lambda: True)
    assert lan.told == [IP4, IP6]
    lan.here.remove(IP4)
    actuator.announce(lambda: True)
    assert lan.told == [IP4, IP6, IP6]


def test_nothing_is_sent_once_service_is_lost_not_even_the_second_address(lan: Lan, bench: Bench) -> None:
    answers = [True, False]
    Actuator(bench.this_node, bench.clock).announce(lambda: answers.pop(0))
    assert lan.told == [IP4]


def announced(bench: Bench, *calls: tuple[str, Callable[[], bool]]) -> list[dict[str, object]]:
    """Have it announced so often, one after the other; return what the journal says of it."""

    async def play() -> None:
        carried = Executor(bench.context, Actuator(bench.this_node, bench.clock), lambda order, problem: None)
        for why, wanted in calls:
            carried.announce(why, wanted)
            carried._others.submit(lambda: None).result()
            await asyncio.sleep(0)
            await asyncio.to_thread(lambda: None)
        carried.close()

    before = len(bench.journal.since(0))
    asyncio.run(play())
    return [one.fields for one in bench.journal.since(before) if one.kind == "address"]


def test_the_journal_says_once_why_and_names_trouble_and_its_end(lan: Lan, bench: Bench) -> None:
    calls = [("service has come here", lambda: True), ("", lambda: True), ("", lambda: True)]
    (first,) = announced(bench, *calls)
    assert (first["says"], first["why"]) == ("announced, for a minute from now", "service has come here")
    lan.problem = "eth0 is down"
    assert [one["says"] for one in announced(bench, ("", lambda: True), ("", lambda: True))] == [
        "eth0 is down"
    ]
    lan.problem = ""
    assert [one["says"] for one in announced(bench, ("", lambda: True))] == ["announced again"]


def test_only_under_the_grant_of_the_service_that_began_it(bench: Bench) -> None:
    bench.serve()
    state = bench.cycle.state
    still = bench.cycle._may_announce(state.grant.generation)
    assert state.role.holds and still()
    assert not bench.cycle._may_announce(state.grant.generation - 1)()
    bench.cycle.hand_over("an operator asked for it")
    assert bench.cycle.state.grant.held and not still(), (
        "it gives service up, and the engine has not spoken yet"
    )
