"""Could this node serve if it were asked now?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import known

from appliance.core.fitness import (
    START_FAILURE_COUNTS_FOR,
    FitnessInputs,
    fitness_of,
    unfit_reasons,
)
from appliance.core.model import Line
from appliance.core.reading import Known

FIT = FitnessInputs(
    has_card=True,
    has_line=True,
    card=known(True),
    line=known(Line.ABSENT),
    pbx_installed=True,
    start_failed_at=None,
    lan=known(True),
    engine=known(True),
)


@pytest.mark.parametrize("line", list(Line))
def test_a_standby_without_the_line_is_fit(line: Line) -> None:
    assert unfit_reasons(replace(FIT, line=known(line)), 100.0) == ()


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (replace(FIT, pbx_installed=False), "Asterisk is not installed"),
        (
            replace(FIT, start_failed_at=90.0, start_failure="no modules"),
            "Asterisk failed to start just now: no modules",
        ),
        (replace(FIT, card=known(False)), "the relay card is not there, so the line cannot be brought here"),
        (
            replace(FIT, not_settable="there is no network interface eth0"),
            "there is no network interface eth0",
        ),
        (
            replace(FIT, lan=Known(False, 0.0, "eth0 has no carrier")),
            "it is cut off from the LAN: eth0 has no carrier",
        ),
        (
            replace(FIT, lan=known(False), not_settable="there is no network interface eth0"),
            "there is no network interface eth0",
        ),
        (replace(FIT, line=known(None)), "its spans cannot be seen: the probe got no answer"),
    ],
)
def test_each_reason(standing: FitnessInputs, reason: str) -> None:
    assert unfit_reasons(standing, 100.0) == (reason,)


def test_all_reasons_at_once() -> None:
    standing = FitnessInputs(True, True, known(False), known(None), False, 99.0, "no modules")
    assert len(unfit_reasons(standing, 100.0)) == 4


def test_a_failed_start_is_forgiven() -> None:
    standing = replace(FIT, start_failed_at=0.0)
    assert unfit_reasons(standing, START_FAILURE_COUNTS_FOR - 0.1)
    assert unfit_reasons(standing, START_FAILURE_COUNTS_FOR) == ()


def test_a_card_that_does_not_answer_is_not_gone() -> None:
    assert unfit_reasons(replace(FIT, card=known(None)), 100.0) == ()


def test_what_a_node_does_not_have_cannot_fail() -> None:
    bare = replace(FIT, has_card=False, has_line=False, card=known(False), line=known(None))
    assert unfit_reasons(bare, 100.0) == ()


def test_a_fit_node_of_which_nothing_is_doubtful_is_ready() -> None:
    assert fitness_of(FIT, 100.0).ready


@pytest.mark.parametrize(
    ("standing", "doubt"),
    [
        (replace(FIT, disks=("/var/log has 3 MiB free",)), "/var/log has 3 MiB free"),
        (
            replace(FIT, card=known(None)),
            "it is not known whether the relay card is there: the probe got no answer",
        ),
        (
            replace(FIT, lan=known(None)),
            "it is not known whether it reaches the LAN: the probe got no answer",
        ),
        (replace(FIT, engine=known(None)), "its HA engine does not answer: the probe got no answer"),
    ],
)
def test_each_doubt_leaves_it_fit_and_not_known_to_be_ready(standing: FitnessInputs, doubt: str) -> None:
    fitness = fitness_of(standing, 100.0)
    assert (fitness.unfit, fitness.for_lan, fitness.doubts, fitness.ready) == ((), True, (doubt,), False)


def test_a_site_without_a_cluster_address_has_no_lan_to_be_in_doubt_of() -> None:
    assert fitness_of(replace(FIT, has_address=False, lan=known(None)), 100.0).ready


def test_a_card_that_is_not_to_be_there_raises_no_doubt() -> None:
    assert fitness_of(replace(FIT, has_card=False, card=known(None)), 100.0).ready
