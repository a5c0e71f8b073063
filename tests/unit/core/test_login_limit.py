"""Login tries, counted: the waits as they are written down, and who is not kept out by them."""

from __future__ import annotations

import pytest

from appliance.core.login_limit import LONGEST_WAIT, WINDOW, LoginLimit


@pytest.fixture
def limit() -> LoginLimit:
    return LoginLimit()


def fail(
    limit: LoginLimit, count: int, now: float = 0.0, address: str = "10.0.0.1", user: str = "anna"
) -> float:
    for _ in range(count):
        assert limit.attempt(address, user, now) == 0.0
    return limit.attempt(address, user, now)


def test_five_failures_are_free_and_then_the_wait_doubles(limit: LoginLimit) -> None:
    waits = [fail(limit, 5)]
    now = 0.0
    for _ in range(7):
        now += waits[-1]
        assert limit.attempt("10.0.0.1", "anna", now) == 0.0
        waits.append(limit.attempt("10.0.0.1", "anna", now))
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_a_quiet_while_after_the_wait_makes_it_new(limit: LoginLimit) -> None:
    wait = fail(limit, 5)
    assert fail(limit, 5, wait + WINDOW) == 30


def test_failures_far_apart_cost_nothing(limit: LoginLimit) -> None:
    for number in range(50):
        assert limit.attempt("10.0.0.1", "anna", number * WINDOW / 4) == 0.0


def test_another_address_has_its_own_count(limit: LoginLimit) -> None:
    fail(limit, 5)
    assert limit.attempt("10.0.0.2", "anna", 1.0) == 0.0


def test_many_at_once_are_not_all_free(limit: LoginLimit) -> None:
    """None of them has failed yet: each counts from its beginning."""
    assert sum(limit.attempt("10.0.0.1", "anna", 0.0) == 0.0 for _ in range(100)) == 5


def test_a_success_is_taken_back_and_the_failures_before_it_are_not(limit: LoginLimit) -> None:
    guessed = 0
    for second in range(100):  # whoever has a login of their own must not be able to guess for ever
        guessed += limit.attempt("10.0.0.1", "bert", float(second)) == 0.0
        if second % 4 == 3 and limit.attempt("10.0.0.1", "anna", second + 0.5) == 0.0:
            limit.succeeded("10.0.0.1", "anna", second + 0.5)
    assert guessed <= 5 + 2


def test_the_right_password_after_four_wrong_ones_leaves_no_wait(limit: LoginLimit) -> None:
    for at in range(4):
        limit.attempt("10.0.0.1", "anna", float(at))
    assert limit.attempt("10.0.0.1", "anna", 4.0) == 0.0
    limit.succeeded("10.0.0.1", "anna", 4.0)
    assert limit.attempt("10.0.0.1", "anna", 5.0) == 0.0


def test_twenty_on_one_user_from_everywhere_and_then_one_in_a_while(limit: LoginLimit) -> None:
    for number in range(20):
        assert limit.attempt(f"10.0.1.{number}", "anna", 0.0) == 0.0
    assert limit.attempt("10.0.2.1", "anna", 10.0) == 20.0
    assert limit.attempt("10.0.2.1", "bert", 10.0) == 0.0
    assert limit.attempt("10.0.2.2", "anna", 30.0) == 0.0
    assert limit.attempt("10.0.2.3", "anna", 31.0) == 29.0


def test_guessing_at_a_user_does_not_keep_that_user_out_at_home(limit: LoginLimit) -> None:
    limit.attempt("10.0.0.9", "anna", 0.0)
    limit.succeeded("10.0.0.9", "anna", 0.0)
    for number in range(20):
        limit.attempt(f"10.0.1.{number}", "anna", 1.0)
    assert limit.attempt("10.0.2.1", "anna", 2.0) > 0.0
    assert limit.attempt("10.0.0.9", "anna", 2.0) == 0.0
    limit.forget_user("anna")
    assert limit.attempt("10.0.0.9", "anna", 3.0) > 0.0


def test_at_home_the_limit_of_the_address_holds(limit: LoginLimit) -> None:
    limit.attempt("10.0.0.9", "anna", 0.0)
    limit.succeeded("10.0.0.9", "anna", 0.0)
    assert fail(limit, 5, 1.0, address="10.0.0.9") == 30


def test_of_ipv6_a_whole_network_is_one_visitor(limit: LoginLimit) -> None:
    for number in range(5):
        limit.attempt(f"2001:db8::{number + 1}", f"user{number}", 0.0)
    assert limit.attempt("2001:db8::ffff", "anna", 0.0) > 0.0
    assert limit.attempt("2001:db8:0:1::1", "anna", 0.0) == 0.0


def test_the_longest_wait_is_a_quarter_of_an_hour(limit: LoginLimit) -> None:
    now = fail(limit, 5)
    for _ in range(100):
        assert limit.attempt("10.0.0.1", "anna", now) == 0.0
        now += limit.attempt("10.0.0.1", "anna", now)
    assert limit.attempt("10.0.0.1", "anna", now) == 0.0
    assert limit.attempt("10.0.0.1", "anna", now) == LONGEST_WAIT
