"""A machine that stood still: what shows it, and when its engine is started afresh."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.reading import Known, Reading, Unknown
from appliance.core.waking import Pulse, Woke, begins_anew, says, stood_still

KEEPALIVE, DEADTIME = 0.5, 2.0
BEFORE = Pulse("7:1", 1000, 50.0)
WOKE = Woke(3.0, 100.0, True, Known(True, 100.0))
UNASKED: Reading[bool] = Unknown("nobody was asked", 0.0)


@pytest.mark.parametrize(
    ("beats", "passed", "stood"),
    [
        (4, 1.0, 0.0),  # a usual look, with the peer
        (2, 1.0, 0.0),  # and without
        (8, 4.0, 0.0),  # the agent alone was away: the engine has beaten once in each keepalive
        (2, 4.0, 3.0),  # both were
        (4, 61.0, 60.0),
        (0, 3.0, 2.0),
    ],
)
def test_an_engine_that_was_not_given_the_processor_stood_still(
    beats: int, passed: float, stood: float
) -> None:
    after = Pulse("7:1", BEFORE.beats + beats, BEFORE.at + passed)
    assert stood_still(BEFORE, after, KEEPALIVE) == stood


def test_another_engine_and_one_that_cannot_be_seen_tell_nothing() -> None:
    after = Pulse("8:1", 0, BEFORE.at + 60.0)
    assert stood_still(BEFORE, after, KEEPALIVE) == 0.0
    assert stood_still(None, after, KEEPALIVE) == 0.0
    assert stood_still(BEFORE, None, KEEPALIVE) == 0.0


def test_of_an_engine_whose_beats_say_nothing_only_a_missing_look_is_known() -> None:
    before = Pulse("7:1", None, 50.0)
    assert stood_still(before, Pulse("7:1", None, 52.5), KEEPALIVE) == 2.5
    assert stood_still(before, Pulse("7:1", None, 51.2), KEEPALIVE) == 0.0, (
        "a look is a second late at the most"
    )


@pytest.mark.parametrize(
    ("woke", "serves", "peer_serves", "anew"),
    [
        (WOKE, True, False, True),
        (replace(WOKE, elsewhere=UNASKED), True, True, True),
        (replace(WOKE, elsewhere=UNASKED), True, False, False),
        (replace(WOKE, elsewhere=Known(False, 100.0)), True, False, False),
        (replace(WOKE, elsewhere=UNASKED), False, False, True),
        (replace(WOKE, seconds=1.9), True, True, False),
        (replace(WOKE, seconds=1.9), False, False, False),
        (replace(WOKE, peer_alive=False), True, True, False),
        (replace(WOKE, peer_alive=False), False, False, False),
        (replace(WOKE, engine=False), True, False, True),
        (replace(WOKE, engine=False), False, False, False),
    ],
)
def test_the_engine_is_started_afresh_where_the_peer_has_gone_on_without_this_node(
    woke: Woke, serves: bool, peer_serves: bool, anew: bool
) -> None:
    assert begins_anew(woke, deadtime=DEADTIME, serves=serves, peer_serves=peer_serves) is anew


def test_people_are_told_for_how_long_it_stood_still_and_why_its_engine_was_started_afresh() -> None:
    assert says(replace(WOKE, seconds=60.2), anew=True, serves=True) == (
        "this node was frozen for 60 s; the HA engine is started again here, because the other node serves by now"
    )
    assert "called it dead" in says(WOKE, anew=True, serves=False)
    assert "left as it is" in says(WOKE, anew=False, serves=True)
