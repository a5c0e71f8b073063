"""Virtual time leaves out turns that would change nothing: the same stories end the same when none is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.timing import IDLE_PERIOD
from hwsim.virtual import node, story
from hwsim.virtual.now import Turn, now_of
from hwsim.virtual.story import from_seed, play

times = st.floats(0.0, 1000.0)


@given(times, times, times, times)
def test_a_comparison_comes_out_the_same_until_the_noted_time(
    at: float, since: float, dwell: float, share: float
) -> None:
    turn = Turn()
    now = now_of(at, turn)
    before = (now - since >= dwell, now - since - 1.0 < dwell, now > since, now + 2.0 <= dwell)
    then = at + 0.99 * min(share, turn.lasts)
    assert before == (then - since >= dwell, then - since - 1.0 < dwell, then > since, then + 2.0 <= dwell)


def test_what_is_not_a_comparison_may_come_out_otherwise_at_once() -> None:
    for read in (round, int, "{:.1f}".format, lambda time: 2.0 * time, lambda time: 5.0 - time):
        turn = Turn()
        now = now_of(7.0, turn)
        assert turn.lasts == float("inf")
        read(now)
        assert turn.lasts == 0.0


@pytest.mark.parametrize("seed", range(12))
def test_no_turn_that_is_left_out_would_have_changed_anything(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No order comes at another time than it does when every turn is taken, but for one turn's lateness."""
    left_out = _told(seed)
    monkeypatch.setattr(node, "LONGEST", 0.0)
    story._served.cache_clear()
    try:
        taken = _told(seed)
    finally:
        story._served.cache_clear()
    assert [what for _, what in left_out] == [what for _, what in taken]
    for (at, what), (when, _) in zip(left_out, taken, strict=True):
        assert abs(at - when) < IDLE_PERIOD, what


def _told(seed: int) -> list[tuple[float, str]]:
    """Return what the agents of the story's end have ordered, node by node, and what was found."""
    world = story.begin(from_seed(seed))
    found = play(from_seed(seed), world)
    orders = [
        (at, f"{each.value}: {order.name}")
        for each, agent in world.agents.items()
        for at, order, _ in (agent.given if agent is not None else ())
    ]
    return [*orders, *((one.at, one.kind.name) for one in found)]
