"""The grant: late scripts change nothing, and generations never fall."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.grant import Grant, Verb, Verdict, ask, settled, valid, void

ENGINE = "100:5555"
NEW_ENGINE = "200:7777"
HELD, _ = ask(Grant(), Verb.START, 10.0, ENGINE)


def test_a_first_start() -> None:
    assert ask(Grant(), Verb.START, 10.0, ENGINE) == (Grant(True, 1, 10.0, ENGINE), Verdict.ACCEPTED)


def test_a_stop_ends_it() -> None:
    grant, verdict = ask(HELD, Verb.STOP, 20.0, ENGINE)
    assert (grant, verdict) == (Grant(False, 2, 20.0, ""), Verdict.ACCEPTED)


def test_a_start_that_was_started_before_the_stop_is_late() -> None:
    stopped, _ = ask(HELD, Verb.STOP, 20.0, ENGINE)
    grant, verdict = ask(stopped, Verb.START, 19.99, ENGINE)
    assert grant is stopped
    assert verdict is Verdict.STALE


def test_a_late_stop_does_not_end_a_newer_start() -> None:
    grant, verdict = ask(HELD, Verb.STOP, 9.0, ENGINE)
    assert (grant, verdict) == (HELD, Verdict.STALE)


def test_two_scripts_of_one_clock_tick_are_taken_in_order() -> None:
    grant, verdict = ask(HELD, Verb.STOP, 10.0, ENGINE)
    assert not grant.held
    assert verdict is Verdict.ACCEPTED


def test_a_repeated_start_moves_only_the_ticket() -> None:
    grant, verdict = ask(HELD, Verb.START, 15.0, ENGINE)
    assert (grant, verdict) == (Grant(True, 1, 15.0, ENGINE), Verdict.REPEATED)


def test_a_stop_of_nothing_still_makes_older_starts_late() -> None:
    grant, verdict = ask(Grant(), Verb.STOP, 5.0, ENGINE)
    assert (grant, verdict) == (Grant(False, 0, 5.0, ""), Verdict.REPEATED)
    assert ask(grant, Verb.START, 4.0, ENGINE) == (grant, Verdict.STALE)


def test_another_heartbeat_gives_another_grant() -> None:
    grant, verdict = ask(HELD, Verb.START, 30.0, NEW_ENGINE)
    assert (grant, verdict) == (Grant(True, 2, 30.0, NEW_ENGINE), Verdict.ACCEPTED)


def test_a_grant_does_not_outlive_its_heartbeat() -> None:
    assert valid(HELD, ENGINE)
    assert not valid(HELD, NEW_ENGINE)
    assert not valid(Grant(engine=ENGINE), ENGINE)


def test_void_goes_one_on_and_keeps_the_ticket() -> None:
    assert void(HELD) == Grant(False, 2, 10.0, "", clearing=True)
    assert settled(void(HELD)) == Grant(False, 2, 10.0, "")
    assert void(void(HELD)) == void(HELD)


def test_a_start_from_before_does_not_undo_a_void() -> None:
    assert ask(void(HELD), Verb.START, 9.0, ENGINE)[1] is Verdict.STALE


wishes = st.lists(
    st.tuples(
        st.sampled_from([*Verb, None]), st.integers(0, 20).map(float), st.sampled_from([ENGINE, NEW_ENGINE])
    )
)


@given(wishes)
def test_for_any_scripts(script: list[tuple[Verb | None, float, str]]) -> None:
    grant = Grant()
    for verb, ticket, engine in script:
        before = grant
        grant, verdict = (void(grant), None) if verb is None else ask(grant, verb, ticket, engine)
        assert grant.generation - before.generation in (0, 1)
        assert grant.ticket >= before.ticket
        assert bool(grant.engine) is grant.held
        if grant.held is not before.held:
            assert grant.generation == before.generation + 1
        if verdict is Verdict.STALE:
            assert grant == before
            assert ticket < before.ticket
        elif verb is not None:
            assert grant.held is (verb is Verb.START)
