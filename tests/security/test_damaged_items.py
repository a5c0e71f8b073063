"""Every sort of damage on every sort of item: the item is held back and named, everything else arrives at once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

import pytest
from data_on_nodes import CONF, hang_up, introduce, one_pass

from hwsim.nodes import Node
from hwsim.nodes.pair import Pair
from hwsim.nodes.pair import pair as two_nodes
from hwsim.nodes.sshd import shell

Count = Callable[[str, int], None]

_MAIL = "/var/spool/asterisk/voicemail/default"
_SARK, _ASTDB = "/opt/sark/db/sark.db", "/var/lib/asterisk/astdb.sqlite3"
# One of each sort that a pass carries as a file, and one of its kind that is and stays healthy.
_FILES: Mapping[str, str] = {
    "/etc/asterisk/bad.conf": "/etc/asterisk/good.conf",
    "/etc/asterisk/b\tö \\n.conf": "/etc/asterisk/g\tö \\n.conf",
    "/var/lib/asterisk/sounds/bad.wav": "/var/lib/asterisk/sounds/good.wav",
    f"{_MAIL}/100/unavail.wav": f"{_MAIL}/100/busy.wav",
    f"{_MAIL}/100/INBOX/msg0001.wav": f"{_MAIL}/100/INBOX/msg0000.wav",
    f"{_MAIL}/200/INBOX/msg0000.txt": f"{_MAIL}/200/INBOX/msg0001.txt",
}
_NAMED = {"/etc/asterisk/b\tö \\n.conf": r"/etc/asterisk/b\tö \n.conf"}
# Its other file goes with a damaged one: a recording without its caller is no message.
_SIBLINGS = (f"{_MAIL}/100/INBOX/msg0001.txt", f"{_MAIL}/200/INBOX/msg0000.wav")
_DIRECTORY = "/etc/asterisk/folder"
_MAKE = """
import os, sqlite3, sys
for path in sys.argv[2:]:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    db = sqlite3.connect(path)
    db.execute("create table if not exists t (n)")
    db.execute("insert into t values (?)", (sys.argv[1],))
    db.execute("create table if not exists filler (n)")
    db.executemany("insert into filler values (?)", [("x" * 900,)] * 90)
    db.commit()
"""
_BERKELEY = (
    "import struct; head = struct.pack('<IIIIII', 0x53162, 3, 4096, 0, 2, 0).ljust(4096, bytes(1));"
    "open('$P', 'wb').write(head + b'/CFIM/5001' * 300)"
)


@dataclass(frozen=True)
class Damage:
    """`do` makes an item at $P damaged, `undo` lets it be made anew; `says` is in the reason that is shown."""

    do: str
    says: str
    undo: str = 'rm -rf "$P"'


_OF_FILES = {
    "NUL bytes": Damage('head -c 5000 /dev/zero >"$P"', "nothing but NUL bytes there"),
    "input/output error": Damage(
        'sleep 600 & mount --bind /proc/$!/mem "$P"',
        "cannot be read (Input/output error) there",
        'umount "$P"',
    ),
    "permission denied": Damage(
        'mount --bind "$(find /sys -type f -perm 0200 | head -1)" "$P"',
        "cannot be read (Permission denied)",
        'umount "$P"',
    ),
}
_OF_DATABASES = {
    "empty": Damage(': >"$P"', "empty (0 bytes)"),
    "SQLite 2": Damage('printf "** This file contains an SQLite 2.1 database **" >"$P"', "SQLite 2"),
    "Berkeley": Damage(f'python3 -c "{_BERKELEY}"', "call forwards"),
    "no database": Damage('head -c 9000 /dev/urandom >"$P"', "no SQLite database"),
    "NUL bytes": Damage('head -c 9000 /dev/zero >"$P"', "no SQLite database"),
    "a damaged page": Damage('dd if=/dev/urandom of="$P" bs=1000 seek=9 count=30 conv=notrunc', "SQLite"),
    "cut short": Damage('truncate -s 5000 "$P"', "SQLite"),
    "a directory": Damage('rm "$P"; mkdir "$P"', "not a regular file"),
    "a pipe": Damage('rm "$P"; mkfifo "$P"', "not a regular file"),
    "missing": Damage('rm "$P"', "missing"),
    "input/output error": Damage(
        'sleep 600 & mount --bind /proc/$!/mem "$P"', "cannot be read (Input/output error)", 'umount "$P"'
    ),
}


@asynccontextmanager
async def in_step() -> AsyncIterator[Pair]:
    """A pair of which the secondary has what the primary has: version 0 of everything."""
    async with two_nodes() as rack:
        for node in (rack.primary, rack.secondary):
            node.prepare(files={"/etc/asha.conf": CONF})
        await rack.boot()
        await introduce(giving=rack.primary, asking=rack.secondary)
        await introduce(giving=rack.secondary, asking=rack.primary)
        await furnish(rack.primary, 0)
        said = await one_pass(rack.secondary, rack.primary)
        assert said.endswith(" 0 0"), said
        yield rack
        for node in (rack.primary, rack.secondary):
            await hang_up(node)


async def furnish(node: Node, version: int) -> None:
    for path in (*_FILES, *_FILES.values(), *_SIBLINGS, f"{_DIRECTORY}/inside.conf"):
        node.write(path, f"version {version} of {path}")
    done = await node.run([sys.executable, "-c", _MAKE, str(version), _SARK, _ASTDB], 30)
    assert done.code == 0, done.err


async def bash(node: Node, path: str, script: str) -> None:
    done = await shell(node, f"P='{path}'; {{ {script}; }} >/dev/null 2>/tmp/said || cat /tmp/said >&2")
    assert not done.err, (script, done.err)


def version(node: Node, path: str) -> str:
    return node.path(path).read_text().split(" of ")[0]


def newest(node: Node, path: str) -> int:
    with closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(node.path(path).read_bytes())
        return int(db.execute("SELECT max(CAST(n AS INTEGER)) FROM t").fetchone()[0])


def held(node: Node) -> dict[str, dict[str, Any]]:
    state = json.loads(node.path("/var/lib/asha/sync/state.json").read_text())
    assert state["problem"] == ""
    return {one["path"]: one for one in state["held"]}


@pytest.mark.parametrize("name", _OF_FILES)
def test_a_damaged_file_is_held_back_alone(name: str, count: Count) -> None:
    damage = _OF_FILES[name]

    async def scenario() -> None:
        async with in_step() as rack:
            primary, secondary = rack.primary, rack.secondary
            await furnish(primary, 1)
            for path in _FILES:
                await bash(primary, path, damage.do)
            said = await one_pass(secondary, primary)
            assert ":" not in said, said
            named = held(secondary)
            assert set(named) == {_NAMED.get(path, path) for path in _FILES}
            assert all(damage.says in one["why"] and one["todo"] for one in named.values()), named
            late = [path for path in _FILES.values() if version(secondary, path) != "version 1"]
            late += [path for path in (_SARK, _ASTDB) if newest(secondary, path) != 1]
            count("damaged items", len(_FILES))
            count("healthy items held up by them", len(late))
            assert not late
            assert {version(secondary, path) for path in (*_FILES, *_SIBLINGS)} == {"version 0"}

            assert ":" not in await one_pass(secondary, primary)
            again = held(secondary)
            assert {path: one["since"] for path, one in again.items()} == {
                p: one["since"] for p, one in named.items()
            }
            for path in _FILES:
                await bash(primary, path, damage.undo)
            await furnish(primary, 2)
            assert ":" not in await one_pass(secondary, primary)
            assert held(secondary) == {}
            everything = (*_FILES, *_FILES.values(), *_SIBLINGS)
            assert {version(secondary, path) for path in everything} == {"version 2"}

    asyncio.run(scenario())


def test_a_damaged_database_is_held_back_alone(count: Count) -> None:
    """The two are damaged in turn: while one is, the other, made anew after its own damage, must come."""

    async def scenario() -> None:
        async with in_step() as rack:
            primary, secondary = rack.primary, rack.secondary
            bad, good = _SARK, _ASTDB
            for number, (name, damage) in enumerate(_OF_DATABASES.items(), 1):
                before = newest(secondary, bad)
                await furnish(primary, number)
                await bash(primary, bad, damage.do)
                said = await one_pass(secondary, primary)
                assert ":" not in said, (name, said)
                (item,) = held(secondary).values()
                assert item["path"] == bad and damage.says in item["why"], (name, item)
                late = [path for path in _FILES.values() if version(secondary, path) != f"version {number}"]
                late += [good] * (newest(secondary, good) != number)
                count("damaged items", 1)
                count("healthy items held up by them", len(late))
                assert not late, (name, late)
                assert newest(secondary, bad) == before, name
                await bash(primary, bad, f'{damage.undo}; rm -rf "$P"')
                bad, good = good, bad
            await furnish(primary, 99)
            assert ":" not in await one_pass(secondary, primary)
            assert held(secondary) == {}
            assert newest(secondary, _SARK) == newest(secondary, _ASTDB) == 99

    asyncio.run(scenario())


def test_what_cannot_be_put_in_place_here_is_held_back_alone(count: Count) -> None:
    """A file of the standby that is a mount of its own cannot be replaced."""

    async def scenario() -> None:
        async with in_step() as rack:
            primary, secondary = rack.primary, rack.secondary
            stuck = [*_FILES][::2]
            for path in stuck:
                await bash(secondary, path, 'mount --bind "$P" "$P"')
            await furnish(primary, 1)
            said = await one_pass(secondary, primary)
            assert ":" not in said, said
            named = held(secondary)
            assert set(named) == set(stuck)
            assert all("put in place here" in one["why"] for one in named.values()), named
            everything = {*_FILES, *_FILES.values()}
            late = [path for path in everything.difference(stuck) if version(secondary, path) != "version 1"]
            count("damaged items", len(stuck))
            count("healthy items held up by them", len(late))
            assert not late
            assert {version(secondary, path) for path in stuck} == {"version 0"}
            for path in stuck:
                await bash(secondary, path, 'umount "$P"')
            assert ":" not in await one_pass(secondary, primary)
            assert held(secondary) == {}
            assert {version(secondary, path) for path in everything} == {"version 1"}

    asyncio.run(scenario())


def test_a_folder_that_cannot_be_read_is_not_taken_for_gone(count: Count) -> None:
    async def scenario() -> None:
        async with in_step() as rack:
            primary, secondary = rack.primary, rack.secondary
            await furnish(primary, 1)
            primary.path("/etc/asterisk/good.conf").unlink()
            # The folder of a process that has ended: nobody can list it.
            await bash(
                primary,
                _DIRECTORY,
                'sleep 600 & mount --bind /proc/$!/task "$P"; kill $!; wait $! || true; ! ls "$P"',
            )
            said = await one_pass(secondary, primary)
            assert ":" not in said, said
            assert set(held(secondary)) == {_DIRECTORY}
            late = [path for path in _FILES if version(secondary, path) != "version 1"]
            count("damaged items", 1)
            count("healthy items held up by them", len(late))
            assert not late
            assert version(secondary, f"{_DIRECTORY}/inside.conf") == "version 0"
            await bash(primary, _DIRECTORY, 'umount "$P"')
            assert ":" not in await one_pass(secondary, primary)
            assert held(secondary) == {}
            assert version(secondary, f"{_DIRECTORY}/inside.conf") == "version 1"
            assert not secondary.path("/etc/asterisk/good.conf").exists()

    asyncio.run(scenario())
