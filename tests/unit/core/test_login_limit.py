"""Login tries: the waits as they are written down, who goes before whom, and who is not kept out."""

from __future__ import annotations

import pytest

from appliance.core.login_limit import (
    BURST,
    FREE,
    KEPT,
    LINE,
    LONGEST_WAIT,
    PACE,
    PATIENCE,
    REMEMBERED,
    WINDOW,
    LoginLimit,
    SentAway,
    Ticket,
    place_of,
)


@pytest.fixture
def limit() -> LoginLimit:
    return LoginLimit()


def attempt(
    limit: LoginLimit, now: float, address: str = "10.0.0.1", known: str = "", *, right: bool = False
) -> float:
    """0.0 when the try was made at once, and ended; else the wait that was told, or until the turn comes."""
    ticket = limit.join(address, now, known)
    if isinstance(ticket, SentAway):
        return ticket.wait
    wait = limit.turn(ticket, now)
    assert wait == 0.0, "nobody else was there"
    limit.end(ticket, right=right)
    return 0.0


def waiting(limit: LoginLimit, address: str, now: float, known: str = "") -> Ticket:
    ticket = limit.join(address, now, known)
    assert isinstance(ticket, Ticket)
    return ticket


def fail(
    limit: LoginLimit, count: int, now: float = 0.0, address: str = "10.0.0.1", known: str = ""
) -> float:
    """Seconds until the address may try again, after `count` failures far enough apart for the pace."""
    for number in range(count):
        assert attempt(limit, now + number * PACE, address, known) == 0.0
    return attempt(limit, now + (count - 1) * PACE, address, known)


def test_five_failures_are_free_and_then_the_wait_doubles(limit: LoginLimit) -> None:
    waits = [fail(limit, FREE)]
    now = (FREE - 1) * PACE
    for _ in range(7):
        now += waits[-1]
        assert attempt(limit, now) == 0.0
        waits.append(attempt(limit, now))
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert max(waits) == LONGEST_WAIT


def test_a_quiet_while_after_the_wait_makes_it_new(limit: LoginLimit) -> None:
    wait = fail(limit, FREE)
    assert fail(limit, FREE, wait + WINDOW + FREE * PACE) == 30


def test_failures_far_apart_cost_nothing(limit: LoginLimit) -> None:
    for number in range(50):
        assert attempt(limit, number * WINDOW / 4) == 0.0


def test_many_at_once_of_one_visitor_are_one(limit: LoginLimit) -> None:
    waiting(limit, "10.0.0.1", 0.0)
    for _ in range(20):
        assert isinstance(limit.join("10.0.0.1", 0.0), SentAway)


def test_a_success_is_taken_back_and_the_failures_before_it_are_not(limit: LoginLimit) -> None:
    guessed = 0
    for second in range(0, 400, 2):  # whoever has a login of their own must not be able to guess for ever
        right = second % 8 == 6
        guessed += attempt(limit, float(second), right=right) == 0.0 and not right
    assert guessed <= FREE + 4


def test_the_right_password_after_four_wrong_ones_leaves_no_wait(limit: LoginLimit) -> None:
    for at in range(4):
        attempt(limit, float(at))
    assert attempt(limit, 4.0, right=True) == 0.0
    assert attempt(limit, 5.0) == 0.0


def test_strangers_together_keep_the_pace_and_the_known_do_not_wait_for_it(limit: LoginLimit) -> None:
    for number in range(BURST):
        assert attempt(limit, 0.0, f"10.0.1.{number}") == 0.0
    stranger = waiting(limit, "10.0.2.1", 0.0)
    assert limit.turn(stranger, 0.0) == PACE
    assert attempt(limit, 0.0, "10.0.2.2", known="device a", right=True) == 0.0
    assert limit.turn(stranger, PACE / 2) == PACE / 2
    assert limit.turn(stranger, PACE) == 0.0


def test_a_right_password_does_not_slow_down_the_next(limit: LoginLimit) -> None:
    for number in range(30):
        assert attempt(limit, 0.0, f"10.0.1.{number}", right=True) == 0.0


def test_who_has_failed_less_goes_before_and_then_who_asked_first(limit: LoginLimit) -> None:
    attempt(limit, 0.0, "10.0.0.1")
    attempt(limit, 0.0, "10.0.0.2")
    attempt(limit, 0.0, "10.0.0.2")
    running = waiting(limit, "10.0.0.9", 1.0)
    assert limit.turn(running, 1.0) == 0.0
    tickets = {
        address: waiting(limit, address, 1.0 + number / 10, known)
        for number, (address, known) in enumerate(
            [("10.0.0.2", ""), ("10.0.0.1", ""), ("10.0.0.3", ""), ("10.0.0.4", ""), ("10.0.0.5", "device a")]
        )
    }
    order = []
    while len(order) < len(tickets):
        assert all(
            limit.turn(one, 2.0) != 0.0 for one in tickets.values() if one.began is None
        )  # one at a time
        limit.end(running, right=False)
        running = next(one for one in tickets.values() if one.began is None and limit.turn(one, 5.0) == 0.0)
        order.append(next(address for address, one in tickets.items() if one is running))
    assert order == ["10.0.0.5", "10.0.0.3", "10.0.0.4", "10.0.0.1", "10.0.0.2"]


def test_who_has_failed_is_behind_others_for_a_day_and_free_again_after_the_window(limit: LoginLimit) -> None:
    fail(limit, FREE)
    now = WINDOW + 100.0
    failed, fresh = waiting(limit, "10.0.0.1", now), waiting(limit, "10.0.0.2", now + 1)
    assert limit.turn(failed, now + 1) > 0.0
    assert limit.turn(fresh, now + 1) == 0.0
    limit.end(fresh, right=True)
    assert limit.turn(failed, now + 1) == 0.0
    limit.end(failed, right=False)
    assert waiting(limit, "10.0.0.1", now + 1 + REMEMBERED).failed == 0


def test_a_full_line_makes_room_for_a_better_one_only(limit: LoginLimit) -> None:
    for number in range(LINE):
        assert attempt(limit, float(number), f"10.0.1.{number}") == 0.0
    failed = [waiting(limit, f"10.0.1.{number}", 10.0 + number / 100) for number in range(LINE)]
    fresh = waiting(limit, "10.0.2.1", 11.0)
    away = limit.turn(failed[-1], 11.0)
    assert isinstance(away, SentAway) and not away.own
    assert isinstance(limit.join("10.0.1.7", 11.0), SentAway)
    assert limit.turn(fresh, 11.0) == 0.0


def test_who_is_sent_away_keeps_the_time_of_the_first_asking(limit: LoginLimit) -> None:
    first = [waiting(limit, f"10.0.1.{number}", 0.0) for number in range(LINE)]
    away = limit.join("10.0.0.1", 1.0)
    assert isinstance(away, SentAway) and away.wait == PACE * (1 + LINE)
    assert all(isinstance(limit.turn(one, PATIENCE), SentAway) for one in first)
    for number in range(LINE):
        waiting(limit, f"10.0.3.{number}", PATIENCE)
    again = waiting(limit, "10.0.0.1", 1.0 + away.wait)
    assert again.since == 1.0
    assert limit.turn(again, 1.0 + away.wait) == 0.0
    late = LoginLimit()
    for number in range(LINE):
        waiting(late, f"10.0.1.{number}", 0.0)
    assert isinstance(late.join("10.0.0.1", 1.0), SentAway)
    assert late._ticket("10.0.0.1", late._record("10.0.0.1", 0.0), 1.0 + away.wait + KEPT + 1).since > 1.0


def test_a_known_browser_has_a_limit_of_its_own_and_not_its_neighbours(limit: LoginLimit) -> None:
    fail(limit, FREE)
    assert attempt(limit, 5.0) > 0.0
    assert attempt(limit, 5.0, known="device a", right=True) == 0.0
    for number in range(FREE):
        assert attempt(limit, 6.0 + number, "10.0.0.2", known="device a") == 0.0
    # Its cookie was stolen, say: then it is a stranger, and no worse.
    assert attempt(limit, 12.0, "10.0.0.2", known="device a", right=True) == 0.0
    assert attempt(limit, 12.0, "10.0.0.1", known="device a") > 0.0


def test_of_ipv6_a_whole_network_is_one_visitor(limit: LoginLimit) -> None:
    for number in range(FREE):
        assert attempt(limit, number * PACE, f"2001:db8::{number + 1}") == 0.0
    assert attempt(limit, 5.0, "2001:db8::ffff") > 0.0
    assert attempt(limit, 5.0, "2001:db8:0:1::1") == 0.0


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:0db8:0000:0001"),
        ("fe80::1%eth0", "fe80:0000:0000:0000"),
        ("unknown", "unknown"),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_place_is_an_address_or_a_network(address: str, place: str) -> None:
    assert place_of(address) == place
