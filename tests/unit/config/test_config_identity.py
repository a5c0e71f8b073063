"""Which node is this?"""

from __future__ import annotations

import pytest

from appliance.config import Conf, which_node
from appliance.core.errors import UserError
from appliance.core.model import Node

CONF = Conf(primary_name="pbx1", secondary_name="pbx2.example.com")


def test_the_two_nodes() -> None:
    assert which_node(CONF, "pbx1") is Node.PRIMARY
    assert which_node(CONF, "pbx2.example.com") is Node.SECONDARY


def test_capitals_do_not_matter_as_they_do_not_to_heartbeat() -> None:
    assert which_node(CONF, "PBX1") is Node.PRIMARY
    assert which_node(Conf(primary_name="HAprimary", secondary_name="b"), "haprimary") is Node.PRIMARY


@pytest.mark.parametrize("uname", ["pbx3", "pbx", "pbx11", "pbx2.example.org", "localhost", ""])
def test_neither(uname: str) -> None:
    with pytest.raises(
        UserError, match=r"neither HAPRINODE \(pbx1\) nor HASECNODE \(pbx2\.example\.com\)"
    ) as caught:
        which_node(CONF, uname)
    assert f"'{uname}'" in str(caught.value)


@pytest.mark.parametrize(
    ("uname", "key", "name"),
    [
        ("pbx1.example.com", "HAPRINODE", "pbx1"),
        ("pbx2", "HASECNODE", "pbx2.example.com"),
        ("PBX1.example.com", "HAPRINODE", "pbx1"),
    ],
)
def test_almost(uname: str, key: str, name: str) -> None:
    with pytest.raises(UserError) as caught:
        which_node(CONF, uname)
    message = str(caught.value)
    assert f"'{uname}'" in message
    assert f"differs from {key} ({name}) only in the domain" in message
    assert f"asha conf set {key} {uname}" in message


def test_almost_both() -> None:
    conf = Conf(primary_name="pbx.a.example", secondary_name="pbx.b.example")
    with pytest.raises(UserError, match=r"HAPRINODE \(pbx\.a\.example\).*HASECNODE \(pbx\.b\.example\)"):
        which_node(conf, "pbx")
