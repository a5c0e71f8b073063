"""An engine that does not run is missing when it ran before and nobody stopped it, whichever agent saw that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_controller_start import NOW, inputs, policy

from appliance.core.controller import step
from appliance.core.controller_events import Started, Starting, Tick
from appliance.core.effects import ExpectEngine
from appliance.core.engine_target import EngineTarget
from appliance.core.grant import Grant
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, first_state

UNSET, STARTED, STOPPED = EngineTarget


class Agent:
    """An agent that has just been started; `target` is on file, and follows what the controller says."""

    def __init__(self, engine: str, target: EngineTarget) -> None:
        self.target, self.now = target, NOW
        self.state: ServiceState = first_state(Grant(generation=4), NOW)
        looked = replace(inputs(engine, "unknown"), engine_target=target)
        for event in (Starting(looked, False), Started(looked, Grant(generation=4))):
            self.state, _ = step(self.state, event, policy(), self.now)

    def sees(self, engine: str) -> bool:
        """Take a turn; tell whether the engine is missing."""
        self.now += 1.0
        looked = replace(inputs(engine, "serves not"), engine_target=self.target)
        self.state, effects = step(self.state, Tick(looked), policy(), self.now)
        if ExpectEngine() in effects:
            self.target = STARTED
        return self.state.engine_lost


@pytest.mark.parametrize(("target", "missing"), [(STARTED, True), (STOPPED, False), (UNSET, False)], ids=str)
def test_an_agent_that_never_saw_it_run_goes_by_what_is_on_file(target: EngineTarget, missing: bool) -> None:
    agent = Agent("gone", target)
    assert agent.sees("gone") is missing
    assert agent.target is target and agent.state.role is Role.OFF


@pytest.mark.parametrize("target", list(EngineTarget))
def test_one_that_cannot_be_seen_is_not_known_to_be_missing(target: EngineTarget) -> None:
    assert not Agent("unknown", target).sees("unknown")


def test_one_that_is_seen_to_run_is_to_run_and_that_is_written_once() -> None:
    agent = Agent("runs", UNSET)
    assert not agent.sees("runs") and agent.target is STARTED
    agent.target = UNSET
    assert not agent.sees("runs") and agent.target is STARTED, "a file that was lost is written again"
    assert agent.sees("gone"), "it has died"
    assert not agent.sees("runs") and not agent.sees("unknown")


def test_one_that_is_told_to_stop_runs_on_for_a_while() -> None:
    agent = Agent("runs", STARTED)
    agent.sees("runs")
    agent.target = STOPPED
    assert [agent.sees("runs"), agent.sees("unknown"), agent.sees("runs"), agent.sees("gone")] == [False] * 4
    assert agent.target is STOPPED


def test_one_that_was_stopped_and_started_by_hand_is_missed_when_it_dies() -> None:
    """As by init at the next boot: 'asha ha stop' does not keep it from that."""
    agent = Agent("gone", STOPPED)
    assert [agent.sees("gone"), agent.sees("runs"), agent.sees("gone")] == [False, False, True]


def test_one_that_runs_before_the_agent_has_looked_was_started_by_somebody() -> None:
    agent = Agent("runs", STOPPED)
    assert not agent.sees("runs")
    assert agent.target is STARTED
    assert agent.sees("gone")
