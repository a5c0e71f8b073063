"""Whatever is tried in whatever order: few guesses, a bounded wait for the right password, bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.login_limit import (
    BURST,
    FIRST_WAIT,
    FREE,
    LINE,
    LONGEST_WAIT,
    MOST,
    PACE,
    PATIENCE,
    WINDOW,
    SentAway,
    Ticket,
)
from tests.plugins.login_flood import HASH, Server, bots, flood, seconds_until_in


@pytest.mark.parametrize("rate", [10, 200])
@pytest.mark.parametrize("count", [5, 50, 400])
def test_a_known_browser_is_in_within_a_few_seconds_whatever_the_flood(rate: float, count: int) -> None:
    server = Server()
    flood(server, bots(count), rate, 30)
    assert seconds_until_in(server, bots(count), rate, known="device a") <= 2 * HASH + 1.0


@pytest.mark.parametrize("rate", [10, 200])
@pytest.mark.parametrize("count", [5, 50, 200])
def test_a_stranger_with_the_right_password_waits_for_one_try_of_each_address_at_most(
    rate: float, count: int
) -> None:
    """The flood begins just before: every address of it has asked earlier, and none has failed yet."""
    server = Server()
    for address in bots(count):
        server.ask(address)
    assert seconds_until_in(server, bots(count), rate) <= PACE * count + PATIENCE + 2.0


@pytest.mark.parametrize("count", [50, 150])
def test_addresses_that_have_failed_already_are_not_ahead(count: int) -> None:
    server = Server()
    flood(server, bots(count), 20, PACE * count + 60)
    assert seconds_until_in(server, bots(count), 20) <= 3 * PACE + 2.0


@pytest.mark.parametrize("count", [1, 20, 100])
def test_guesses_are_bounded_by_address_and_all_together(count: int) -> None:
    server = Server()
    flood(server, bots(count), 30, 150)
    times = [at for at, _ in server.began]
    assert len(times) <= 150 / PACE + BURST
    for number, at in enumerate(times[BURST:]):
        assert at - times[number] >= PACE - 1e-6
    by_visitor: dict[str, list[float]] = {}
    for at, ticket in server.began:
        by_visitor.setdefault(ticket.visitor, []).append(at)
    for own in by_visitor.values():
        for number, at in enumerate(own):
            if len([earlier for earlier in own[:number] if at - WINDOW < earlier]) >= FREE:
                assert at - own[number - 1] >= FIRST_WAIT
    assert server.longest_line <= LINE


PAUSES = st.sampled_from([0.0, 0.1, 1.0, 29.0, 30.0, 61.0, 299.0, 601.0, 901.0, 2000.0])
VISITORS = st.sampled_from(
    [("10.0.0.1", ""), ("10.0.0.2", ""), ("10.0.0.1", "device a"), ("2001:db8::1", "")]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PAUSES, VISITORS, st.booleans()), max_size=60), VISITORS)
def test_nobody_is_kept_out_for_ever_and_asking_does_not_prolong_it(
    tries: list[tuple[float, tuple[str, str], bool]], visitor: tuple[str, str]
) -> None:
    server = Server()
    for pause, (address, known), right in tries:
        server.pass_time(pause, tick=1.0)
        server.ask(address, known, right=right)
    server.pass_time(PATIENCE + HASH + PACE)
    found = server.limit.join(visitor[0], server.now, visitor[1])
    if isinstance(found, SentAway):
        assert 0.0 < found.wait <= LONGEST_WAIT
        for part in (0.2, 0.5, 0.99):
            assert isinstance(
                server.limit.join(visitor[0], server.now + part * found.wait, visitor[1]), SentAway
            )
        found = server.limit.join(visitor[0], server.now + found.wait + 0.001, visitor[1])
        server.now += LONGEST_WAIT
    assert isinstance(found, Ticket)


@pytest.mark.parametrize("times", [1])
def test_a_flood_of_addresses_is_forgotten(times: int) -> None:
    server = Server()
    for number, address in enumerate(bots(times * MOST + 10)):
        server.ask(address, right=number % 7 == 0)
        server.now += 0.2
    assert len(server.limit._records) <= MOST
    assert len(server.limit._first_asked) <= MOST
    assert len(server.limit._line) <= LINE
    assert max(len(record.failures) for record in server.limit._records.values()) <= FREE
