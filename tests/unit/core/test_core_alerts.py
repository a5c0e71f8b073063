"""Each thing is told once, not too often, and in the end as it is."""

from __future__ import annotations

import json

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

GONE = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "the card is gone")
HAPPENED = Alert("failover", AlertKind.FAILOVER_BEGUN, Severity.WARNING, "failover", "it moves")


class Told:
    """What was told so far."""

    def __init__(self) -> None:
        self.memory = AlertState()
        self.alerts: list[Alert] = []

    def at(self, now: float, *problems: Alert, happened: tuple[Alert, ...] = (), dwell: float = 3.0) -> int:
        """How many more were told."""
        standing = [Condition(alert, dwell) for alert in problems]
        self.memory, news = tell(self.memory, standing, happened, now)
        self.alerts += news
        return len(news)


def test_a_problem_is_told_when_it_has_stood_and_once() -> None:
    told = Told()
    assert [told.at(now, GONE) for now in (0.0, 2.9, 3.0, 4.0, 4000.0)] == [0, 0, 1, 0, 0]


def test_what_passes_by_is_not_told() -> None:
    told = Told()
    assert [told.at(0.0, GONE), told.at(2.0), told.at(2.5, GONE), told.at(5.0, GONE)] == [0, 0, 0, 0]


def test_the_end_is_told_when_it_has_lasted() -> None:
    told = Told()
    told.at(0.0, GONE)
    told.at(3.0, GONE)
    assert told.at(10.0) == told.at(10.0 + CLEAR_DWELL / 2, GONE) == told.at(20.0) == 0
    assert told.at(20.0 + CLEAR_DWELL) == 1
    assert told.alerts[-1].over and told.alerts[-1].subject == "over: the card is gone"
    assert told.at(60.0) == 0


def test_a_flapping_problem_ends_up_told_as_it_is() -> None:
    told = Told()
    for second in range(0, 3000, 20):
        told.at(float(second), *([GONE] if second % 40 else []), dwell=0.0)
        told.at(second + 11.0, *([GONE] if second % 40 else []), dwell=0.0)
    in_flapping = len(told.alerts)
    assert in_flapping <= MOST_OF_ONE * (3000 / WINDOW + 1)
    for second in range(3000, 3000 + int(2 * WINDOW)):
        told.at(float(second))
    assert told.alerts[-1].over
    assert len(told.alerts) <= in_flapping + 1


def test_what_happens_is_told_at_once_and_what_is_too_much_together() -> None:
    told = Told()
    counts = [told.at(float(now), happened=(HAPPENED,)) for now in range(20)]
    assert counts == [1] * MOST_OF_ONE + [0] * (20 - MOST_OF_ONE)
    assert told.at(WINDOW - 1.0) == 0
    assert told.at(WINDOW) == 1
    assert f"the last of {20 - MOST_OF_ONE} such alerts" in told.alerts[-1].text
    assert told.at(WINDOW + 5.0) == 0


def test_all_together_are_bounded_and_nothing_is_lost() -> None:
    told = Told()
    many = tuple(
        Alert(f"link {number}", AlertKind.LINK_LOST, Severity.WARNING, "lost", "lost") for number in range(60)
    )
    assert told.at(0.0, *many, dwell=0.0) == MOST_OF_ALL
    assert told.at(WINDOW, *many, dwell=0.0) == 60 - MOST_OF_ALL
    assert {alert.key for alert in told.alerts} == {alert.key for alert in many}


def test_a_restarted_agent_remembers_what_it_told() -> None:
    told = Told()
    told.at(0.0, GONE, happened=(HAPPENED,) * 7)
    told.at(3.0, GONE)
    told.memory = recall(json.loads(json.dumps(remembered(told.memory))))
    assert told.at(4.0, GONE) == told.at(8.0, GONE) == 0
    assert told.at(20.0) == 0
    assert told.at(20.0 + CLEAR_DWELL) == 1 and told.alerts[-1].over
    told.at(WINDOW + 30.0)
    assert "the last of 3 such alerts" in told.alerts[-1].text


def test_a_reboot_sets_the_clock_back_and_silences_nothing() -> None:
    told = Told()
    told.at(90000.0, happened=(HAPPENED,) * MOST_OF_ONE)
    told.memory = recall(remembered(told.memory))
    assert told.at(10.0, happened=(HAPPENED,)) == 1


def test_a_memory_that_is_damaged_is_an_empty_one() -> None:
    for damaged in (None, [], {}, {"told": 3}, {"told": {"x": {}}, "sent": {}, "held": {}}):
        assert recall(damaged) == AlertState()
