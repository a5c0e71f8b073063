"""The text two nodes introduce themselves by: whole or refused, nothing secret in it, and what it fills in."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Conf, parse
from appliance.config.ha_tab import TAB_KEYS, offered
from appliance.core.errors import UserError
from appliance.sync.pairing import Introduction, _digest, fill, read, write

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
HOST = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"


def conf(text: str) -> Conf:
    found = parse(text)
    assert isinstance(found, Conf), found
    return found


PRIMARY = conf(
    "HAPRINODE=pbx1\nHASECNODE=pbx2\nHACLUSTERIP=10.0.0.5\nHADEADTIME=10\nHASSHPORT=2222\nAMISECRET=hush\n"
)
THEIRS = Introduction("pbx1", "10.0.0.1", KEY, (HOST,), offered(PRIMARY))
BLANK = Conf()


def packed(says: object) -> str:
    document = json.dumps({"says": says, "sum": _digest(says)})
    return "asha1:" + base64.b64encode(document.encode()).decode()


def says(**changes: object) -> dict[str, object]:
    whole = {
        "name": THEIRS.name,
        "address": THEIRS.address,
        "key": KEY,
        "host_keys": [HOST],
        "conf": dict(THEIRS.conf),
    }
    return {**whole, **changes}


def test_it_is_read_as_it_was_written_also_when_a_mail_has_broken_the_line() -> None:
    text = write(THEIRS)
    assert read(text) == THEIRS and "\n" not in text
    assert read("\r\n  ".join(text[at : at + 60] for at in range(0, len(text), 60)) + "\n") == THEIRS


def test_nothing_secret_is_in_it() -> None:
    said = base64.b64decode(write(THEIRS).removeprefix("asha1:")).decode()
    assert "hush" not in said and "PRIVATE" not in said
    assert set(json.loads(said)["says"]["conf"]) <= set(TAB_KEYS)


@given(st.data())
def test_a_damaged_one_is_refused(data: st.DataObject) -> None:
    text = write(THEIRS)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(
        st.characters(min_codepoint=33, max_codepoint=126).filter(lambda char: char != text[at])
    )
    try:
        found = read(text[:at] + other + text[at + 1 :])
    except UserError:
        return
    assert found == THEIRS  # base64's last letter has bits that say nothing


TEXTS = st.one_of(
    st.text(),
    st.text().map(lambda text: "asha1:" + text),
    st.binary().map(lambda data: "asha1:" + base64.b64encode(data).decode()),
)


@given(TEXTS)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"no introduction|damaged"):
        read(text)


@pytest.mark.parametrize(
    "says_",
    [
        None,
        [],
        says(name="a b"),
        says(name="-oProxyCommand=x"),
        says(address="somewhere"),
        says(key="ssh-dss AAAA"),
        says(key=f'{KEY}\ncommand="x" {KEY}'),
        says(host_keys=["*"]),
        says(host_keys=[HOST] * 17),
        says(host_keys=None),
        says(conf={"RHINOUSB": "/etc/passwd"}),
        says(conf={"HADEADTIME": "soon"}),
        says(conf={"HASYNCH": 1}),
        {"name": "pbx1"},
    ],
)
def test_a_whole_one_with_wrong_values_is_refused(says_: object) -> None:
    with pytest.raises(UserError, match=r"cannot be used|damaged"):
        read(packed(says_))


def test_a_key_that_is_not_the_tabs_is_none_of_ours() -> None:
    assert "POSTSYNC" not in read(packed(says(conf={"POSTSYNC": "/bin/sh", "HASYNCH": "LOOSE"}))).conf


def test_a_blank_conf_is_filled_and_the_way_to_the_other_too() -> None:
    filling = fill(BLANK, THEIRS)
    assert filling.differences == ()
    assert filling.values == {
        "HACLUSTERIP": "10.0.0.5",
        "HAPRINODE": "pbx1",
        "HASECNODE": "pbx2",
        "HASSHPORT": "2222",
        "HADEADTIME": "10",
        "HAPRIADDR": "10.0.0.1",
    }


def test_what_was_set_is_kept_and_the_difference_named() -> None:
    mine = conf("HAPRINODE=pbx1\nHASECNODE=pbx2\nHACLUSTERIP=10.0.0.9\nHAPRIADDR=primary.lan\n")
    filling = fill(mine, THEIRS)
    assert set(filling.values) == {"HADEADTIME", "HASSHPORT"}
    assert filling.differences == ("HACLUSTERIP is 10.0.0.9 here and 10.0.0.5 there",)


def test_what_the_other_has_not_set_takes_nothing_away() -> None:
    filling = fill(PRIMARY, replace(THEIRS, name="pbx2", conf=offered(BLANK)))
    assert "HACLUSTERIP is 10.0.0.5 here and empty there" in filling.differences
    assert set(filling.values) == {"HASECADDR"}


BOTH_ENDS = "ucast eth0 10.0.0.1, ucast eth0 10.0.0.2, ucast eth1 10.1.0.1, ucast eth1 10.1.0.2"


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("bcast eth1", "bcast eth1"),
        ("ucast eth0 10.0.0.2", "ucast eth0 10.0.0.2, ucast eth0 10.0.0.1"),
        ("ucast eth0 10.0.0.1, ucast eth0 10.0.0.2", "ucast eth0 10.0.0.1, ucast eth0 10.0.0.2"),
        ("ucast eth0 10.0.0.2, ucast eth1 10.1.0.2", None),
        (BOTH_ENDS, BOTH_ENDS),
    ],
)
def test_heartbeats_paths_lead_back_to_the_other(there: str, here: str | None) -> None:
    theirs = replace(THEIRS, conf={**THEIRS.conf, "HAMEDIA": there})
    filling = fill(BLANK, theirs)
    assert filling.values.get("HAMEDIA") == here
    assert any("HAMEDIA" in difference for difference in filling.differences) is (here is None)
