"""Readings: Unknown is neither true nor false."""

from __future__ import annotations

import pytest

from appliance.core.errors import (
    AshaError,
    ClusterError,
    HardwareError,
    HostError,
    SyncError,
    UserError,
)
from appliance.core.model import Line, Node, Pbx
from appliance.core.reading import Known, Unknown, fresh, is_known
from appliance.core.transfer import arrived, unknown_because

SILENT = Unknown("no answer within 1 s", 3.0)


def test_unknown_equals_no_value() -> None:
    assert not is_known(SILENT, True)
    assert not is_known(SILENT, False)
    assert is_known(Known(False, 1.0), False)
    assert not is_known(Known(False, 1.0), True)


def test_a_reading_grows_old() -> None:
    reading = Known(True, 10.0)
    assert fresh(reading, 15.0, 5.0) is reading
    old = fresh(reading, 15.1, 5.0)
    assert old == Unknown("last seen 5.1 s ago, more than 5 s", 15.1)


def test_unknown_does_not_grow_older() -> None:
    assert fresh(SILENT, 1000.0, 5.0) is SILENT


@pytest.mark.parametrize(
    ("line", "here"),
    [(Line.ABSENT, False), (Line.SETTLING, True), (Line.CLEAR, True), (Line.UNVERIFIABLE, False)],
)
def test_what_counts_as_arrived(line: Line, here: bool) -> None:
    assert arrived(Known(line, 0.0)) is here
    assert not arrived(Unknown("no such span", 0.0))


def test_the_reason_of_an_unknown() -> None:
    assert unknown_because(SILENT) == "no answer within 1 s"
    assert unknown_because(Known(1, 0.0)) == ""


def test_peers() -> None:
    assert Node.PRIMARY.other is Node.SECONDARY
    assert Node.SECONDARY.other is Node.PRIMARY


@pytest.mark.parametrize("state", list(Pbx))
def test_only_a_dead_asterisk_has_no_process(state: Pbx) -> None:
    assert state.process_alive is (state is not Pbx.DEAD)


def test_each_branch_of_errors_has_an_exit_code_of_its_own() -> None:
    branches = (AshaError, UserError, HostError, HardwareError, ClusterError, SyncError)
    assert [branch.exit_code for branch in branches] == [1, 2, 3, 4, 5, 6]


def test_an_error_says_what_to_do() -> None:
    assert str(HostError("No rsync.", todo="Install it.")) == "No rsync. Install it."
    assert str(HostError("No rsync.")) == "No rsync."
