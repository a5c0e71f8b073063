"""Timing policy: each inequality fails alone, at its own limit."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from appliance.core.timing import ALARM_SETTLE, GHOST_LINK, TimingPolicy

SENSIBLE = TimingPolicy(
    keepalive=0.2,
    warntime=1.0,
    deadtime=2.0,
    initdead=120.0,
    probe_period=1.0,
    probe_deadline=1.0,
    fall=3,
    line_dwell=1.0,
    move_dwell=15.0,
    line_deadline=8.0,
    dchannel_deadline=8.0,
    pbx_start_deadline=60.0,
    pbx_stop_deadline=5.0,
    card_deadline=2.0,
    peer_max_age=5.0,
    merge_deadline=5.0,
    witness_wait=5.0,
    failback_wait=60.0,
    auto_failback=True,
    sync_period=60.0,
    sync_stale=300.0,
    lan_dwell=5.0,
)


def test_the_defaults_make_sense() -> None:
    assert SENSIBLE.problems() == ()


@pytest.mark.parametrize(
    ("change", "key", "says"),
    [
        ({"keepalive": 0.6, "warntime": 0.6}, "HAKEEPALIVE", "below HAWARNTIME (now 0.6 s against 0.6 s)"),
        ({"warntime": 2.0}, "HAWARNTIME", "below HADEADTIME (now 2 s against 2 s)"),
        ({"deadtime": 10.0, "initdead": 9.0}, "HADEADTIME", "at most HAINITDEAD (now 10 s against 9 s)"),
        ({"keepalive": 0.7}, "HADEADTIME", "at least three times HAKEEPALIVE"),
        ({"keepalive": 0.1, "warntime": 0.3, "deadtime": 0.5, "initdead": 0.9}, "HAINITDEAD", "at least 1 s"),
        ({"probe_deadline": 1.1}, "PROBEDEADLINE", "at most PROBEPERIOD"),
        ({"move_dwell": GHOST_LINK}, "MOVEDWELL", "above 6.9 s"),
        ({"line_deadline": ALARM_SETTLE}, "LINEDEADLINE", "above 5.1 s"),
        ({"peer_max_age": 2.9}, "PEERMAXAGE", "at least three message periods"),
        ({"peer_max_age": 15.1}, "PEERMAXAGE", "at most MOVEDWELL"),
        ({"failback_wait": 14.9}, "FAILBACKWAIT", "at least MOVEDWELL with HAAUTOFAILBACK=on"),
        ({"card_deadline": 8.0, "pbx_stop_deadline": 9.0}, "CARDDEADLINE", "below LINEDEADLINE"),
        ({"card_deadline": 6.0, "pbx_stop_deadline": 1.0}, "CARDDEADLINE", "below PBXSTOPDEADLINE and 5 s"),
        ({"pbx_stop_deadline": 25.0}, "PBXSTOPDEADLINE", "with 5 s below 30 s"),
        ({"dchannel_deadline": 1.9}, "DCHANNELDEADLINE", "at least 2 s"),
        ({"merge_deadline": 60.0}, "MERGEDEADLINE", "below PBXSTARTDEADLINE"),
        ({"sync_period": 300.0}, "SYNCPERIOD", "below SYNCSTALE"),
    ],
)
def test_each_inequality(change: dict[str, float], key: str, says: str) -> None:
    (problem,) = replace(SENSIBLE, **change).problems()  # type: ignore[arg-type]
    assert problem.key == key
    assert problem.want.startswith(says)


@pytest.mark.parametrize(
    "change",
    [
        {"keepalive": 0.5, "warntime": 0.6, "deadtime": 1.5},
        {"deadtime": 120.0},
        {"keepalive": 0.1, "warntime": 0.3, "deadtime": 0.5, "initdead": 1.0},
        {"probe_deadline": 0.5},
        {"move_dwell": 7.0},
        {"line_deadline": 5.2},
        {"peer_max_age": 3.0},
        {"peer_max_age": 15.0},
        {"failback_wait": 15.0},
        {"failback_wait": 0.0, "auto_failback": False},
        {"card_deadline": 7.9},
        {"pbx_stop_deadline": 24.9},
        {"dchannel_deadline": 2.0},
        {"merge_deadline": 59.9},
        {"sync_period": 299.0},
    ],
)
def test_its_limit_is_still_right(change: dict[str, float]) -> None:
    assert replace(SENSIBLE, **change).problems() == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    sorted(
        {one.name for one in fields(TimingPolicy)}
        - {"auto_failback", "fall", "lan_dwell", "line_dwell", "witness_wait"}
    ),
)
def test_a_time_that_is_no_number_fits_nothing(name: str) -> None:
    """The conf file cannot hold one (tests/unit/config/test_config_wrong_values.py); a caller might."""
    assert replace(SENSIBLE, **{name: float("nan")}).problems()  # type: ignore[arg-type]


def test_all_problems_at_once() -> None:
    wrong = replace(SENSIBLE, keepalive=5.0, move_dwell=1.0, peer_max_age=0.0)
    assert {problem.key for problem in wrong.problems()} == {
        "HAKEEPALIVE",
        "HADEADTIME",
        "MOVEDWELL",
        "PEERMAXAGE",
    }


def test_the_tick_is_the_keepalive_up_to_half_a_second() -> None:
    assert SENSIBLE.tick == 0.2
    assert replace(SENSIBLE, keepalive=2.0).tick == 0.5
