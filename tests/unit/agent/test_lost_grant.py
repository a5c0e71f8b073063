"""Heartbeat has this node serve, and no grant is on file: its word counts, in a bounded time, and never too early."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_agent_cycle import ENGINE, Bench

from appliance.cluster.heartbeat.view import Held
from appliance.cluster.heartbeat.watch import serves
from appliance.core.controller import LOST_GRANT_DWELL
from appliance.core.engine_requests import ENGINE_SETTLES
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.transfer import Order


def standing_by(tmp_path: Path) -> Bench:
    """A node whose agent was restarted, and whose grant is gone."""
    bench = Bench(tmp_path)
    bench.cycle.start()
    bench.turn(0.1)
    return bench


def says(bench: Bench, word: str) -> None:
    bench.observations.engine_serves = serves(bench.this_node.node, Known(Held(word), bench.clock.now()))


@pytest.mark.parametrize("word", ["all", "local"])
def test_heartbeats_steady_word_is_the_grant(tmp_path: Path, word: str) -> None:
    bench = standing_by(tmp_path)
    says(bench, word)
    for _ in range(int(LOST_GRANT_DWELL) + 2):
        bench.turn(1.0)
    assert bench.cycle.state.grant.held and bench.cycle.state.grant.engine == ENGINE
    assert bench.role().holds
    assert Order.ENERGISE in bench.executor.orders
    assert "no grant of it is on file" in bench.cycle.grant_problem
    bench.clock.time += 3600
    assert bench.cycle.grant_problem == "", "it is on file again, and was said"


@pytest.mark.parametrize("word", ["none", "transition", "foreign"])
def test_no_other_word_is(tmp_path: Path, word: str) -> None:
    bench = standing_by(tmp_path)
    says(bench, word)
    for _ in range(30):
        bench.turn(1.0)
    assert not bench.cycle.state.grant.held
    assert Order.ENERGISE not in bench.executor.orders


def test_a_word_that_does_not_last_is_none(tmp_path: Path) -> None:
    bench = standing_by(tmp_path)
    for _ in range(10):
        says(bench, "all")
        bench.turn(LOST_GRANT_DWELL / 2)
        says(bench, "transition")
        bench.turn(ENGINE_SETTLES)
    assert not bench.cycle.state.grant.held


def test_a_word_is_not_taken_back_by_a_transition_of_a_moment(tmp_path: Path) -> None:
    """As when the peer joins: nobody serves meanwhile, and the wait is not begun anew."""
    bench, began = standing_by(tmp_path), None
    for word in ("all", "all", "all", "transition", "all", "all", "all"):
        says(bench, word)
        bench.turn(1.0)
        began = began or bench.clock.now()
        assert bench.cycle.state.grant.held is (bench.clock.now() - began >= LOST_GRANT_DWELL)
    assert bench.role().holds


def test_a_transition_of_a_moment_says_nothing_itself(tmp_path: Path) -> None:
    bench = standing_by(tmp_path)
    says(bench, "all")
    bench.turn(0.1)
    for _ in range(2):
        bench.turn(LOST_GRANT_DWELL / 2 - 0.1)
    says(bench, "transition")
    bench.turn(1.0)
    assert not bench.cycle.state.grant.held, "it is believed when it is said, not when it was"
    says(bench, "none")
    bench.turn(0.1)
    says(bench, "all")
    bench.turn(0.1)
    assert not bench.cycle.state.grant.held, "a word that was taken back is a new one"


def test_while_the_peer_serves_heartbeat_settles_it(tmp_path: Path) -> None:
    bench = standing_by(tmp_path)
    says(bench, "all")
    for _ in range(30):
        bench.hear_peer(granted=True)
        bench.turn(1.0)
    assert not bench.cycle.state.grant.held


@pytest.mark.parametrize(
    ("node", "word", "here"),
    [
        (Node.PRIMARY, "all", True),
        (Node.PRIMARY, "local", True),
        (Node.PRIMARY, "foreign", False),
        (Node.SECONDARY, "all", True),
        (Node.SECONDARY, "local", False),
        (Node.SECONDARY, "foreign", True),
        (Node.SECONDARY, "none", False),
        (Node.SECONDARY, "transition", False),
    ],
)
def test_what_each_word_means_on_each_node(node: Node, word: str, here: bool) -> None:
    assert is_known(serves(node, Known(Held(word), 0.0)), True) is here
    assert is_known(serves(node, Known(Held(word), 0.0)), False) is (word == "none")
    assert isinstance(serves(node, Unknown("it does not say", 0.0)), Unknown)
