"""What is counted of the calls of a failover, and the page of it."""

from __future__ import annotations

from typing import cast

import pytest

from hwsim.bench.engines.rows import NO_ADDRESS
from hwsim.bench.plays import Played, Plays
from hwsim.bench.rounds import Seen
from hwsim.bench.telephones.rows import CALLS_IN, CALLS_OUT, EVERY, ROWS, figures_of
from hwsim.bench.telephones.runner import COUNT, contenders
from hwsim.bench.telephones.table import drawn, page
from hwsim.nodes import Network
from hwsim.telephones import Telephones
from hwsim.telephones.house import Event


def telephones(*seen: Event) -> Telephones:
    """Three telephones that saw this."""
    phones = Telephones(cast(Network, None), 3)
    phones.events += seen
    return phones


def calls(what: str, *times: float) -> list[Event]:
    return [Event(at, what) for at in times]


def test_the_longest_time_between_two_calls_counts_and_until_every_telephone_was_called() -> None:
    phones = telephones(
        *calls("call", 90.0, 99.9, 100.0, 101.5, 101.6),
        *calls("rang", 99.9, 102.0, 102.1),
        *(
            Event(at, "rung", who)
            for at, who in ((99.9, "1002"), (102.0, "1000"), (102.1, "1001"), (104.0, "1002"))
        ),
        Event(110.0, "rung", "1000"),
    )
    assert figures_of(phones, 100.0, 102.2) == pytest.approx({CALLS_OUT: 1.5, CALLS_IN: 2.1, EVERY: 4.0})


def test_what_did_not_come_is_none() -> None:
    phones = telephones(*calls("call", 99.5), *calls("rang", 99.9, 102.0), Event(102.0, "rung", "1000"))
    figures = figures_of(phones, 100.0, 102.1)
    assert (figures[CALLS_OUT], figures[EVERY]) == (None, None) and figures[CALLS_IN] == pytest.approx(2.1)


def test_calls_that_never_came_back_are_no_short_silence() -> None:
    phones = telephones(*calls("call", 99.8, 99.9, 100.0), *calls("rang", 99.9, 100.0, 103.0, 103.1))
    assert figures_of(phones, 100.0, 103.2)[CALLS_OUT] is None
    assert figures_of(phones, 100.0, 103.2)[CALLS_IN] == pytest.approx(3.0)


def test_all_have_the_same_telephones_and_times() -> None:
    pairs = contenders()
    assert {one.site.telephones for one in pairs} == {COUNT}
    assert len({one.site.deadtime for one in pairs}) == 1


def plays(keepalived: float = 3.0) -> Plays[Seen]:
    """The first event, met once by each; nobody but keepalived reached every telephone.

    `keepalived`: for how long it had no call out, where everybody else had none for 1.5 s.
    """
    found = [
        Played(
            ROWS[0].name,
            one.name,
            1,
            Seen({NO_ADDRESS: 1.0, CALLS_OUT: 1.5, CALLS_IN: 3.0, EVERY: None}, "t", 2.0),
        )
        for one in contenders()
    ]
    found[2] = Played(
        ROWS[0].name,
        "keepalived",
        1,
        Seen({NO_ADDRESS: 0.5, CALLS_OUT: keepalived, CALLS_IN: 3.0, EVERY: 9.0}, "t", 2.0),
    )
    return Plays(found)


def written(keepalived: float) -> str:
    about = dict.fromkeys(
        ("cores", "kernel", "architecture", "heartbeat", "pacemaker", "corosync", "keepalived"), "x"
    )
    return page(
        contenders(),
        plays(keepalived),
        {**about, "detection": 2.0, "count": COUNT, "picture": "measured.svg"},
    )


def test_the_page_has_a_table_of_each_event_that_was_played_and_compares_with_keepalived() -> None:
    text = written(keepalived=3.0)
    assert text.count("| asha/Heartbeat |") == 1
    (ours,) = (line for line in text.splitlines() if line.startswith("| asha/Heartbeat | 1.00"))
    assert "1.50 / **1.50** / 1.50 (0.50)" in ours and ours.endswith("| - | 2.0 | 1 |")


def test_the_page_says_why_where_asha_takes_longer_than_keepalived_and_only_there() -> None:
    assert "Where asha takes longer than keepalived: asha's word goes through Heartbeat" in written(
        keepalived=1.4
    )
    assert "Where asha takes longer" not in written(keepalived=1.5)


def test_the_picture_has_what_was_played_with_a_bar_for_each_contender() -> None:
    picture = drawn(contenders(), plays())
    (panel,) = picture.panels
    figures = dict(panel.figures)
    assert panel.title == ROWS[0].title and len(picture.contenders) == len(contenders())
    medians = [None if one is None else one.median for one in figures["every telephone was called"]]
    assert medians == [None, None, 9.0, None, None]


def test_each_of_the_events_that_an_administrator_knows_is_played() -> None:
    events = {"killed", "hung", "power-cut", "moved", "failback", "lan-cut"}
    assert {row.name for row in ROWS} == {f"telephones-{event}" for event in events}
