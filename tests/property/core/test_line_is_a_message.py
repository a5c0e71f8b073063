"""Neither node hears the other, both live, and telephones reach both: the line alone tells who serves."""

from __future__ import annotations

import pytest

from appliance.core.model import Node, Pbx, Relay
from appliance.core.transfer import Phase, Witness
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY


def split(witness: Witness, *, restart: bool) -> World:
    """From home on, with Heartbeat's packets dropped on both nodes for long enough that both are granted."""
    world = served(witness, restart_allowed=restart)
    world.links.walled = {P, S}
    world.advance(20.0)
    assert world.granted(P) and world.granted(S)
    return world


def whole_again(world: World) -> None:
    world.heal()
    assert world.until_quiet(200.0), world.picture()


@pytest.mark.parametrize("restart", [True, False])
def test_require_has_the_primary_serve_alone_during_a_split(restart: bool) -> None:
    world = split(Witness.REQUIRE, restart=restart)
    assert world.answering() == [P] and world.serving() is P
    assert not world.servers[S].address and world.servers[S].pbx.state is Pbx.DEAD
    world.advance(120.0)
    assert world.answering() == [P] and world.serving() is P
    whole_again(world)


@pytest.mark.parametrize("witness", list(Witness))
def test_asterisk_dies_on_the_primary_during_a_split_and_the_secondary_gets_the_line(
    witness: Witness,
) -> None:
    world = split(witness, restart=False)
    world.pbx(P, Pbx.DEAD)
    world.advance(30.0)
    assert world.card.armature is Relay.RELEASED
    assert world.serving() is S and world.answering() == [S]
    primary = world.agents[P]
    assert primary is not None and primary.transfer is not None
    assert primary.transfer.phase is Phase.BLOCKED and "were let go" in primary.transfer.note
    world.advance(300.0)
    assert world.serving() is S and world.answering() == [S]
    whole_again(world)


@pytest.mark.parametrize("witness", list(Witness))
def test_with_restart_asterisk_is_started_again_where_the_line_is(witness: Witness) -> None:
    world = split(witness, restart=True)
    moves = world.card.moves
    world.pbx(P, Pbx.DEAD)
    world.advance(30.0)
    assert world.serving() is P and world.card.moves == moves
    assert (S in world.answering()) is (witness is not Witness.REQUIRE)
    whole_again(world)


@pytest.mark.parametrize("witness", list(Witness))
def test_the_provider_is_dead_during_a_split_and_the_line_moves_nothing(witness: Witness) -> None:
    world = split(witness, restart=False)
    moves = world.card.moves
    world.telco = False
    world.advance(60.0)
    assert world.card.moves == moves and P in world.answering()
    world.telco = True
    world.advance(60.0)
    assert world.serving() is P
    whole_again(world)
