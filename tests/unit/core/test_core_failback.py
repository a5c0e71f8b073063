"""Going back by itself, and the data that must be here first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.data_policy import DataDuty, Duty, Home, data_not_home, why_not
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown
from appliance.core.roles import Role

READY = Home(
    node=Node.PRIMARY,
    role=Role.STANDBY,
    fit=True,
    peer_alive=Known(True, 0.0),
    peer_role="active",
    synch=True,
    duty=DataDuty(Duty.MERGE),
    merged_ago=3.0,
    conflicts=0,
)
MAX_AGE = 180.0


def test_a_fit_primary_with_all_the_data_goes_back() -> None:
    assert why_not(READY, MAX_AGE) == ""
    nothing_kept_in_step = replace(READY, synch=False, duty=DataDuty(Duty.NONE, "LOOSE"), merged_ago=None)
    assert why_not(nothing_kept_in_step, MAX_AGE) == ""


@pytest.mark.parametrize(
    ("home", "says"),
    [
        (replace(READY, node=Node.SECONDARY), "not a primary"),
        (replace(READY, role=Role.ACTIVE), "not a primary on standby"),
        (replace(READY, peer_alive=Known(False, 0.0)), "does not serve"),
        (replace(READY, peer_alive=Unknown("silent", 0.0)), "does not serve"),
        (replace(READY, peer_role="standby"), "does not serve"),
        (replace(READY, fit=False), "not known to be ready"),
        (replace(READY, duty=DataDuty(Duty.NONE, "Asterisk runs here")), "Asterisk runs here"),
        (replace(READY, merged_ago=None), "not here yet"),
        (replace(READY, merged_ago=MAX_AGE + 1), "not here yet"),
        (replace(READY, conflicts=2), "asha conflicts"),
    ],
)
def test_anything_else_waits_and_says_why(home: Home, says: str) -> None:
    assert says in why_not(home, MAX_AGE)


def test_an_operator_may_take_over_only_with_the_data() -> None:
    assert data_not_home(READY, MAX_AGE) == ""
    assert data_not_home(replace(READY, merged_ago=None), MAX_AGE)
