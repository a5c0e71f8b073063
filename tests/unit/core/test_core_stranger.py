"""Who sends a cluster engine's messages to this node, and which of them are told of."""

from __future__ import annotations

import pytest

from appliance.core.stranger import Overheard, PairOnWire, Sender, strangers

PAIR = PairOnWire("Alpha", "bravo", {"own-mac", "own-mac-2"}, {"10.0.0.1", "10.0.0.2"})
OWN = Overheard(Sender("alpha", "7"), "own-mac-2", "10.0.0.1")
PEER = Overheard(Sender("bravo", "3"), "peer-mac", "10.0.0.2")
UNREADABLE_PEER = Overheard(Sender(), "peer-mac", "10.0.0.2")


def heard(*messages: Overheard) -> tuple[str, ...]:
    return strangers(set(messages), PAIR, 694)


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (OWN, PEER),
        (UNREADABLE_PEER,),
        (PEER, Overheard(Sender("BRAVO", "3"), "peer-mac-2", "10.1.0.2")),  # the peer's second interface
        (
            PEER,
            Overheard(Sender("bravo", "4"), "peer-mac", "10.0.0.2"),
        ),  # the peer's engine was started again
    ],
)
def test_the_pair_itself_is_no_stranger(messages: tuple[Overheard, ...]) -> None:
    assert heard(*messages) == ()


def test_a_machine_of_another_cluster_is_named() -> None:
    (told,) = heard(PEER, Overheard(Sender("other\n(1)", "1"), "strange-mac", "10.0.0.9"))
    assert (
        "no node of this pair" in told
        and "(10.0.0.9, other1)" in told
        and "694" in told
        and "HAUDPPORT" in told
    )
    (told,) = heard(UNREADABLE_PEER, Overheard(Sender(), "strange-mac", "10.0.0.9"))
    assert "(10.0.0.9)" in told


def test_no_more_than_three_are_named() -> None:
    (told,) = heard(*(Overheard(Sender(), f"mac{number}", f"10.0.9.{number}") for number in range(9)))
    assert told.count("10.0.9.") == 3 and "and 6 more" in told


def test_a_copy_of_this_node_is_told() -> None:
    (told,) = heard(OWN, PEER, Overheard(Sender("alpha", "7"), "strange-mac", "10.0.0.9"))
    assert "under this node's name, Alpha" in told and "(it is 10.0.0.9)" in told and "secret" in told


def test_a_copy_of_the_peer_is_told() -> None:
    (told,) = heard(PEER, Overheard(Sender("bravo", "4"), "strange-mac", "10.0.0.9"))
    assert "under the name bravo" in told and "(they are 10.0.0.2; 10.0.0.9)" in told
