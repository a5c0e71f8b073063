"""A copied world goes its own way, as the one it was copied from would have gone."""

from __future__ import annotations

from random import Random
from threading import Lock

import pytest

from appliance.core.model import Node
from hwsim.virtual.twin import twin
from hwsim.virtual.world import World, served


def _cut_and_heal(world: World) -> tuple[str, float, list[object]]:
    world.power_cut(Node.PRIMARY)
    world.advance(20.0)
    world.heal()
    world.advance(60.0)
    return world.in_words(), world.now, [entry.fields for entry in world.books[Node.SECONDARY].journal]


def test_a_copy_is_played_as_the_original_is_and_leaves_it_alone() -> None:
    original = served(seed=7)
    before = (original.in_words(), original.now, original.dice.getstate())
    copy = twin(original, {original.dice: Random(3)})
    ended = _cut_and_heal(copy)
    assert (original.in_words(), original.now, original.dice.getstate()) == before
    original.dice.seed(3)
    assert _cut_and_heal(original) == ended


def test_what_it_cannot_copy_is_named() -> None:
    with pytest.raises(TypeError, match=r"lock in a world"):
        twin([Lock()], {})
