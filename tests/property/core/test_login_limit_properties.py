"""Whatever is tried in whatever order: few tries get through, nobody is kept out for ever, and memory is bounded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core import login_limit
from appliance.core.login_limit import (
    FIRST_WAIT,
    FREE_OF_ADDRESS,
    FREE_OF_USER,
    LONGEST_WAIT,
    MOST,
    USER_WAIT,
    WINDOW,
    LoginLimit,
)

ADDRESSES = [f"10.0.0.{number}" for number in range(1, 41)]
PAUSES = st.sampled_from([0.0, 0.1, 1.0, 29.0, 30.0, 61.0, 299.0, 601.0, 901.0, 2000.0])
TRIES = st.lists(
    st.tuples(PAUSES, st.sampled_from(ADDRESSES), st.sampled_from(["anna", "bert"])), max_size=150
)
FEW_ADDRESSES = st.lists(st.tuples(PAUSES, st.sampled_from(ADDRESSES[:2]), st.just("anna")), max_size=150)


def let_through(limit: LoginLimit, tries: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Every one a failure; those that were not refused, with their times."""
    now, through = 1000.0, []
    for pause, address, user in tries:
        now += pause
        if limit.attempt(address, user, now) == 0.0:
            through.append((now, address, user))
    return through


@given(FEW_ADDRESSES)
def test_an_address_has_a_few_free_failures_and_then_waits(tries: list[tuple[float, str, str]]) -> None:
    through = let_through(LoginLimit(), tries)
    for address in ADDRESSES[:2]:
        times = [at for at, where, _ in through if where == address]
        for number, at in enumerate(times):
            before = [earlier for earlier in times[:number] if at - WINDOW < earlier]
            if len(before) >= FREE_OF_ADDRESS:
                assert at - before[-1] >= FIRST_WAIT


@given(TRIES)
def test_a_user_is_tried_by_all_together_at_a_bounded_rate(tries: list[tuple[float, str, str]]) -> None:
    through = let_through(LoginLimit(), tries)
    for user in ("anna", "bert"):
        times = [at for at, _, who in through if who == user]
        for number, at in enumerate(times):
            before = [earlier for earlier in times[:number] if at - WINDOW < earlier]
            if len(before) >= FREE_OF_USER:
                assert at - before[-1] >= USER_WAIT


@given(TRIES, st.sampled_from(ADDRESSES), st.sampled_from(["anna", "bert"]))
def test_nobody_is_kept_out_for_ever_and_asking_does_not_prolong_it(
    tries: list[tuple[float, str, str]], address: str, user: str
) -> None:
    limit = LoginLimit()
    let_through(limit, tries)
    now = 1000.0 + sum(pause for pause, _, _ in tries)
    wait = limit.attempt(address, user, now)
    assert 0.0 <= wait <= LONGEST_WAIT
    if wait:
        for part in (0.2, 0.5, 0.99):
            assert limit.attempt(address, user, now + part * wait) > 0.0
        assert limit.attempt(address, user, now + wait + 0.001) == 0.0


@given(FEW_ADDRESSES, st.integers(0, 149))
def test_a_success_counts_as_if_it_had_not_been_tried(tries: list[tuple[float, str, str]], at: int) -> None:
    """For its address: what comes before and after it fares as without it."""
    with_it, without = LoginLimit(), LoginLimit()
    now = 1000.0
    for number, (pause, address, user) in enumerate(tries):
        now += pause + 0.001  # no two tries at the same moment
        if number == at:
            if with_it.attempt(address, user, now) == 0.0:
                with_it.succeeded(address, user, now)
                with_it.forget_user(user)
            continue
        assert with_it.attempt(address, user, now) == without.attempt(address, user, now)


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 3))
def test_a_flood_of_addresses_and_names_is_forgotten_oldest_first(times: int) -> None:
    limit = LoginLimit()
    for number in range(times * MOST + 10):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        limit.attempt(address, f"user{number}", float(number) / 1000)
        limit.succeeded(address, f"user{number}", float(number) / 1000)
    for table in (limit._addresses, limit._users, limit._at_home):
        assert len(table) <= MOST
    longest = max(len(record.failures) for record in limit._addresses.values())
    assert longest <= login_limit.FREE_OF_ADDRESS
