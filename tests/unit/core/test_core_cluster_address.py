"""The cluster address taken away from the node that serves: put back at once, then ever more seldom, and told."""

from __future__ import annotations

from dataclasses import replace

from core_seen import SERVING, Walk, known, seen

from appliance.core import cluster_address
from appliance.core.cluster_address import KEPT, NEVER_SET, expect, is_left
from appliance.core.model import Pbx
from appliance.core.transfer import Aside, Goal, Order, Phase
from appliance.core.values import changed
from appliance.core.witness import goes_on

HERE = replace(SERVING, address=known(True))
GONE = replace(SERVING, address=known(False))
PUTTING = replace(GONE, busy=frozenset({Order.PUT_ADDRESS}))


def serving() -> Walk:
    walk = Walk()
    walk.look(100.0, HERE)
    assert walk.phase is Phase.DONE
    return walk


def trouble(walk: Walk, at: float, what: object = GONE) -> str:
    return cluster_address.trouble(walk.transfer, what, at)  # type: ignore[arg-type]


def test_it_is_put_back_at_once_and_once() -> None:
    walk = serving()
    assert trouble(walk, 100.0, HERE) == ""
    assert walk.look(200.0, GONE) == (Order.PUT_ADDRESS,)
    assert trouble(walk, 200.0).endswith("it is being put back")
    assert walk.look(200.2, PUTTING) == ()
    assert walk.look(201.0, HERE) == ()
    assert trouble(walk, 201.0, HERE) == ""
    assert walk.phase is Phase.DONE


def test_taken_again_within_a_minute_it_is_told_and_each_try_waits_longer() -> None:
    walk = serving()
    at = 200.0
    walk.look(at, GONE)
    for wait in (5.0, 10.0, 20.0, 40.0, 60.0, 60.0):
        walk.look(at + 1.0, HERE)
        assert walk.look(at + 2.0, GONE) == ()
        assert "again within 60 s of being put back: find what removes it" in trouble(walk, at + 2.0)
        assert trouble(walk, at + 2.0).endswith(f"The next try is {wait:g} s after the last one")
        assert walk.look(at + wait - 0.1, GONE) == ()
        at += wait
        assert walk.look(at, GONE) == (Order.PUT_ADDRESS,)
        assert trouble(walk, at).endswith("it is being put back")


def test_taken_at_once_before_anybody_has_seen_it_it_is_told_too() -> None:
    walk = serving()
    walk.look(200.0, GONE)
    assert walk.look(203.0, GONE) == ()
    assert "find what removes it" in trouble(walk, 203.0)
    assert walk.look(205.0, GONE) == (Order.PUT_ADDRESS,)


def test_what_was_put_back_and_stayed_for_a_minute_is_put_back_at_once_again() -> None:
    walk = serving()
    walk.look(200.0, GONE)
    walk.look(201.0, HERE)
    walk.look(202.0, GONE)
    assert walk.look(205.0, GONE) == (Order.PUT_ADDRESS,)
    walk.look(206.0, HERE)
    walk.look(205.0 + KEPT, HERE)
    assert walk.look(205.0 + KEPT + 1.0, GONE) == (Order.PUT_ADDRESS,)


def test_what_a_node_has_removed_itself_was_not_taken_away() -> None:
    """The engine may remove it once more: it has not been told yet that this node serves again."""
    walk = Walk()
    walk.transfer = expect(walk.transfer)
    assert Order.PUT_ADDRESS in walk.look(100.0, GONE)
    walk.look(101.0, HERE)
    assert walk.look(103.0, GONE) == (Order.PUT_ADDRESS,)
    walk.look(104.0, HERE)
    assert walk.look(105.0, GONE) == ()
    assert walk.look(108.0, GONE) == (Order.PUT_ADDRESS,)


def test_the_same_service_begun_again_does_not_forget_what_took_it_away() -> None:
    walk = serving()
    walk.look(200.0, GONE)
    walk.look(201.0, HERE)
    walk.transfer = goes_on(walk.transfer, Walk().transfer)
    assert Order.PUT_ADDRESS not in walk.look(202.0, GONE)
    assert Order.PUT_ADDRESS in walk.look(205.0, GONE)


def test_taken_again_much_later_it_is_put_back_again() -> None:
    walk = serving()
    walk.look(200.0, GONE)
    walk.look(201.0, HERE)
    assert walk.look(300.0, GONE) == (Order.PUT_ADDRESS,)


def test_what_could_not_be_put_back_is_tried_again_and_told() -> None:
    walk = serving()
    walk.look(200.0, GONE)
    failed = replace(
        GONE, failed={Order.PUT_ADDRESS: "10.0.0.100 is at 02:02 by now, so it is not set here."}
    )
    assert walk.look(200.9, failed) == ()
    assert walk.look(201.0, failed) == (Order.PUT_ADDRESS,)
    assert "could not be put back: 10.0.0.100 is at 02:02" in trouble(walk, 201.0, failed)


def test_what_the_engine_has_not_set_in_its_time_is_set_and_told() -> None:
    """It may believe that the address is here already."""
    walk = Walk()
    assert Order.PUT_ADDRESS not in walk.look(100.0, GONE)
    assert walk.look(100.0 + NEVER_SET - 0.1, GONE) == ()
    assert trouble(walk, 100.0 + NEVER_SET - 0.1) == ""
    assert walk.look(100.0 + NEVER_SET, GONE) == (Order.PUT_ADDRESS,)
    assert trouble(walk, 100.0 + NEVER_SET).startswith("the cluster address was never set on this node by ")
    walk.look(106.0, HERE)
    assert trouble(walk, 106.0, HERE) == ""


def test_what_a_node_has_removed_itself_is_left_until_it_is_here_again() -> None:
    walk = serving()
    assert not is_left(False, walk.transfer, GONE), "somebody else has taken it away"
    aside = changed(walk.transfer, aside=Aside(since=199.0, because="cut off"))
    assert not is_left(False, aside, HERE) and is_left(False, aside, GONE)
    unseen = replace(GONE, address=known(None))
    assert is_left(True, walk.transfer, GONE) and is_left(True, walk.transfer, unseen)
    assert not is_left(True, walk.transfer, HERE)


def test_an_address_that_cannot_be_seen_is_not_gone() -> None:
    walk = serving()
    assert walk.look(200.0, replace(SERVING, address=known(None))) == ()
    assert trouble(walk, 200.0) == ""


def test_a_node_that_lets_go_never_puts_it_back() -> None:
    for goal in (Goal.RELEASE, Goal.LEAVE):
        walk = Walk(goal)
        walk.look(100.0, seen(address=True))
        assert Order.PUT_ADDRESS not in walk.look(101.0, seen(address=False))


def test_a_release_is_not_done_while_it_may_still_come_back() -> None:
    walk = Walk(Goal.RELEASE)
    walk.look(100.0, seen(pbx=Pbx.DEAD, busy={Order.PUT_ADDRESS}))
    assert walk.phase is Phase.STOPPING
    walk.look(100.5, seen(pbx=Pbx.DEAD))
    assert walk.phase is Phase.DONE


def test_one_of_two_that_is_missing_is_put_back_as_both_are() -> None:
    half = replace(HERE, address_missing="2001:db8::5")
    walk = serving()
    assert walk.look(200.0, half) == (Order.PUT_ADDRESS,)
    assert trouble(walk, 200.0, half).endswith("it is being put back")
    assert walk.look(201.0, HERE) == ()
    assert trouble(walk, 201.0, HERE) == ""


HALF = replace(HERE, address_missing="2001:db8::5")
REFUSED = {Order.PUT_ADDRESS: "IPv6 is off on eth0, so 2001:db8::5 cannot be set there."}


def test_one_of_two_that_the_engine_has_not_set_is_named_and_set_when_it_could_have_been() -> None:
    walk = Walk()
    assert walk.look(100.0, HALF) == ()
    assert walk.look(100.0 + NEVER_SET - 0.1, HALF) == ()
    assert walk.look(100.0 + NEVER_SET, HALF) == (Order.PUT_ADDRESS,)
    assert trouble(walk, 105.0, HALF).startswith("2001:db8::5 was never set on this node by ")
    walk.look(106.0, HERE)
    assert trouble(walk, 106.0, HERE) == ""
    walk.look(300.0, HALF)
    assert trouble(walk, 300.0, HALF).startswith(cluster_address.TAKEN), "it has been here by now"


def test_one_of_two_that_can_never_be_set_does_not_keep_the_other_from_being_put_back() -> None:
    walk = Walk()
    walk.look(100.0, HALF)
    assert walk.look(105.0, HALF) == (Order.PUT_ADDRESS,)
    refused = replace(HALF, failed=REFUSED)
    walk.look(106.0, refused)
    assert trouble(walk, 106.0, refused).endswith(f"could not be put back: {REFUSED[Order.PUT_ADDRESS]}")
    neither = replace(GONE, failed=REFUSED)
    assert walk.look(200.0, neither) == (Order.PUT_ADDRESS,)
