"""A key is declared once, by its field of Conf; everything else follows from the declaration."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from appliance.config import Conf
from appliance.config.key import Comment, Effect, Group, Key, Tab, declared_keys
from appliance.config.schema import KEYS, without_secrets
from appliance.config.value_types import COUNT


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_a_declaration_says_all_that_is_said_of_a_key(key: Key) -> None:
    assert key.comment and all(key.comment)
    assert isinstance(key.group, Group) and isinstance(key.effect, Effect)
    assert key.kind.want and key.example and key.label
    assert (key.label != key.name) is (key.tab is not None)
    assert hasattr(Conf(), key.field)


def test_labels_are_told_apart() -> None:
    assert len({key.label for key in KEYS}) == len(KEYS)


def test_one_field_declares_one_more_key() -> None:
    @dataclass(frozen=True, kw_only=True)
    class More(Conf):
        lines: int = Comment("number of lines").key(
            "LINES", COUNT, 3, Group.REST, "4", tab=Tab(7, "Lines"), effect=Effect.ENGINE_START
        )

    *others, added = declared_keys(More)
    assert tuple(others) == KEYS
    assert (added.name, added.field, added.default, added.text(More(lines=5))) == ("LINES", "lines", "3", "5")
    assert (added.label, added.group, added.comment) == ("Lines", Group.REST, ("number of lines",))
    assert added.parse("") == 3 == More().lines


def test_without_secrets_none_is_left_and_nothing_else_is_changed() -> None:
    secret = {key.field: f"the {key.field}" for key in KEYS if key.secret}
    assert len(secret) >= 4
    full = replace(Conf(), cluster_ip="192.168.1.5", **secret)
    plain = without_secrets(full)
    assert not any(value in repr([getattr(plain, field) for field in secret]) for value in secret.values())
    assert plain == replace(Conf(), cluster_ip="192.168.1.5")
