"""Every file of asha's own in every state: a value to go on with, nothing lost of what was found, and it is named."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import appliance
from appliance.agent.own_files import own_directories, own_files, state_files
from appliance.config import Conf
from appliance.core.gap_counts import RecentDays
from appliance.core.trends import Trends
from appliance.host.disk import spoilt_versions
from appliance.host.paths import DATA, SyncPaths
from appliance.host.statefile import StateFile
from tests.plugins.own_file_examples import examples
from tests.plugins.spoilt_states import STATES

CONF = Conf(card_profile="/etc/asha/rhino-profile.toml")
FILES = {str(file.path): file for file in state_files()}
# Directories, and what is not a file that is read: the sockets of ssh, and an empty file that is there or not.
NOT_READ = {
    "/var/lib/asha",
    "/run/asha",
    "/etc/asha",
    "/var/lib/asha/sync",
    "/run/asha/sync",
    "/run/asha/notify",
    "/var/lib/asha/notify",
    "/var/lib/asha/ssh",
    "/var/lib/asha/panel",
    "/run/asha/ssh-peer",
    "/run/asha/engine-restart",
}
# Directories of what is fetched and kept of others' data; each is looked at by those who put it there.
OTHERS_DATA = {DATA.stage, DATA.outbox, DATA.quarantine, DATA.root}
# Each value in these is of a type that the product relies on.
TYPED = {
    "grant",
    "card.json",
    "maintenance.json",
    "standing.json",
    "trends.json",
    "state.json",
    "ways.json",
}
OURS = re.compile(r"/(?:var/lib|run|etc)/asha(?:[./][\w./-]*)?")


def literals() -> Iterator[tuple[str, Path]]:
    """Every path of asha's own that stands in the product's source as a whole text."""
    for source in Path(appliance.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and OURS.fullmatch(node.value):
                yield node.value, source


def test_every_path_of_ours_that_the_source_names_is_in_the_table() -> None:
    known = {str(file.path) for file in own_files(CONF)} | NOT_READ
    found = dict(literals())
    assert len(found) > 15, "the search finds what there is"
    assert {path: source for path, source in found.items() if path not in known} == {}


def test_every_place_of_the_data_is_in_the_table() -> None:
    known = {file.path for file in own_files(CONF)} | OTHERS_DATA
    properties = [name for name, kind in vars(SyncPaths).items() if isinstance(kind, property)]
    assert len(properties) > 6
    places = [place for name in properties for place in [getattr(DATA, name)]]
    paths = [path for place in places for path in (place if isinstance(place, tuple) else (place,))]
    assert [path for path in paths if path not in known] == []


def test_leftovers_are_looked_for_wherever_we_make_files() -> None:
    assert {file.path.parent for file in own_files(CONF)} <= set(own_directories(CONF))


def contents(there: Path) -> list[bytes]:
    """What can be read at and below `there`."""
    if there.is_symlink():
        return [os.fsencode(os.readlink(there))]
    if there.is_dir():
        return [entry.read_bytes() for entry in sorted(there.iterdir())]
    return [there.read_bytes()] if there.is_file() else []


def is_good(file: StateFile[Any], path: Path) -> bool:
    try:
        file.parse(path.read_bytes())
    except Exception:
        return False
    return not path.is_symlink() and path.stat().st_size <= 1 << 20


def shown(value: Any) -> Any:
    return value.document() if isinstance(value, Trends | RecentDays) else value


@pytest.mark.parametrize("name", FILES)
def test_in_every_state_there_is_a_value_and_nothing_is_lost(tmp_path: Path, name: str) -> None:
    good = examples(tmp_path / "good")[Path(name).name]
    for state, bring_about in STATES.items():
        file = replace(FILES[name], path=tmp_path / state.replace("/", "_") / Path(name).name)
        bring_about(file.path, good)
        there, found = os.path.lexists(file.path), contents(file.path)
        of_use = there and file.path.is_file() and is_good(file, file.path)
        trouble = file.trouble()
        assert bool(trouble) == (there and not of_use), (state, trouble)
        assert not trouble or (str(file.path) in trouble and file.instead in trouble)
        assert trouble or file.path.name not in TYPED or "another type" not in state, (state, found)
        value = file.load()
        if of_use:
            continue
        assert shown(value) == shown(file.blank()), state
        aside = spoilt_versions(file.path)
        assert len(aside) == (there and not file.stays), state
        kept = aside[0] if aside else file.path
        assert contents(kept) == found, f"{state}: what was found is all there"
        assert shown(file.load()) == shown(file.blank()) and spoilt_versions(file.path) == aside, "once"
        file.write(good)
        assert file.trouble() == "" and file.path.read_bytes() == good, f"{state}: it is written again"


@pytest.mark.parametrize("name", FILES)
def test_a_good_one_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    good = examples(tmp_path / "good")[Path(name).name]
    file = replace(FILES[name], path=tmp_path / Path(name).name)
    file.write(good)
    assert (
        file.trouble() == ""
        and shown(file.load()) == shown(file.parse(good))
        and spoilt_versions(file.path) == []
    )


def test_spoilt_ones_do_not_pile_up(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state", int, int, "nothing is done")
    for number in range(10):
        file.path.write_text(f"no number {number}")
        assert file.load() == 0
    assert [one.read_text() for one in spoilt_versions(file.path)] == [f"no number {n}" for n in (7, 8, 9)]


@pytest.mark.parametrize("parent", ["missing", "a file", "a dangling link"])
def test_without_its_directory_a_file_is_blank_and_the_write_says_so(tmp_path: Path, parent: str) -> None:
    folder = tmp_path / "folder"
    if parent == "a file":
        folder.write_text("in the way")
    elif parent == "a dangling link":
        folder.symlink_to("/nowhere/at/all")
    file = StateFile(folder / "state", int, int, "nothing is done")
    assert file.load() == 0
    if parent == "missing":
        file.write("7")
        assert file.load() == 7
    else:
        with pytest.raises(OSError):
            file.write("7")
