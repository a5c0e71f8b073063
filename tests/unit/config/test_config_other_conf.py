"""The conf files of both nodes beside each other: what differs, what may differ, and that no secret is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.config import Conf
from appliance.config.media import Medium
from appliance.config.other_conf import ConfDiff, Difference, OtherConf, compare, told
from appliance.config.schema import KEYS

SALT = b"fresh random salt"
OURS = Conf(ami_user="asha", ami_secret="quiet word", fence="/usr/sbin/fence_x --password=hush")


def beside(conf: Conf, other: OtherConf) -> ConfDiff:
    return compare(conf, other, "one", "two")


def test_two_alike() -> None:
    assert beside(OURS, told(OURS, SALT)) == ConfDiff("one", "two", ())


def test_a_key_that_differs_is_named_with_both_values() -> None:
    found = beside(replace(OURS, deadtime=7.0), told(OURS, SALT))
    assert found.differences == (Difference("HADEADTIME", "7", "2", expected=False),)


def test_a_key_that_belongs_to_one_node_is_expected_to_differ() -> None:
    found = beside(replace(OURS, media=(Medium("ucast", "eth0", "10.0.0.2"),)), told(OURS, SALT))
    assert [(one.key, one.expected) for one in found.differences] == [("HAMEDIA", True)]


def test_secrets_are_compared_and_neither_told_nor_shown() -> None:
    other = told(replace(OURS, ami_secret="loud word"), SALT)
    assert not any(word in repr(other) for word in ("loud word", "hush"))
    assert beside(OURS, other).differences == (Difference("AMISECRET", None, None, expected=False),)
    assert told(OURS, SALT).secrets["AMISECRET"] != told(OURS, b"another salt").secrets["AMISECRET"]


def test_a_secret_on_one_node_only_differs() -> None:
    found = beside(replace(OURS, ami_secret=""), told(OURS, SALT))
    assert [one.key for one in found.differences] == ["AMISECRET"]


def test_every_secret_is_told_as_a_digest() -> None:
    secrets = {key.name for key in KEYS if key.secret}
    other = told(OURS, SALT)
    assert secrets <= other.secrets.keys() and not secrets & other.values.keys()


def test_a_node_with_another_version_knows_other_keys() -> None:
    other = told(OURS, SALT)
    values = {name: value for name, value in other.values.items() if name != "DRILL"} | {"NEWER": "1"}
    found = beside(OURS, replace(other, values=values))
    assert (found.only_here, found.only_there, found.differences) == (("DRILL",), ("NEWER",), ())


def test_a_salt_that_is_none() -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        beside(OURS, replace(told(OURS, SALT), salt="no"))
