"""The change of a pair from one cluster engine to the other: what is in the way, and what the secondary does next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Conf
from appliance.config.bounds import bound_inputs
from appliance.core.engine_change import (
    UNREACHED,
    EngineChange,
    EngineReport,
    NextStep,
    agreement,
    hindrances,
    next_step,
    order_stands,
    outage,
    patience,
    plan,
    step_of_primary,
)

PRIMARY = EngineReport(
    "primary", "alpha", "2.0", "heartbeat", "heartbeat", "active", fit=True, peer_alive=True, calls=0
)
SECONDARY = EngineReport(
    "secondary", "bravo", "2.0", "heartbeat", "heartbeat", "standby", fit=True, peer_alive=True
)
CHANGE = EngineChange("pacemaker", "heartbeat", "1", leads=True, boot="boot")
PATIENCE = 60.0


def test_a_pair_that_is_well_may_change() -> None:
    assert hindrances(SECONDARY, PRIMARY, "pacemaker") == ()


@pytest.mark.parametrize(
    ("primary", "secondary", "said"),
    [
        ({"hindrances": ("not installed",)}, {}, "alpha: not installed"),
        ({}, {"hindrances": ("not installed",)}, "bravo: not installed"),
        ({"version": "1.9"}, {}, "asha is 1.9 on alpha and 2.0 on bravo"),
        ({"versions": ("Pacemaker 2.1",)}, {"versions": ("Pacemaker 3.0",)}, "Pacemaker 2.1 on alpha, and"),
        ({"secret": "a"}, {"secret": "b"}, "different secrets for Pacemaker"),
        ({"calls": 2}, {}, "alpha: calls are up (2)"),
        ({"calls": None}, {}, "alpha: it is not known whether calls are up"),
        ({"role": "standby"}, {"role": "active"}, "'asha failback'"),
        ({"running": ""}, {}, "alpha: Heartbeat does not run"),
        ({"maintenance": True}, {}, "alpha: somebody works there"),
        ({}, {"fit": False}, "bravo: it is not a standby that is ready"),
        ({"peer_alive": False}, {}, "alpha: Heartbeat does not hear"),
        ({}, {"peer_alive": None}, "bravo: Heartbeat does not hear"),
        ({"change": CHANGE}, {}, "alpha: a change of the engine is under way"),
        (
            {"engine": "pacemaker", "running": "pacemaker"},
            {},
            "alpha works with Pacemaker, bravo with Heartbeat",
        ),
    ],
)
def test_what_is_in_the_way_is_named(
    primary: dict[str, object], secondary: dict[str, object], said: str
) -> None:
    found = hindrances(
        replace(SECONDARY, **secondary),  # type: ignore[arg-type]
        replace(PRIMARY, **primary),  # type: ignore[arg-type]
        "pacemaker",
    )
    assert any(said in one for one in found), found


def test_the_engine_that_runs_is_no_goal() -> None:
    assert all("runs Heartbeat already" in one for one in hindrances(SECONDARY, PRIMARY, "heartbeat"))


def test_the_plan_names_the_outage_and_the_nodes() -> None:
    site = bound_inputs(Conf())
    steps = plan(SECONDARY, PRIMARY, "pacemaker", seconds=outage(site), alone=site.timing.initdead)
    assert [step.partition(":")[0] for step in steps[:4]] == ["bravo", "alpha", "alpha", "bravo"]
    assert f"nobody serves for at most {outage(site):g} s" in steps[-1]
    assert patience(site) == outage(site) + site.timing.initdead


def asked(
    change: EngineChange, primary: EngineReport | None, unreached: float = 0.0, boot: str = "boot"
) -> NextStep:
    return next_step(change, primary, unreached=unreached, patience=PATIENCE, boot=boot)


def test_the_order_is_given_once_and_by_the_boot_that_began() -> None:
    assert asked(CHANGE, PRIMARY) is NextStep.ORDER
    assert asked(CHANGE, PRIMARY, boot="next") is NextStep.GO_BACK
    assert asked(CHANGE.ordering(), PRIMARY) is NextStep.GO_BACK


def test_a_primary_that_changes_is_waited_for_and_followed() -> None:
    ordered = CHANGE.ordering()
    own = EngineChange("pacemaker", "heartbeat", "1")
    assert asked(ordered, replace(PRIMARY, running="", change=own)) is NextStep.WAIT
    assert (
        asked(ordered, replace(PRIMARY, running="pacemaker", change=own.ended("", "boot"))) is NextStep.START
    )
    assert asked(ordered, replace(PRIMARY, change=own.returning("why").ended("", "boot"))) is NextStep.GO_BACK


def test_a_primary_out_of_reach() -> None:
    assert asked(CHANGE, None, UNREACHED / 2) is NextStep.WAIT
    assert asked(CHANGE, None, UNREACHED) is NextStep.GO_BACK
    ordered = CHANGE.ordering()
    assert asked(ordered, None, PATIENCE / 2) is NextStep.WAIT
    assert asked(ordered, None, PATIENCE) is NextStep.GO_BACK, "it may never have got its order"
    assert asked(ordered.heeded(), None, PATIENCE) is NextStep.ALONE
    lost = ordered.returning("the primary cannot be asked")
    assert asked(lost, None, UNREACHED / 2) is NextStep.WAIT
    assert asked(lost, None, UNREACHED) is NextStep.ALONE
    assert asked(lost.heeded(), None, UNREACHED) is NextStep.START


def test_the_way_back_ends_at_the_engine_that_the_primary_runs() -> None:
    back = CHANGE.ordering().returning("it failed")
    assert back.goes_back and asked(back, PRIMARY) is NextStep.START
    assert asked(back, replace(PRIMARY, running="pacemaker")) is NextStep.FOLLOW
    followed = back.following("pacemaker")
    assert asked(followed, replace(PRIMARY, running="pacemaker")) is NextStep.START


REPORTS = st.builds(
    lambda running, change: replace(PRIMARY, running=running, change=change),
    st.sampled_from(["", "heartbeat", "pacemaker"]),
    st.sampled_from([None, EngineChange("pacemaker", "heartbeat", "1"), CHANGE.ended("", "boot")]),
)
CHANGES = st.sampled_from(
    [CHANGE, CHANGE.ordering(), CHANGE.returning("why"), CHANGE.returning("why").following("pacemaker")]
)


@given(CHANGES, st.none() | REPORTS, st.floats(0, 2 * PATIENCE))
def test_it_never_starts_another_engine_than_the_primary_says_it_runs(
    change: EngineChange, primary: EngineReport | None, unreached: float
) -> None:
    step = asked(change, primary, unreached)
    if step is NextStep.START and primary is not None:
        assert primary.running in ("", change.to)
    if step is NextStep.START and primary is None:
        assert change.goes_back and not change.unsure and unreached >= UNREACHED


def test_an_engine_that_runs_on_a_primary_whose_change_is_not_over_proves_nothing() -> None:
    half = replace(PRIMARY, running="pacemaker", change=EngineChange("pacemaker", "heartbeat", "1"))
    assert asked(CHANGE.ordering(), half) is NextStep.WAIT


def test_what_the_primary_does_by_what_the_secondary_says() -> None:
    own = EngineChange("pacemaker", "heartbeat", "1")
    waits = replace(SECONDARY, running="", change=CHANGE.ordering())
    returns = replace(waits, change=CHANGE.returning("it failed"))
    alone = replace(SECONDARY, running="pacemaker", change=CHANGE.ended("", "boot"))
    assert step_of_primary(own, waits) is step_of_primary(own, alone) is NextStep.START
    assert step_of_primary(own, returns) is NextStep.GO_BACK
    back = own.returning("it failed")
    assert step_of_primary(back, waits) is step_of_primary(back, returns) is NextStep.START
    assert step_of_primary(back, alone) is NextStep.FOLLOW
    assert step_of_primary(back, replace(alone, change=CHANGE.ordering())) is NextStep.WAIT
    begins_alone = replace(waits, change=CHANGE.ordering().beginning_alone(True))
    assert step_of_primary(back, begins_alone) is NextStep.WAIT
    assert step_of_primary(own, begins_alone) is NextStep.START


def test_an_order_stands_while_the_secondary_means_it() -> None:
    waits = replace(SECONDARY, running="", change=CHANGE.ordering())
    assert order_stands(waits, "pacemaker", "1")
    assert not order_stands(waits, "pacemaker", "2")
    assert not order_stands(waits, "heartbeat", "1")
    assert not order_stands(replace(waits, running="heartbeat"), "pacemaker", "1")
    for change in (CHANGE, CHANGE.returning("why"), CHANGE.ordering().ended("", "boot"), None):
        assert not order_stands(replace(waits, change=change), "pacemaker", "1")


@pytest.mark.parametrize("own_role", ["active", "standby"])
@pytest.mark.parametrize("other_role", ["active", "standby"])
def test_of_two_nodes_on_two_engines_exactly_one_follows(own_role: str, other_role: str) -> None:
    over = CHANGE.ended("", "boot")
    primary = replace(PRIMARY, role=own_role, change=over)
    secondary = replace(SECONDARY, role=other_role, engine="pacemaker", running="pacemaker", change=over)
    steps = (agreement(primary, secondary), agreement(secondary, primary))
    follows = "primary" if (own_role, other_role) == ("standby", "active") else "secondary"
    wanted = {"primary": (NextStep.FOLLOW, NextStep.WAIT), "secondary": (NextStep.WAIT, NextStep.FOLLOW)}
    assert steps == wanted[follows]
    assert agreement(primary, replace(secondary, running="")) is NextStep.WAIT
    assert agreement(primary, replace(secondary, change=CHANGE)) is NextStep.WAIT
    assert agreement(primary, replace(secondary, running="heartbeat")) is NextStep.SETTLED
    assert agreement(replace(primary, running=""), secondary) is NextStep.WAIT
