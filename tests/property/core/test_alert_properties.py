"""Whatever comes and goes in whatever order: never too much is told, and in the end people know what is true."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.alerts import (
    CLEAR_DWELL,
    MOST_OF_ALL,
    MOST_OF_ONE,
    WINDOW,
    Alert,
    AlertKind,
    AlertState,
    Condition,
    Severity,
    recall,
    remembered,
    tell,
)

KEYS = ("card", "peer", "stale", "split")
DWELL = 5.0


def problem(key: str) -> Condition:
    return Condition(Alert(key, AlertKind.CARD_LOST, Severity.WARNING, key, key), DWELL)


def event(key: str) -> Alert:
    return Alert(f"event {key}", AlertKind.FAILOVER_BEGUN, Severity.WARNING, key, key)


keys = st.sets(st.sampled_from(KEYS))
steps = st.lists(st.tuples(st.floats(0.1, 300.0), keys, keys, st.booleans()), max_size=60)


@settings(max_examples=150)
@given(steps)
def test_never_too_much_and_in_the_end_the_truth(steps: list[tuple[float, set[str], set[str], bool]]) -> None:
    memory, now, told, happened = AlertState(), 0.0, list[tuple[float, Alert]](), set[str]()
    standing: set[str] = set()
    for pause, standing, events, restarted in steps:
        now += pause
        if restarted:
            memory = recall(json.loads(json.dumps(remembered(memory))))
        memory, news = tell(memory, map(problem, sorted(standing)), map(event, sorted(events)), now)
        told += [(now, alert) for alert in news]
        happened |= {f"event {key}" for key in events}
    for _ in range(4):  # long enough for every window to have room again
        for pause in (CLEAR_DWELL, CLEAR_DWELL, WINDOW):
            now += pause
            memory, news = tell(memory, map(problem, sorted(standing)), (), now)
            told += [(now, alert) for alert in news]
    believed = {}
    for _, alert in told:
        if alert.kind is AlertKind.CARD_LOST:
            assert believed.get(alert.key, True) is not alert.over, "never the same thing twice in a row"
            believed[alert.key] = alert.over
    assert {key for key, over in believed.items() if not over} == standing
    assert {alert.key for _, alert in told if alert.kind is AlertKind.FAILOVER_BEGUN} == happened
    for at, alert in told:
        window = [other for then, other in told if at - WINDOW < then <= at]
        assert len(window) <= MOST_OF_ALL
        assert sum(other.key == alert.key for other in window) <= MOST_OF_ONE
