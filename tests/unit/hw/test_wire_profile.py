from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.model import Relay
from appliance.hw.relay import ProfileWrong
from appliance.hw.rhino.card import CardCommand
from appliance.hw.rhino.profile import (
    Exchange,
    LineSettings,
    Profile,
    WrongEntry,
    built_in_profiles,
    load_profile,
    profile_from,
    to_toml,
    write_profile,
)
from appliance.hw.rhino.wire_recorder import Passed, exchanges, slowest_answer

exchange = st.builds(Exchange, send=st.binary(min_size=1, max_size=20), reply=st.binary(max_size=20))
profiles = st.builds(
    Profile,
    name=st.text(st.characters(codec="utf-8")),
    about=st.text(st.characters(codec="utf-8")),
    mark=st.sampled_from(["assumed", "learned"]),
    maturity=st.sampled_from(["experimental", "proven"]),
    line=st.builds(
        LineSettings,
        baud=st.integers(50, 4_000_000),
        bits=st.integers(5, 8),
        parity=st.sampled_from(["N", "E", "O"]),
        stop=st.integers(1, 2),
        flow=st.sampled_from(["none", "rtscts", "xonxoff"]),
    ),
    answer_deadline=st.floats(0.001, 60),
    commands=st.fixed_dictionaries(
        {command: st.lists(exchange, min_size=1, max_size=3).map(tuple) for command in CardCommand}
    ),
    relay=st.none() | st.integers(0, 255),
)


@settings(max_examples=40)
@given(profiles)
def test_what_is_written_is_read_back(profile: Profile) -> None:
    assert profile_from(tomllib.loads(to_toml(profile))) == profile


def test_the_built_in_profile_owns_up_to_being_a_guess() -> None:
    profile = load_profile("assumed-ascii")
    assert (profile.mark, profile.maturity) == ("assumed", "experimental")
    assert str(profile.line) == "9600 8N1"
    assert profile.exchanges(CardCommand.to_move(Relay.ENERGISED), 3)[0].send == b"RELAYON 3\r\n"
    assert profile.exchanges(CardCommand.to_move(Relay.RELEASED), 0)[0].send == b"RELAYOFF 0\r\n"
    assert profile.exchanges(CardCommand.RESET, 0)[0].send == b"RESET\r\n"


def test_every_built_in_profile_loads_under_its_own_name() -> None:
    assert [load_profile(name).name for name in built_in_profiles()] == list(built_in_profiles())


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ProfileWrong, match="one of: assumed-ascii"):
        load_profile("tpyo")  # codespell:ignore tpyo
    with pytest.raises(ProfileWrong, match="There is no wire profile"):
        load_profile(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("baud = 9600", "baud = true", "baud must be a whole number"),
        ("bits = 8", "bits = 9", "bits must be a whole number from 5 to 8"),
        ('parity = "N"', 'parity = "X"', "parity must be one of N, E, O"),
        ("[line]", "[lines]", r"\[line\] is missing"),
        ("[[relayoff]]", "[[relayof]]", r"\[\[relayoff\]\] is missing"),
        ('send = "RESET', 'sent = "RESET', "send must be a text"),
        ('"RESET\\r\\n"', '""', "send in .*reset.* is empty"),
        ('"RESET\\r\\n"', '"\\u20ac"', "beyond"),
        ("deadline = 0.5", "deadline = 0", "deadline must be seconds"),
        ("deadline = 0.5", "deadline = nan", "deadline must be seconds"),
        ('mark = "assumed"', 'mark = "sworn"', "mark must be one of assumed, learned"),
        ('name = "assumed-ascii"', "name = assumed", "cannot be used"),
    ],
)
def test_wrong_entries_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = to_toml(load_profile("assumed-ascii"))
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ProfileWrong, match=says):
        load_profile(str(path))


@given(
    st.none()
    | st.integers()
    | st.text()
    | st.dictionaries(st.sampled_from(["baud", "bits"]), st.integers() | st.text())
)
def test_nonsense_is_refused_with_one_kind_of_error(nonsense: object) -> None:
    with pytest.raises(WrongEntry):
        profile_from({"line": nonsense, "name": "x", "about": "x", "mark": "assumed", "maturity": "proven"})


def test_a_profile_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProfileWrong, match="could not be written"):
        write_profile(tmp_path / "file/learned.toml", load_profile("assumed-ascii"))


def test_learned_bytes_are_taken_as_they_are() -> None:
    document = tomllib.loads(to_toml(load_profile("assumed-ascii")))
    learned = profile_from({**document, "mark": "learned", "relay": 1})
    assert learned.exchanges(CardCommand.RELAYON, 1)[0].send == b"RELAYON {n}\r\n"
    assert learned.exchanges(CardCommand.RESET, 0)
    with pytest.raises(ProfileWrong, match="for relay 1, not for 0"):
        learned.exchanges(CardCommand.RELAYON, 0)


def test_what_passed_becomes_turns_of_talk() -> None:
    passed = (
        Passed(False, b"banner", 0.0),
        Passed(True, b"RELAY", 1.0),
        Passed(True, b"ON", 1.1),
        Passed(False, b"sure", 1.3),
        Passed(False, b"?", 1.4),
        Passed(True, b"yes", 2.0),
    )
    assert exchanges(passed) == (Exchange(b"RELAYON", b"sure?"), Exchange(b"yes"))
    assert slowest_answer(passed) == pytest.approx(0.3)
    assert exchanges(()) == ()
