"""The worst cases are sums of their phases, follow the conf's values, and stand in the documents as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.config.bounds import bound_inputs, reference
from appliance.core.bound import KINDS, BoundInputs, BoundPhase, bound_of, bounds
from appliance.core.model import Node
from appliance.core.transfer import Witness

ROOT = Path(__file__).parents[3]
SITE = bound_inputs(Conf(card_installed=True, fence="/sbin/fence_x"))
P, S = Node.PRIMARY, Node.SECONDARY


def at(**times: float) -> BoundInputs:
    return replace(SITE, timing=replace(SITE.timing, **times))


def test_the_reference_is_made_from_the_table() -> None:
    """If not: python -m appliance.config.bounds docs/bound.md"""
    assert (ROOT / "docs/bound.md").read_text() == reference()


def test_every_kind_has_a_name_of_its_own_and_every_figure_a_source() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for one in bounds(SITE):
        for phase in one.phases:
            assert phase.formula and phase.sources, (one.kind, phase)
            for source in phase.sources:
                assert source in ("asha", "conf file") or (ROOT / source).exists()


def test_telephones_can_call_when_the_phases_before_the_line_are_over() -> None:
    of_the_line = {
        BoundPhase.FENCE.value,
        BoundPhase.RELAY.value,
        BoundPhase.SETTLE.value,
        BoundPhase.LINK.value,
    }
    for one in bounds(SITE):
        before = sum(phase.seconds for phase in one.phases if phase.phase not in of_the_line)
        assert one.telephones == pytest.approx(before), one.kind


def test_to_the_secondary_the_line_settles_beside_everything_else() -> None:
    """Only where the line takes longer than all the rest does it count."""
    quick = at(pbx_start_deadline=0.1, line_deadline=5.0)
    slow = at(pbx_start_deadline=0.1, line_deadline=60.0)
    short, long = (bound_of(site, "asterisk-dies", S) for site in (quick, slow))
    link = short.of(BoundPhase.LINK)
    assert short.line == pytest.approx(short.telephones + link)
    assert long.line == pytest.approx(1.0 + 1.0 + 2.0 + 60.0 + link), "a look, a turn, the card, the line"


def test_to_the_primary_the_line_comes_under_the_grant_only() -> None:
    one = bound_of(at(pbx_start_deadline=0.1, line_deadline=60.0), "power-cut", P)
    granted = one.of(BoundPhase.DETECT) + one.of(BoundPhase.ENGINE)
    assert one.line == pytest.approx(granted + 2.0 + 60.0 + one.of(BoundPhase.LINK))


def test_a_frozen_primary_keeps_the_line() -> None:
    assert bound_of(SITE, "frozen", S).line is None
    assert bound_of(SITE, "frozen", P).line is not None, "only the primary's relay can hold it"


def test_a_fence_frees_the_line_that_a_frozen_primary_keeps() -> None:
    site = replace(at(pbx_start_deadline=0.1), fence_wait=6.0)
    one = bound_of(site, "frozen-fenced", S)
    begins = one.of(BoundPhase.DETECT) + one.of(BoundPhase.ENGINE)
    assert one.of(BoundPhase.FENCE) == 1.0 + 5.0 + 6.0 + 1.0 + 6.0, (
        "a round, the dwell, the delay, a turn, its end"
    )
    assert one.line == pytest.approx(begins + 19.0 + 8.0 + one.of(BoundPhase.LINK))
    assert one.telephones == pytest.approx(begins + 0.1), "telephones do not wait for it"
    required = bound_of(replace(site, witness=Witness.REQUIRE), "frozen-fenced", S)
    assert required.telephones == pytest.approx(begins + 19.0 + 0.1), "with REQUIRE they do"
    without = replace(SITE, fences=False)
    assert "frozen-fenced" not in {one.kind for one in bounds(without)}


@pytest.mark.parametrize(
    ("witness", "seconds"), [(Witness.OFF, 0.0), (Witness.PREFER, 5.0), (Witness.REQUIRE, 8.0)]
)
def test_the_witness_is_waited_for_where_the_peer_is_silent(witness: Witness, seconds: float) -> None:
    site = replace(SITE, witness=witness)
    assert bound_of(site, "power-cut", S).of(BoundPhase.WITNESS) == seconds
    assert bound_of(site, "power-cut", P).of(BoundPhase.WITNESS) == 0.0
    assert bound_of(site, "standby", S).of(BoundPhase.WITNESS) == 0.0


def test_a_hang_that_only_the_console_can_see_takes_as_long_as_its_quiet_rounds() -> None:
    alone = replace(SITE, sockets=False)
    with_sip, without = (bound_of(site, "asterisk-hangs", S).of(BoundPhase.DETECT) for site in (SITE, alone))
    assert (with_sip, without) == (2.5, 17.5)


def test_service_that_does_not_follow_the_line_has_no_bound_for_that() -> None:
    assert "line-falls" in {one.kind for one in bounds(SITE)}
    stays = bound_inputs(Conf(card_installed=True, line_fail="STAY"))
    assert "line-falls" not in {one.kind for one in bounds(stays)}


def test_a_pair_without_a_line_has_no_bound_for_one() -> None:
    assert {one.line for one in bounds(replace(SITE, has_line=False))} == {None}


# docs/facts/heartbeat.md: keepalive, deadtime, the latest detection and the latest end of `start`, in seconds.
_DEATHS = [
    (2.0, 30.0, 30.1, 30.4),
    (1.0, 10.0, 10.9, 11.2),
    (0.5, 2.0, 2.77, 3.10),
    (0.1, 0.5, 0.89, 1.28),
    (0.05, 0.25, 0.47, 0.71),
    (0.01, 0.05, 0.27, 0.48),
]


@pytest.mark.parametrize(("keepalive", "deadtime", "detected", "started"), _DEATHS)
def test_no_measured_death_was_slower(
    keepalive: float, deadtime: float, detected: float, started: float
) -> None:
    one = bound_of(at(keepalive=keepalive, deadtime=deadtime), "power-cut", S)
    assert detected <= one.of(BoundPhase.DETECT)
    assert started <= one.of(BoundPhase.DETECT) + one.of(BoundPhase.ENGINE)


@pytest.mark.parametrize(("keepalive", "started"), [(1.0, 1.67), (0.5, 1.67), (0.1, 0.47)])
def test_no_measured_hand_over_was_slower(keepalive: float, started: float) -> None:
    """docs/facts/heartbeat.md: from `hb_standby` to the end of `start`, at a node that nothing held up."""
    assert started <= bound_of(at(keepalive=keepalive), "takeover", S).of(BoundPhase.ENGINE)
