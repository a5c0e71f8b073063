"""What cannot change under a running Heartbeat is told apart from what can."""

from __future__ import annotations

import pytest

from appliance.config import Conf, parse
from appliance.config.schema import FROZEN_KEYS, changed_frozen, frozen_values, held_back, with_frozen

TEXT = "HACLUSTERIP=10.0.0.5\nHADEV=eth1\nHAPREFIX=16\nHAPRINODE=pbx1\nHASECNODE=pbx2\nRHINOSPF=YES\nRESTART=YES\n"
TEXT += "HAENGINE=heartbeat\nHACLUSTERIP6=2001:db8::5/64\nRELAYCONTACTS=1,2\nRELAYWATCHDOG=9\n"
# The Rhino card and a relay board exclude each other.
BOARD = TEXT.replace("RHINOSPF=YES", "RELAYDRIVER=lcus")


def conf(text: str) -> Conf:
    found = parse(text)
    assert isinstance(found, Conf)
    return found


def test_a_conf_goes_on_with_the_frozen_values_and_takes_the_rest() -> None:
    before, after = conf(TEXT), conf("HACLUSTERIP=10.0.0.6\nLINEDWELL=3\n")
    assert set(FROZEN_KEYS) - set(changed_frozen(before, after)) == {"RELAYDRIVER"}
    assert set(FROZEN_KEYS) - set(changed_frozen(conf(BOARD), after)) == {"RHINOSPF"}
    held = with_frozen(after, frozen_values(before))
    assert changed_frozen(before, held) == ()
    assert (held.cluster_ip, held.restart, held.line_dwell) == ("10.0.0.5", False, 3.0)
    assert with_frozen(after, frozen_values(after)) == after


@pytest.mark.parametrize("name", FROZEN_KEYS)
def test_each_of_them_is_noticed_alone(name: str) -> None:
    text = BOARD if name == "RELAYDRIVER" else TEXT
    lines = [line for line in text.splitlines() if not line.startswith(f"{name}=")]
    assert changed_frozen(conf(text), conf("\n".join(lines) + "\n")) == (name,)


def test_others_are_not_noticed() -> None:
    assert changed_frozen(conf(TEXT), conf(TEXT.replace("RESTART=YES", "RESTART=NO"))) == ()


def test_what_is_no_value_of_such_a_key_is_not_taken() -> None:
    with pytest.raises(ValueError, match="IPv4"):
        with_frozen(Conf(), {"HACLUSTERIP": "everywhere"})
    assert with_frozen(Conf(), {"RESTART": "YES"}) == Conf(), "only the frozen keys"


def test_it_is_said_in_one_sentence() -> None:
    assert held_back((), "SARK") == ""
    assert held_back(("HADEV",), "the conf file") == (
        "HADEV was changed in the conf file; it is taken when the HA engine is stopped on this node"
    )
    assert held_back(("HADEV", "HAPREFIX"), "SARK") == (
        "HADEV, HAPREFIX were changed in SARK; they are taken when the HA engine is stopped on this node"
    )
