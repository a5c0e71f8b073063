"""Which HADEADTIME is safe, by what was counted."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from appliance.core.gap_counts import OUTAGE, Counter, Counts
from appliance.core.host_check.machine import PAUSE
from appliance.core.safe_deadtime import LONGEST, NEEDED_HOURS, NodeFigures, recommend, safe_silence

WEEK = round(NEEDED_HOURS * 3600) + 3600
TWENTY_YEARS = 20 * 365.25 * 86400


def counted(*rare: float, usual: float = 1.0) -> Counts:
    """A week of silences of `usual` seconds, and the `rare` ones among them."""
    counter = Counter()
    for seconds in rare:
        counter.add(seconds, seconds, 5.0)
    counts = counter.counts()
    counter.add(usual, 0.0, 5.0)
    ((number, _),) = (item for item in counter.counts().bins.items() if item not in counts.bins.items())
    return replace(
        counter.counts(), bins={**counter.counts().bins, number: round(WEEK / usual)}, watched=float(WEEK)
    )


QUIET = NodeFigures("primary", "pbx1", "Heartbeat", 2.0, 0.2, silences=counted())
OTHER = replace(QUIET, node="secondary", name="pbx2")


def test_a_quiet_pair_may_have_a_short_one() -> None:
    found = recommend((QUIET, OTHER))
    assert found.seconds is not None and 1.2 <= found.seconds <= 2.0
    assert f"{found.seconds:g} s is safe" in found.says


def test_every_node_must_have_watched_a_week() -> None:
    young = replace(OTHER, silences=replace(counted(), watched=30 * 3600.0))
    found = recommend((QUIET, young))
    assert found.seconds is None
    assert found.says == "not enough data yet: 30 hours of 168 on pbx2"
    assert recommend((young,)).seconds is None


def test_without_the_other_nodes_figures_there_is_no_answer() -> None:
    found = recommend((QUIET,))
    assert found.seconds is None and "other node's figures are missing" in found.says
    assert found.bounds, "what is known is shown all the same"


@pytest.mark.parametrize("rare", [(2.5,), (1.8,) * 6, (1.2, 1.4, 1.6, 3.0)])
def test_what_was_seen_once_is_outlasted_and_not_averaged_away(rare: tuple[float, ...]) -> None:
    level = safe_silence(counted(*rare))
    assert level > max(rare) * 1.4


def test_more_and_longer_silences_never_make_it_shorter() -> None:
    levels = [
        safe_silence(counted(*rare))
        for rare in ((), (1.5,), (1.5, 1.7), (1.5, 1.9), (1.5, 1.9, 1.9), (1.5, 2.9, 1.9), (4.0, 4.0, 4.0))
    ]
    assert levels == sorted(levels)


def test_a_silence_of_many_seconds_makes_every_one_unsafe() -> None:
    found = recommend((QUIET, replace(OTHER, silences=counted(20.0, 12.0))))
    assert found.seconds is None
    assert f"no HADEADTIME up to {LONGEST:g} s" in found.says and "20.00 s" in found.says


@pytest.mark.parametrize("kind", ["a virtual machine (KVM)", "a container (lxc)"])
def test_what_may_be_paused_is_told_a_longer_one(kind: str) -> None:
    found = recommend((QUIET, replace(OTHER, virtual=kind)))
    assert found.seconds == PAUSE
    assert kind in found.says


def test_the_engines_own_limits_hold() -> None:
    slow = replace(QUIET, keepalive=2.0)
    found = recommend((slow, replace(OTHER, keepalive=2.0)))
    assert found.seconds is not None and found.seconds >= 6.0
    quick = replace(QUIET, keepalive=0.05, silences=counted(usual=0.2), engine="Pacemaker", least=1.0)
    found = recommend((quick, replace(quick, name="pbx2")))
    assert found.seconds is not None and found.seconds >= 1.0


def test_nothing_counted_is_nothing_known() -> None:
    assert safe_silence(Counts()) == 0.0
    assert recommend((replace(QUIET, silences=Counts()),)).seconds is None


def _drawn(seed: int, mean: float) -> Counts:
    """A week in which the excess of the silences over a second is exponential, with one silence in thirty seconds."""
    drawing, counter = random.Random(seed), Counter()
    for _ in range(20_000):
        counter.add(min(1.0 + drawing.expovariate(1 / mean), OUTAGE), 30.0, 5.0)
    return counter.counts()


@pytest.mark.parametrize("mean", [0.01, 0.1, 0.5])
def test_the_level_holds_where_the_truth_is_known(mean: float) -> None:
    """Of an exponential tail the level that is exceeded once in twenty years is known. It is reached, not by far."""
    levels = [safe_silence(_drawn(seed, mean)) for seed in range(20)]
    truth = 1.0 + mean * math.log(TWENTY_YEARS / 30.0)
    assert sum(level >= truth for level in levels) >= 19, (truth, levels)
    assert max(levels) < 1.0 + 3.0 * (truth - 1.0) + 0.3
