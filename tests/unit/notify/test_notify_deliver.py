"""Delivery: each way by itself, pauses that grow, refusals that hold up nobody, a day at the most."""

from __future__ import annotations

from pathlib import Path

import pytest
from alerts_by_hand import FakeWay, clock_by_hand, notice

from appliance.notify.deliver import FIRST_PAUSE, LONGEST_PAUSE, OLDEST, Delivery, is_due, pause
from appliance.notify.spool import Spool
from appliance.notify.transport import Undelivered


class Desk:
    """A queue, its ways and a clock; each `deliver` is a process of its own."""

    def __init__(self, place: Path, *ways: FakeWay) -> None:
        self.spool, self.ways, self.clock = Spool(place), ways, clock_by_hand()
        self.said: list[str] = []

    def deliver(self, seconds: float = 0.0) -> None:
        self.clock.time += seconds
        Delivery(self.spool, self.ways, self.clock, self.said.append).run()


def id_of(number: int) -> str:
    return notice(number).id


def test_what_waits_goes_out_by_every_way_in_order_and_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, FakeWay("syslog"), FakeWay("mail"))
    for number in (2, 1):
        desk.spool.put(notice(number, owed=("mail", "syslog")))
    desk.deliver()
    desk.deliver()
    assert [way.taken for way in desk.ways] == [[id_of(1), id_of(2)]] * 2
    assert desk.spool.is_empty() and desk.said == []


def test_a_way_that_fails_rests_longer_and_longer_and_the_others_go_on(tmp_path: Path) -> None:
    mail, syslog = FakeWay("mail", broken=Undelivered("no route")), FakeWay("syslog")
    desk = Desk(tmp_path, mail, syslog)
    for number in (1, 2):
        desk.spool.put(notice(number, owed=("mail", "syslog")))
    desk.deliver()
    assert mail.tried == [id_of(1)], "the second would only hang as the first did"
    assert syslog.taken == [id_of(1), id_of(2)]
    assert [waiting.owed for waiting in desk.spool.waiting()] == [("mail",)] * 2
    assert desk.said == ["alerts do not go out by mail: no route"]
    for number in range(1, 6):
        desk.deliver(pause(number) - 1.0)
        assert len(mail.tried) == number
        desk.deliver(1.0)
        assert len(mail.tried) == number + 1
    assert desk.spool.ways().next_at == desk.clock.wall() + pause(6)
    assert desk.spool.ways().by_name["mail"].problem == "no route"
    mail.broken = None
    desk.deliver(pause(6))
    assert mail.taken == [id_of(1), id_of(2)] and syslog.taken == [id_of(1), id_of(2)]
    assert desk.said[1:] == ["alerts go out again by mail"]
    assert desk.spool.ways().by_name["mail"].problem == ""


def test_an_alert_that_is_refused_holds_up_no_other(tmp_path: Path) -> None:
    mail = FakeWay(fails={id_of(1): Undelivered("550 no", refused=True)})
    desk = Desk(tmp_path, mail)
    desk.spool.put(notice(1))
    desk.spool.put(notice(2))
    desk.deliver()
    assert mail.taken == [id_of(2)]
    desk.deliver(FIRST_PAUSE - 1.0)
    assert mail.tried.count(id_of(1)) == 1
    mail.fails.clear()
    desk.deliver(1.0)
    assert mail.taken == [id_of(2), id_of(1)] and desk.spool.is_empty()


def test_an_alert_that_a_way_cannot_write_down_ends_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, FakeWay("mail", broken=ValueError("odd")), FakeWay("syslog"))
    for number in (1, 2):
        desk.spool.put(notice(number, owed=("mail", "syslog")))
    desk.deliver()
    assert desk.ways[1].taken == [id_of(1), id_of(2)]
    assert "odd" in desk.spool.ways().by_name["mail"].problem


def test_after_a_day_it_is_given_up_and_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path, FakeWay(broken=Undelivered("no")))
    desk.spool.put(notice(1))
    desk.deliver()
    desk.clock.time = 1000.0 + OLDEST + 2.0
    desk.deliver()
    assert desk.spool.is_empty()
    assert desk.said[-1] == "given up after a day: [asha pbx1] critical: the card is gone (by mail)"


def test_a_way_that_is_set_up_no_more_is_owed_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, FakeWay("mail", broken=Undelivered("no")))
    desk.spool.put(notice(1, owed=("trap",)))
    desk.spool.put(notice(2, owed=("trap", "mail")))
    desk.deliver()
    assert [waiting.id for waiting in desk.spool.waiting()] == [id_of(2)]
    assert desk.spool.ways().next_at == desk.clock.wall() + FIRST_PAUSE


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


class KilledAfter(FakeWay):
    """Takes it, and the process is killed before it can note so."""

    def send(self, given: object) -> None:
        super().send(given)  # type: ignore[arg-type]
        raise Killed


def test_killed_between_hand_over_and_note_it_goes_again_and_is_never_lost(tmp_path: Path) -> None:
    first, second = FakeWay("syslog"), KilledAfter("mail")
    desk = Desk(tmp_path, first, second)
    desk.spool.put(notice(1, owed=("mail", "syslog")))
    with pytest.raises(Killed):
        desk.deliver()
    desk.ways = (first, FakeWay("mail"))
    desk.deliver()
    assert first.taken == [id_of(1)], "what was noted does not go again"
    assert desk.ways[1].taken == second.taken == [id_of(1)]
    assert desk.spool.is_empty()


def test_pauses_grow_to_half_an_hour() -> None:
    pauses = [pause(failures) for failures in range(1, 200)]
    assert pauses[:3] == [10.0, 20.0, 40.0]
    assert pauses == sorted(pauses) and pauses[-1] == LONGEST_PAUSE


def test_a_clock_that_was_set_back_does_not_make_anything_rest_for_years() -> None:
    assert is_due(0.0, 100.0) and is_due(100.0, 100.0)
    assert not is_due(101.0, 100.0) and not is_due(100.0 + LONGEST_PAUSE, 100.0)
    assert is_due(100.0 + LONGEST_PAUSE + 1.0, 100.0)
