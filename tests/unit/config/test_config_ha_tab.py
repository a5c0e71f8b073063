"""What the High Availability tab offers, and that nothing else gets through it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Conf, ConfError, parse, value_types
from appliance.config.ha_tab import TAB_KEYS, changed_keys, checked_values, shown_keys
from appliance.config.media import MEDIA
from appliance.config.schema import FROZEN_KEYS, KEY_BY_NAME, KEYS, takes_effect

_PATHS = {
    value_types.PATH,
    value_types.FILE_TEXT,
    value_types.DIRECTORY,
    value_types.DIRECTORY_TEXT,
    value_types.COMMAND,
}
# The kinds of path that the tab lets through when they name a serial port only.
_GUARDED = {name for name in TAB_KEYS if KEY_BY_NAME[name].kind in (value_types.FILE, MEDIA)}


def test_the_seeds_tab_comes_first_in_its_order_and_with_its_labels() -> None:
    labels = [key.label for key in shown_keys("")]
    seed = ["HA Synch Mode", "HA IP Address", "HA Primary Node", "HA Failover Node"]
    assert labels[:4] == seed
    assert "HA Auto-Failback" in labels[4:6]


def test_no_key_of_the_tab_names_a_program_a_file_a_directory_or_a_secret() -> None:
    for name in TAB_KEYS:
        key = KEY_BY_NAME[name]
        assert not key.secret
        assert key.kind not in {*_PATHS, value_types.WORD_OR_PATH, value_types.TEXT, value_types.URL}, name
    assert sorted(_GUARDED) == ["HAMEDIA", "RHINOUSB"]


@pytest.mark.parametrize(
    "name", [key.name for key in KEYS if key.name not in TAB_KEYS] + ["NONSENSE", "haclusterip", ""]
)
def test_any_other_key_is_refused(name: str) -> None:
    with pytest.raises(ConfError, match="set in the file, as root"):
        checked_values({"HASYNCH": "LOOSE", name: "x"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("RHINOUSB", "/etc/shadow"),
        ("RHINOUSB", "/dev/sda"),
        ("RHINOUSB", "/dev/ttyUSB0/../sda"),
        ("RHINOUSB", "/dev/ttyUSB0 /etc"),
        ("HAMEDIA", "serial /etc/passwd"),
        ("HAMEDIA", "bcast eth0, serial /dev/mem 9600"),
        ("HAMEDIA", "serial\u00a0/etc/passwd"),
    ],
)
def test_a_path_in_a_value_can_be_a_serial_port_only(key: str, value: str) -> None:
    with pytest.raises(ConfError, match="a serial port"):
        checked_values({key: value})


@given(st.dictionaries(st.sampled_from(sorted(_GUARDED)), st.text("/devtySUB0 .,-etcpasw\t", max_size=40)))
def test_what_gets_through_and_is_right_opens_serial_ports_only(values: dict[str, str]) -> None:
    try:
        passed = checked_values(values)
    except ConfError:
        return
    conf = parse("".join(f"{key}={value}\n" for key, value in passed.items()))
    if isinstance(conf, Conf):
        ttys = [str(conf.card_tty), *(medium.device for medium in conf.media if medium.kind == "serial")]
        assert all(tty.startswith("/dev/tty") for tty in ttys)


def test_serial_ports_and_a_blank_are_allowed() -> None:
    values = {"RHINOUSB": "/dev/ttyUSB12", "HAMEDIA": "bcast eth0, serial /dev/ttyS0 19200"}
    assert checked_values(values) == values
    assert checked_values({"RHINOUSB": ""}) == {"RHINOUSB": ""}


@pytest.mark.parametrize(
    "values", [None, [], "HASYNCH=LOOSE", {"HASYNCH": 1}, {"HASYNCH": None}, {"HASYNCH": "x" * 501}]
)
def test_what_are_no_values_is_refused(values: object) -> None:
    with pytest.raises(ConfError):
        checked_values(values)


def test_secrets_are_not_shown_whether_the_file_is_right_or_wrong() -> None:
    for text in ("AMISECRET=hush\n", "AMISECRET=hush\nRESTART=maybe\n"):
        by_name = {key.name: key for key in shown_keys(text)}
        assert by_name["AMISECRET"].value == "(hidden)"
        assert "hush" not in str(by_name)


def test_every_key_is_described_and_a_wrong_value_is_shown_as_written() -> None:
    keys = shown_keys("HASYNCH=SOMETIMES\n")
    assert sorted(key.name for key in keys) == sorted(KEY_BY_NAME)
    synch = keys[0]
    assert (synch.name, synch.value, synch.choices) == ("HASYNCH", "SOMETIMES", ("LAZY", "LOOSE"))
    assert [key.tab for key in keys[:3]] == [True] * 3


def test_when_a_change_takes_effect_is_said() -> None:
    conf = parse("HASYNCH=LOOSE\nHADEADTIME=10\nHACLUSTERIP=10.0.0.9\n")
    assert isinstance(conf, Conf)
    changed = changed_keys("HACLUSTERIP=10.0.0.8\n", conf)
    assert changed == ["HACLUSTERIP", "HASYNCH", "HADEADTIME"]
    sentences = takes_effect(changed)
    assert [sentence.split(":")[0] for sentence in sentences] == ["HACLUSTERIP", "HADEADTIME", "HASYNCH"]
    assert "only while the HA engine is off" in sentences[0] and "next started" in sentences[1]
    assert set(FROZEN_KEYS) <= set(TAB_KEYS)


def test_a_choice_that_may_be_left_out_offers_blank() -> None:
    by_name = {key.name: key for key in shown_keys("RELAYDRIVER=lcus\n")}
    assert (by_name["RELAYDRIVER"].choices or ())[:2] == ("", "lcus")
    assert "" not in (by_name["HASYNCH"].choices or ())
