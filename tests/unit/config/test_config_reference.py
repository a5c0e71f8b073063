"""The schema is whole, and what is written from it is up to date."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.config import Conf, parse
from appliance.config.edit import with_value
from appliance.config.key import Group, Key
from appliance.config.reference import conf_file, reference
from appliance.config.schema import KEYS, in_group

HERE = Path(__file__)
ROOT = HERE.parents[3]
ORIGINAL = HERE.with_name("asha-1.0.0-2.conf").read_text()


def test_the_reference_is_up_to_date() -> None:
    """If not: python -m appliance.config.reference docs/conf.md"""
    assert (ROOT / "docs/conf.md").read_text() == reference()


def test_the_command_writes_the_reference_and_the_shipped_file(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "appliance.config.reference", str(tmp_path / "md"), str(tmp_path / "conf")]
    subprocess.run(words, cwd=ROOT, check=True)
    assert (tmp_path / "md").read_text() == reference()
    assert (tmp_path / "conf").read_text() == conf_file()


def test_the_shipped_file_says_the_defaults() -> None:
    assert parse(conf_file()) == Conf()


def test_the_shipped_file_begins_with_the_originals_keys_in_their_order() -> None:
    ours = re.findall(r"^([A-Z0-9]+=.*)$", conf_file(), re.MULTILINE)
    theirs = re.findall(r"^([A-Z0-9]+=.*)$", ORIGINAL, re.MULTILINE)
    assert ours[: len(theirs)] == theirs
    assert [key.name for key in KEYS if key.original] == [line.partition("=")[0] for line in theirs]


def test_the_originals_comments_are_kept() -> None:
    shipped = set(conf_file().splitlines())
    assert [line for line in ORIGINAL.splitlines() if line not in shipped] == []


def test_every_field_has_its_key_and_every_key_its_field() -> None:
    assert {key.field for key in KEYS} == {field.name for field in dataclasses.fields(Conf)}
    names = [key.name for key in KEYS]
    assert len(set(names)) == len(names)
    assert sorted(names) == sorted(key.name for group in Group for key in in_group(group))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_a_keys_default_and_example_are_right(key: Key) -> None:
    default, example = key.parse(key.default), key.parse(key.example)
    assert key.slot is not None or default == getattr(Conf(), key.field)
    assert type(example) is type(getattr(Conf(), key.field)) or key.slot is not None
    assert key.comment
    assert all(len(line) <= 100 for line in key.comment)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_each_example_can_be_set_in_the_shipped_file(key: Key) -> None:
    text = with_value(conf_file(), key.name, key.example)
    assert f"\n{key.name}={key.example}\n" in text
    value = key.parse(key.example)
    fields = {key.field: value if key.slot is None else (value,)}
    assert parse(text) == Conf(**fields)


def test_a_secret_is_listed_without_its_value() -> None:
    conf = Conf(ami_user="asha", ami_secret="hunter2")
    shown = {key.name: key.shown(conf) for key in KEYS}
    assert (shown["AMIUSER"], shown["AMISECRET"]) == ("asha", "(hidden)")


def test_reading_the_conf_loads_nothing_heavy() -> None:
    heavy = "{'difflib', 'tempfile', 'subprocess', 'asyncio', 'jinja2', 'click', 'rich', 'logging'}"
    script = f"import sys, appliance.config; print(*sorted({heavy} & sys.modules.keys()))"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.split() == []
