"""What a soak is judged by: which readings count, and the bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hwsim.soak.explained import Unexplained
from hwsim.soak.judgement import ARENA, JUDGED_FROM, MB_PER_HOUR, Held, Soaked, judge, memory_holds, right
from hwsim.soak.readings import ProcessReading, compared, of_one, warm_up
from hwsim.soak.slope import Slope

HOURS2 = 7200.0


def reading(at: float, memory: float = 40.0, **other: object) -> ProcessReading:
    one = ProcessReading(at, "agent", "primary", "5-100", memory, 30, 9, 0, quiet=True)
    return replace(one, **other)  # type: ignore[arg-type]


def soaked(readings: list[ProcessReading], **other: object) -> Soaked:
    run = Soaked("heartbeat", HOURS2, HOURS2, left=100, uneven=[], readings=readings)
    return replace(run, **other)  # type: ignore[arg-type]


def held(run: Soaked, what: str) -> Held:
    (found,) = (one for one in judge(run) if one.what == what)
    return found


def test_a_quarter_of_a_run_is_its_warm_up_and_of_a_long_one_15_minutes() -> None:
    assert warm_up(180.0) == 45.0
    assert warm_up(HOURS2) == 900.0


def test_quiet_readings_of_the_process_that_lived_longest_are_compared() -> None:
    old = [reading(float(at)) for at in range(0, 6000, 10)]
    loud = [replace(one, quiet=False) for one in old[200:300]]
    young = [reading(float(at), life="99-7") for at in range(6000, 7200, 10)]
    other = [reading(1000.0, side="secondary")]
    chosen = of_one([*old[:200], *loud, *old[300:], *young, *other], "agent", "primary", HOURS2)
    assert {one.life for one in chosen} == {"5-100"}
    assert chosen[0].at == 900.0
    assert len(chosen) == 600 - 90 - 100


def test_the_last_quarter_is_compared_with_the_first_and_the_peak_is_of_all() -> None:
    chosen = [reading(float(at), descriptors=30 + (at >= 50)) for at in range(100)]
    burst = reading(55.5, descriptors=70, quiet=False)
    figure = compared(chosen, "descriptors", [*chosen, burst])
    assert figure is not None
    assert (figure.first, figure.last, figure.peak, figure.grown) == (30.0, 31.0, 70.0, 1.0)
    assert compared(chosen[:3], "descriptors", chosen) is None


def test_a_leak_is_found_and_a_steady_process_is_not_blamed() -> None:
    times = [float(at) for at in range(0, 7200, 30)]
    steady = [reading(at, 40.0 + 0.1 * (n % 3)) for n, at in enumerate(times)]
    leaking = [reading(at, 40.0 + 3.0 * at / 3600) for at in times]
    assert held(soaked(steady), "memory of the agent on the primary").ok is True
    assert held(soaked(leaking), "memory of the agent on the primary").ok is False
    assert not right([soaked(steady), soaked(leaking)])


@pytest.mark.parametrize(
    ("low", "hours", "holds"),
    [
        (0.9 * MB_PER_HOUR, 2.0, True),
        (1.1 * MB_PER_HOUR, 2.0, False),
        (0.9 * ARENA / JUDGED_FROM, JUDGED_FROM, True),
        (1.1 * ARENA / JUDGED_FROM, JUDGED_FROM, False),
        (100.0, 0.9 * JUDGED_FROM, None),
    ],
)
def test_memory_is_judged_by_what_it_has_surely_grown_by(
    low: float, hours: float, holds: bool | None
) -> None:
    """One arena more is no leak, and minutes are too short to tell."""
    assert memory_holds(Slope(low + 1, low, low + 2, hours, 100)) is holds


def test_the_page_of_a_short_run_says_that_its_memory_was_not_judged() -> None:
    readings = [reading(float(at), 40.0 + at / 10) for at in range(0, 180, 5)]
    found = held(soaked(readings, planned=180.0), "memory of the agent on the primary")
    assert found.ok is None and "+360.00 MB/h" in found.seen


@pytest.mark.parametrize("name", ["descriptors", "threads", "children"])
def test_what_is_never_closed_is_found(name: str) -> None:
    readings = [reading(float(at), **{name: 10 + at // 600}) for at in range(0, 7200, 30)]
    assert held(soaked(readings), f"{name} of the agent on the primary").ok is False


def test_what_was_not_read_is_not_called_right() -> None:
    assert held(soaked([]), "memory of the page on the secondary").ok is None
    assert held(soaked([], uneven=None), "lost or doubled messages").ok is None
    assert not right([])


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"uneven": ["on the primary's disk 1 messages are missing"]}, "lost or doubled messages"),
        ({"unexplained": [Unexplained(1.0, "log", "x")]}, "unexplained entries and alerts"),
        ({"violations": ["both nodes serve"]}, "violations of the observer's rules"),
        ({"stopped": "interrupted"}, "played to its end"),
    ],
)
def test_each_finding_makes_the_run_wrong(other: dict[str, object], what: str) -> None:
    assert right([soaked([])])
    assert held(soaked([], **other), what).ok is False
    assert not right([soaked([], **other)])
