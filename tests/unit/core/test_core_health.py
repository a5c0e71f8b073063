"""Alive, hung or dead: what the kernel and the probes say, and what their silence does not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from appliance.core.health import (
    IDLE,
    SIP_ALONE,
    Activity,
    ProbePolicy,
    ProbeRecord,
    Witnesses,
    is_silent,
    judge,
    kept_off,
    look_closer,
    observe,
    silent_probes,
    sip_answers,
)
from appliance.core.model import Pbx
from appliance.core.reading import Known, Unknown, is_known

POLICY = ProbePolicy(rise=2, fall=3, dwell=2.0)
ALIVE = Known(True, 0.0)


def told(answers: Sequence[bool], start: float = 0.0) -> ProbeRecord:
    """A probe asked once a second."""
    record = ProbeRecord()
    for second, answered in enumerate(answers):
        at = start + second
        record = observe(record, Known("pong", at) if answered else Unknown("no answer", at), POLICY)
    return record


SILENT = told([True, False, False, False])


def test_a_silent_probe_is_well_again_after_rise_answers_in_a_row() -> None:
    silent = [True, False, False, False]
    for answers, well in (
        ([True], False),
        ([True, False, True], False),
        ([True, False, True, False, True], False),
        ([True, True], True),
        ([True, False, True, True], True),
    ):
        record = told([*silent, *answers])
        assert is_silent(record, POLICY, 100.0) is not well, answers
        state = judge(ALIVE, True, {"ami": record}, POLICY, 100.0)
        assert state == Known(Pbx.RUNNING if well else Pbx.HUNG, 100.0), answers
    assert not is_silent(observe(told(silent), Known("pong", 4.0), replace(POLICY, rise=1)), POLICY, 100.0)


def test_a_probe_is_silent_after_fall_silences() -> None:
    assert not is_silent(told([True, False, False]), POLICY, 100.0)
    assert is_silent(SILENT, POLICY, 3.0)


def test_silences_in_a_burst_wait_for_the_dwell() -> None:
    record = told([True])
    for _ in range(5):
        record = observe(record, Unknown("no answer", 1.0), POLICY)
    assert not is_silent(record, POLICY, 2.99)
    assert is_silent(record, POLICY, 3.0)


def test_one_answer_ends_a_silence_that_is_none_yet() -> None:
    record = observe(told([True, False, False]), Known("pong", 3.0), POLICY)
    assert record == ProbeRecord(True, 1, 0, None, "pong")


def test_a_probe_that_never_answered_tells_nothing() -> None:
    assert not is_silent(told([False] * 50), POLICY, 100.0)


@pytest.mark.parametrize("probes", [{}, {"ami": told([True])}, {"ami": SILENT, "cli": SILENT}])
def test_dead_is_what_the_kernel_says(probes: dict[str, ProbeRecord]) -> None:
    assert judge(Known(False, 7.0), True, probes, POLICY, 9.0) == Known(Pbx.DEAD, 7.0)


def test_a_process_that_cannot_be_looked_at_is_unknown_however_silent() -> None:
    unknown = Unknown("/proc cannot be read", 9.0)
    assert judge(unknown, True, {"ami": SILENT, "cli": SILENT}, POLICY, 100.0) is unknown


def test_hung_needs_every_probe_that_ever_answered() -> None:
    assert is_known(judge(ALIVE, True, {"ami": SILENT, "cli": SILENT}, POLICY, 5.0), Pbx.HUNG)
    mixed = {"ami": SILENT, "cli": told([True])}
    assert is_known(judge(ALIVE, True, mixed, POLICY, 5.0), Pbx.RUNNING)
    switched_off = {"ami": told([False] * 9), "cli": SILENT}
    assert is_known(judge(ALIVE, True, switched_off, POLICY, 9.0), Pbx.HUNG)


def test_probes_that_never_answered_make_no_hang() -> None:
    never = {"ami": told([False] * 9), "sip": told([False] * 9)}
    assert is_known(judge(ALIVE, True, never, POLICY, 50.0), Pbx.RUNNING)
    assert is_known(judge(ALIVE, False, never, POLICY, 50.0), Pbx.STARTING)


def test_sip_alone_needs_three_times_as_long() -> None:
    def verdict(silences: int, now: float) -> object:
        probes = {"sip": told([True, *[False] * silences]), "ami": told([True] * 20)}
        return judge(ALIVE, True, probes, POLICY, now)

    enough = POLICY.fall * SIP_ALONE
    assert is_known(verdict(enough - 1, 50.0), Pbx.RUNNING)
    assert is_known(verdict(enough, 50.0), Pbx.HUNG)
    assert is_known(verdict(enough, 1.0 + POLICY.dwell * SIP_ALONE - 0.1), Pbx.RUNNING)


def test_another_probe_alone_is_not_enough() -> None:
    probes = {"ami": told([True, *[False] * 50]), "sip": told([True])}
    assert is_known(judge(ALIVE, True, probes, POLICY, 60.0), Pbx.RUNNING)


def test_starting_until_booted_or_heard() -> None:
    assert is_known(judge(ALIVE, False, {}, POLICY, 1.0), Pbx.STARTING)
    assert is_known(judge(ALIVE, False, {"ami": told([True])}, POLICY, 1.0), Pbx.RUNNING)
    assert is_known(judge(ALIVE, True, {}, POLICY, 1.0), Pbx.RUNNING)


def test_one_silence_of_the_only_probe_is_no_verdict() -> None:
    assert is_known(judge(ALIVE, False, {"ami": told([True, False])}, POLICY, 1.0), Pbx.RUNNING)


def test_what_is_shown_as_silent() -> None:
    probes = {"ami": told([True, False]), "cli": told([True]), "sip": told([False])}
    assert silent_probes(probes) == ("ami",)


def asked(silences: int) -> ProbeRecord:
    """A probe that was asked in every round, and has been silent in the last ones."""
    return told([True, *[False] * silences], start=float(9 - silences))


def busy(looks: int, working: int) -> Activity:
    """Asterisk, looked at so often, and found to work so often."""
    activity = IDLE
    for number in range(looks):
        activity = look_closer(activity, Known(number < working, 0.0), Unknown("not asked", 0.0))
    return activity


def test_the_console_that_joins_late_must_be_silent_once_less() -> None:
    for console, state in ((1, Pbx.RUNNING), (2, Pbx.HUNG)):
        probes = {"sip": asked(3), "cli": asked(console)}
        assert is_known(judge(ALIVE, True, probes, POLICY, 9.0), state)
    once = replace(POLICY, fall=1, dwell=0.0)
    assert is_known(judge(ALIVE, True, {"sip": asked(1), "cli": told([True])}, once, 9.0), Pbx.RUNNING)


@pytest.mark.parametrize(
    ("looks", "working", "silences", "hangs"),
    [
        (3, 0, 3, True),  # stopped, or every thread waits for another
        (3, 1, 3, True),  # a housekeeper
        (4, 2, 8, False),  # it has too little of the machine, or too much to do
        (9, 9, 9, True),  # and that for too long
    ],
)
def test_one_that_works_is_given_longer(looks: int, working: int, silences: int, hangs: bool) -> None:
    probes = {"sip": told([True, *[False] * silences]), "cli": told([True, *[False] * silences])}
    witnesses = Witnesses(busy(looks, working))
    state = judge(ALIVE, True, probes, POLICY, float(silences), witnesses=witnesses)
    assert is_known(state, Pbx.HUNG if hangs else Pbx.RUNNING)


def test_what_cannot_be_seen_of_its_threads_gives_no_time() -> None:
    unseen = look_closer(IDLE, Unknown("no such file", 0.0), Unknown("no such file", 0.0))
    assert not unseen.works


def test_sip_alone_is_given_longer_still_while_it_works() -> None:
    for working, silences, hangs in ((0, 9, True), (9, 17, False), (9, 18, True)):
        probes = {"sip": told([True, *[False] * silences]), "cli": told([True])}
        state = judge(ALIVE, True, probes, POLICY, float(silences), witnesses=Witnesses(busy(9, working)))
        assert is_known(state, Pbx.HUNG if hangs else Pbx.RUNNING), (working, silences)


def reads(at: float) -> Activity:
    return look_closer(IDLE, Known(False, at), Known(False, at))


def test_sip_that_is_kept_from_being_asked_is_no_hang() -> None:
    probes = {"sip": told([True, *[False] * 60]), "cli": told([True])}

    def hangs(witnesses: Witnesses) -> bool:
        kept = kept_off(probes, POLICY, 60.0, witnesses)
        hung = is_known(judge(ALIVE, True, probes, POLICY, 60.0, witnesses=witnesses), Pbx.HUNG)
        assert hung is not kept
        return hung

    assert not hangs(Witnesses(reads(59.0)))
    assert not hangs(Witnesses(reads(59.0), Known(True, 59.0)))
    assert hangs(Witnesses(reads(59.0), Known(False, 59.0))), "the standby cannot call either"
    assert hangs(Witnesses(reads(50.0))), "what was asked has lain there since"
    assert hangs(Witnesses(look_closer(IDLE, Known(False, 59.0), Known(True, 59.0))))
    assert hangs(Witnesses()), "nothing listens there"


def test_a_console_that_is_silent_too_makes_it_a_hang_whoever_reads() -> None:
    probes = {"sip": told([True, *[False] * 9]), "cli": told([True, *[False] * 9])}
    assert is_known(judge(ALIVE, True, probes, POLICY, 9.0, witnesses=Witnesses(reads(9.0))), Pbx.HUNG)


def test_one_that_boots_is_not_kept_off() -> None:
    probes = {"sip": told([False] * 70), "cli": told([True])}
    assert not kept_off(probes, POLICY, 59.0, Witnesses(reads(59.0)))
    assert kept_off(probes, POLICY, 69.0, Witnesses(reads(69.0)))


def test_only_sip_that_answers_says_that_asterisk_answers() -> None:
    assert isinstance(sip_answers({"cli": told([True])}, POLICY, 5.0), Unknown)
    for answers, said in (
        ([False], False),
        ([True], True),
        ([True, False, False], True),
        ([True, *[False] * 3], False),
    ):
        assert is_known(sip_answers({"sip": told(answers)}, POLICY, 5.0), said)
