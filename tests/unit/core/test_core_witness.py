"""The line as a witness: what either node concludes and does while it hears nothing of the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, SERVING, Walk, known, peer, seen

from appliance.core.fencing import FENCE_PAUSE
from appliance.core.grant import Grant
from appliance.core.model import DChannel, Line, Pbx, Relay
from appliance.core.reading import Known
from appliance.core.service_state import Transition, first_state
from appliance.core.transfer import Order, Phase, Seen, Witness
from appliance.core.witness import RESUME_DWELL, TOGETHER

SILENT = peer(alive=False, fit=None, line=None, granted=None, relay=None)
HOME = replace(SERVING, address=known(True), lan=known(True))
ALONE = replace(HOME, peer=SILENT)
DEAD = replace(ALONE, pbx=known(Pbx.DEAD), dchannel=known(DChannel.DOWN))
NO_CARRIER = Known(False, 0.0, "eth0 has no carrier")


def serving() -> Walk:
    walk = Walk()
    walk.look(100.0, HOME)
    assert walk.phase is Phase.DONE
    return walk


def aside(what: Seen) -> Seen:
    """What the primary sees once it has let go of line and address."""
    return replace(what, commanded=known(Relay.RELEASED), line=known(Line.ABSENT), address=known(False))


# -- the primary speaks -----------------------------------------------------------------------------------


def test_a_primary_that_serves_keeps_everything_while_nothing_is_heard() -> None:
    walk = serving()
    for second in range(600):
        assert walk.look(101.0 + second, ALONE) == ()
    assert walk.phase is Phase.DONE


def test_asterisk_dies_and_nobody_is_heard_so_line_and_address_are_left_to_the_other_node() -> None:
    walk = serving()
    walk.look(150.0, ALONE)
    assert walk.look(200.0, DEAD) == (Order.RELEASE, Order.REMOVE_ADDRESS)
    assert walk.phase is Phase.BLOCKED
    assert walk.note.startswith(
        "Asterisk died, and the other node is silent: the line and the cluster address were let go"
    )
    assert walk.look(260.0, aside(DEAD)) == ()


@pytest.mark.parametrize(
    "changed", [{"maintenance": True}, {"busy": frozenset({Order.STOP_PBX})}, {"peer": peer()}]
)
def test_nothing_is_left_when_people_work_here_or_the_peer_is_heard(changed: dict[str, object]) -> None:
    walk = serving()
    orders = walk.look(200.0, replace(DEAD, **changed))  # type: ignore[arg-type]
    assert Order.RELEASE not in orders and Order.REMOVE_ADDRESS not in orders


def test_asterisk_that_does_not_start_leaves_the_line_and_takes_it_back_when_nobody_serves() -> None:
    walk = Walk()
    failed = replace(DEAD, failed={Order.START_PBX: "no room on the disk"})
    walk.look(100.0, DEAD)
    assert Order.RELEASE in walk.look(101.0, failed)
    assert "Asterisk does not start (no room on the disk)" in walk.note
    assert walk.look(106.0, aside(failed)) == (Order.START_PBX,)
    runs = aside(replace(ALONE, dchannel=known(DChannel.DOWN)))
    found = replace(runs, calls=known(True))  # telephones find an Asterisk at the cluster address
    assert walk.look(110.0, found) == () and walk.look(500.0, found) == ()
    assert walk.look(501.0, replace(runs, calls=known(False))) == (Order.ENERGISE, Order.PUT_ADDRESS)


def test_who_cannot_tell_waits_a_while_before_it_resumes() -> None:
    walk = serving()
    walk.look(200.0, DEAD)
    runs = aside(replace(ALONE, dchannel=known(DChannel.DOWN)))
    assert walk.look(300.0, runs) == ()
    assert walk.look(300.0 + RESUME_DWELL - 0.1, runs) == ()
    assert walk.look(300.0 + RESUME_DWELL, runs) == (Order.ENERGISE, Order.PUT_ADDRESS)


def test_cut_off_from_the_lan_together_with_the_peer_the_line_is_left() -> None:
    walk = serving()
    walk.look(200.0, ALONE)
    assert walk.look(205.0, replace(ALONE, lan=NO_CARRIER)) == (Order.RELEASE, Order.REMOVE_ADDRESS)
    assert "no telephone of the LAN reaches this node (eth0 has no carrier)" in walk.note


def test_a_peer_that_was_gone_before_is_told_nothing() -> None:
    walk = serving()
    walk.look(200.0, ALONE)
    walk.look(200.0 + TOGETHER + 0.1, ALONE)
    assert walk.look(200.0 + TOGETHER + 0.2, replace(ALONE, lan=NO_CARRIER)) == ()
    never_heard = Walk()
    never_heard.look(100.0, ALONE)
    assert never_heard.look(101.0, replace(ALONE, lan=NO_CARRIER)) == ()


def test_a_peer_that_is_heard_again_and_serves_is_not_robbed() -> None:
    walk = serving()
    walk.look(200.0, ALONE)
    walk.look(205.0, replace(ALONE, lan=NO_CARRIER))
    healed = aside(replace(HOME, dchannel=known(DChannel.DOWN)))
    for granted, serves in ((None, None), (True, True)):
        heard = replace(peer(granted=granted), serves=known(serves))
        assert walk.look(210.0, replace(healed, peer=heard)) == ()
    stands_by = replace(peer(granted=False), serves=known(False))
    assert walk.look(211.0, replace(healed, peer=stands_by)) == (Order.ENERGISE, Order.PUT_ADDRESS)


def fenced_aside() -> Walk:
    """A primary that the engine would ask before it gives service; it has stepped aside in a split."""
    walk = Walk(policy=replace(POLICY, stonith=True))
    walk.look(100.0, HOME)
    walk.look(200.0, ALONE)
    assert walk.look(205.0, replace(ALONE, lan=NO_CARRIER)) == (Order.RELEASE, Order.REMOVE_ADDRESS)
    assert "'asha pbx start' here" in walk.note
    return walk


def test_with_hastonith_a_primary_that_stepped_aside_waits_for_the_peers_word() -> None:
    """The secondary was told that this node is gone, and serves, whatever telephones are found from here."""
    walk = fenced_aside()
    mended = aside(replace(ALONE, dchannel=known(DChannel.DOWN)))
    for calls in (None, False, True):
        for later in (0.0, 600.0):
            assert walk.look(300.0 + later, replace(mended, calls=known(calls))) == ()
    unsure = peer(alive=None, fit=None, line=None, granted=None, relay=None)
    assert walk.look(1000.0, replace(mended, peer=unsure, calls=known(False))) == ()
    stands_by = replace(peer(granted=False), serves=known(False))
    assert walk.look(1001.0, replace(mended, peer=stands_by)) == (Order.ENERGISE, Order.PUT_ADDRESS)


def test_with_hastonith_a_young_confirmation_brings_service_back_and_an_old_one_does_not() -> None:
    mended = aside(replace(ALONE, dchannel=known(DChannel.DOWN), calls=known(False)))
    old = replace(mended, peer_off_at=300.0 - FENCE_PAUSE - 0.1)
    walk = fenced_aside()
    assert walk.look(300.0, old) == () and walk.look(600.0, old) == ()
    young = replace(mended, peer_off_at=600.0)
    assert walk.look(601.0, young) == (Order.ENERGISE, Order.PUT_ADDRESS)


@pytest.mark.parametrize(("asked", "stays"), [(False, True), (True, False)])
def test_with_hastonith_only_an_operators_start_of_asterisk_brings_service_back(
    asked: bool, stays: bool
) -> None:
    state = replace(first_state(Grant(), 0.0), transfer=fenced_aside().transfer)
    transition = Transition(state, replace(POLICY, stonith=True), 300.0)
    transition.begin_again("Asterisk is to be started", asked=asked)
    begun = transition.state.transfer
    assert begun is not None and begun.began == 300.0
    assert (begun.aside.since is not None) is stays and bool(begun.aside.because) is stays


# -- the secondary listens --------------------------------------------------------------------------------

WAITING = replace(seen(commanded=None, card=None, other=SILENT, address=True), lan=known(True))


def listening(witness: Witness) -> Walk:
    return Walk(policy=replace(SECONDARY, witness=witness))


def test_require_leaves_the_address_to_the_primary_that_holds_the_line() -> None:
    walk = listening(Witness.REQUIRE)
    assert walk.look(100.0, WAITING) == (Order.REMOVE_ADDRESS,)
    assert walk.look(200.0, replace(WAITING, address=known(False))) == ()
    assert walk.phase is Phase.BLOCKED and "REQUIRE keeps Asterisk stopped here" in walk.note


@pytest.mark.parametrize("witness", list(Witness))
def test_the_line_arrives_and_the_secondary_serves_at_once(witness: Witness) -> None:
    walk = listening(witness)
    walk.look(100.0, WAITING)
    arrived = replace(WAITING, line=known(Line.SETTLING), address=known(witness is not Witness.REQUIRE))
    orders = walk.look(101.0, arrived)
    if witness is Witness.REQUIRE:
        assert orders == (Order.PUT_ADDRESS, Order.START_PBX)
    elif witness is Witness.PREFER:
        assert orders == (Order.START_PBX,)
    assert walk.phase is Phase.SETTLING
    assert "the silent primary has let go of it or lost its power" in walk.note


def test_prefer_acts_after_its_wait_but_not_where_no_telephone_is() -> None:
    walk = listening(Witness.PREFER)
    assert walk.look(100.0, WAITING) == ()
    assert walk.look(104.9, WAITING) == ()
    assert walk.look(105.0, replace(WAITING, lan=NO_CARRIER)) == ()
    assert "cut off from the LAN (eth0 has no carrier): the primary is taken to serve" in walk.note
    assert walk.look(106.0, WAITING) == (Order.START_PBX,)


def test_what_serves_already_goes_on_when_the_line_goes_away() -> None:
    walk = listening(Witness.REQUIRE)
    here = replace(WAITING, line=known(Line.CLEAR), dchannel=known(DChannel.UP), pbx=known(Pbx.RUNNING))
    walk.look(100.0, here)
    assert walk.phase is Phase.DONE
    assert walk.look(300.0, replace(here, line=known(Line.ABSENT), dchannel=known(DChannel.DOWN))) == ()


def test_a_pair_without_a_line_has_no_witness() -> None:
    walk = Walk(policy=replace(POLICY, has_line=False, has_card=False))
    walk.look(100.0, ALONE)
    assert walk.look(200.0, DEAD) == ()
