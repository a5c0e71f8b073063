"""A name is one kind of thing here and another there: no link is followed, nothing is lost, and it comes to an end.

Every pair of kinds that a name can become on the two nodes, from every kind that it was on both, at once in one tree.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from data_on_nodes import CONF, hang_up, introduce, one_pass
from mail_on_nodes import MAIL, apart, deliver

from hwsim.nodes import Node
from hwsim.nodes.pair import pair
from hwsim.nodes.sshd import shell
from tests.plugins.security_figures import Count

TREE = "/var/lib/asterisk/sounds/kinds"
OUTSIDE, BIG = "/var/lib/outside", "/var/lib/big"
QUARANTINE = "/var/lib/asha/sync/quarantine"
BEFORE = ("nothing", "file", "dir", "link")
AFTER = ("same", "nothing", "file", "dir", "link", "pipe")
COMBINATIONS = tuple(itertools.product(BEFORE, AFTER, AFTER))
_PADDING = 600  # so that what vanishes is no sign of a sick disk
_CARRIED = "f", "l", "d"


def make(place: Path, kind: str, text: str) -> None:
    """Have a thing of that kind at `place`, with `text` in it; `same`: leave it."""
    if kind == "same":
        return
    clear(place)
    match kind:
        case "file":
            place.write_text(text)
        case "dir":
            (place / "sub").mkdir(parents=True)
            (place / "a").write_text(text)
            (place / "sub/b").write_text(f"{text} in sub")
        case "link":
            # With what the directory outside has, too: whoever follows it writes there.
            place.symlink_to(f"{OUTSIDE}/{text.replace(' ', '-')}")
            if not text.startswith("base"):
                os.lchown(place, 1, 1)  # root's own would be the administrator's, and a way to what is root's
        case "pipe":
            os.mkfifo(place)


def clear(place: Path) -> None:
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
        return
    for one in place.iterdir():
        clear(one)
    place.rmdir()


def texts(kind: str, text: str) -> list[str]:
    """What of it must be somewhere afterwards."""
    match kind:
        case "file":
            return [text]
        case "dir":
            return [text, f"{text} in sub"]
        case "link":
            return [f"{OUTSIDE}/{text.replace(' ', '-')}"]
        case _:
            return []


def everything(top: Path) -> Iterator[tuple[str, str, str]]:
    """Path, kind and content (or target) of all that is at and below `top`."""
    for directory, directories, names in os.walk(top):
        for name in (*directories, *names):
            place = Path(directory) / name
            path, mode = str(place.relative_to(top)), place.lstat().st_mode
            if stat.S_ISLNK(mode):
                yield path, "l", str(place.readlink())
            elif stat.S_ISREG(mode):
                yield path, "f", place.read_text(errors="replace")
            else:
                yield path, "d" if stat.S_ISDIR(mode) else "o", ""


def carried(node: Node) -> set[tuple[str, str, str]]:
    """What of the tree travels."""
    return {one for one in everything(node.path(TREE)) if one[1] in _CARRIED}


def whereabouts(node: Node) -> set[str]:
    """Every text, and every link's target, that is in place or in quarantine on `node`."""
    tops = (TREE, QUARANTINE, BIG)
    return {text for top in tops if node.path(top).exists() for _, _, text in everything(node.path(top))}


def furnish(node: Node) -> None:
    """The tree as it is on both nodes at first."""
    top = node.path("/var/lib/asterisk/sounds") / "kinds"
    top.mkdir(parents=True, exist_ok=True)
    for number in range(_PADDING):
        (top / f"padding{number}").write_text("padding")
    for before, ours, theirs in COMBINATIONS:
        make(top / f"{before}-{ours}-{theirs}", before, f"base {before}-{ours}-{theirs}")


def change(here: Node, there: Node) -> None:
    """Each node goes its own way."""
    for before, ours, theirs in COMBINATIONS:
        name = f"{before}-{ours}-{theirs}"
        make(here.path(TREE) / name, ours, f"ours {name}")
        make(there.path(TREE) / name, theirs, f"theirs {name}")


def build_outside(node: Node) -> None:
    """A directory out of all trees, with one directory for every link that leads there."""
    top = node.path("/var/lib") / "outside"
    top.mkdir()
    for before, ours, theirs in COMBINATIONS:
        for side in ("base", "ours", "theirs"):
            (top / f"{side}-{before}-{ours}-{theirs}").mkdir(mode=0o755)
            (top / f"{side}-{before}-{ours}-{theirs}/a").write_text("victim")


def outside(node: Node) -> list[tuple[str, int, int, str]]:
    """Mode, owner and content of everything there."""
    top = node.path(OUTSIDE)
    found = []
    for place in sorted([top, *top.rglob("*")]):
        seen = place.lstat()
        text = place.read_text() if stat.S_ISREG(seen.st_mode) else ""
        found.append((str(place.relative_to(top)), seen.st_mode, seen.st_uid, text))
    return found


def lost(node: Node, side: str) -> list[str]:
    """What of one side's changes is nowhere on `node`."""
    have = whereabouts(node)
    wanted = [
        text
        for before, ours, theirs in COMBINATIONS
        for text in texts(ours if side == "ours" else theirs, f"{side} {before}-{ours}-{theirs}")
    ]
    return [text for text in wanted if text not in have]


def test_a_pull_makes_it_the_peers_and_keeps_what_was_only_here(count: Count) -> None:
    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": CONF})
            await rack.boot()
            await introduce(giving=primary, asking=secondary)
            await shell(primary, "mkdir -p /opt/sark/db; sqlite3 /opt/sark/db/sark.db 'create table t (n)'")
            furnish(primary)
            build_outside(secondary)
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            before = outside(secondary)
            change(here=secondary, there=primary)
            assert ":" not in await one_pass(secondary, primary)
            differing = carried(primary) ^ carried(secondary)
            pipes = {f"{b}-{o}-{t}" for b, o, t in COMBINATIONS if t == "pipe"}
            assert {one for one in differing if one[0].split("/")[0] not in pipes} == set()
            assert await one_pass(secondary, primary) == "0 0 0"
            gone = lost(secondary, "ours")
            count("combinations of kinds of files", len(COMBINATIONS))
            count("lost", len(gone))
            assert gone == []
            assert outside(secondary) == before, "nothing was written, owned or changed behind a link"
            state = secondary.path("/var/lib/asha/sync/state.json").read_text()
            assert "a device is not carried" in state, "what is not carried is named"
            await hang_up(secondary)

    asyncio.run(scenario())


def test_a_merge_loses_nothing_of_either_and_ends(count: Count) -> None:
    async def scenario() -> None:
        async with apart(furnish) as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                build_outside(node)
            before = outside(primary), outside(secondary)
            change(here=primary, there=secondary)
            assert ":" not in await one_pass(primary, secondary)
            again = await one_pass(primary, secondary)
            assert again == "0 0 0 0 0 open", again
            gone = [*lost(primary, "ours"), *lost(primary, "theirs")]
            assert gone == []
            secondary.path("/run/serving").unlink()
            assert (await one_pass(primary, secondary)).endswith("settled")
            assert ":" not in await one_pass(secondary, primary)
            assert await one_pass(secondary, primary) == "0 0 0"
            differing = carried(primary) ^ carried(secondary)
            pipes = {f"{b}-{o}-{t}" for b, o, t in COMBINATIONS if "pipe" in (o, t)}
            assert {one for one in differing if one[0].split("/")[0] not in pipes} == set()
            gone = [*lost(primary, "ours"), *lost(primary, "theirs")]
            count("combinations of kinds of files", len(COMBINATIONS))
            count("lost", len(gone))
            assert gone == []
            assert (outside(primary), outside(secondary)) == before

    asyncio.run(scenario())


_MOVE_TO_BIG = f"""
mkdir -p {BIG}; mount -t tmpfs none {BIG}
mv {TREE}/dir-same-same {BIG}/d; ln -s {BIG}/d {TREE}/dir-same-same
mv {MAIL}/Old {BIG}/Old; ln -s {BIG}/Old {MAIL}/Old
chmod 750 {BIG}/d
"""
_CHANGE_THERE = f"""
cd {TREE}/dir-same-same; echo changed >a; rm -r sub; mkdir new; echo n >new/n; chmod 2777 . new; chown 1:1 .
ln -s {OUTSIDE} new/l
"""


async def _behind(node: Node) -> None:
    """What the peer has changed is behind the link, which is one still."""
    assert node.path(TREE).joinpath("dir-same-same").readlink() == Path(f"{BIG}/d")
    seen = (
        await shell(node, f"cd {BIG}/d; stat -c %a:%u .; cat a new/n; stat -c %a new; ls; readlink new/l")
    ).out
    assert seen == f"750:0\nchanged\nn\n777\na\nmine\nnew\n{OUTSIDE}\n", seen


async def _heard_behind(node: Node) -> list[str]:
    """Who has left the messages of the mail folder that was moved to the bigger disk."""
    names = (await shell(node, f"cd {BIG}/Old; ls")).out.split()
    assert names == [f"msg{number:04d}.{ending}" for number in range(2) for ending in ("txt", "wav")], names
    said = (await shell(node, f"cat {MAIL}/Old/msg*.txt")).out
    return [line.removeprefix("callerid=") for line in said.splitlines() if line.startswith("callerid=")]


def test_a_folder_on_a_bigger_disk_stays_there_and_is_kept_in_step(count: Count) -> None:
    """By a merge, with what is new here; then by a pull of the other node, of which the same was moved."""

    async def scenario() -> None:
        async with apart(furnish) as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await shell(primary, _MOVE_TO_BIG + f"echo mine >{BIG}/d/mine")).code == 0
            deliver(primary, range(1), by="here", folder="Old")
            deliver(secondary, range(1), by="later", folder="Old")
            assert (await shell(secondary, _CHANGE_THERE)).code == 0
            said = await one_pass(primary, secondary)
            assert said.split()[3:] == ["1", "0", "open"], said
            await _behind(primary)
            assert await _heard_behind(primary) == ["here 0", "later 0"]
            assert primary.path(MAIL).joinpath("Old").readlink() == Path(f"{BIG}/Old")
            assert await one_pass(primary, secondary) == "0 0 0 0 0 open"
            count("folders that are links here", 2)

    asyncio.run(scenario())


def test_a_standbys_folder_on_a_bigger_disk_follows(count: Count) -> None:
    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": CONF})
            await rack.boot()
            await introduce(giving=primary, asking=secondary)
            await shell(
                primary,
                f"mkdir -p {MAIL}/Old /opt/sark/db; sqlite3 /opt/sark/db/sark.db 'create table t (n)'",
            )
            furnish(primary)
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            assert (await shell(secondary, _MOVE_TO_BIG)).code == 0
            assert (await shell(primary, _CHANGE_THERE + "echo mine >mine")).code == 0
            deliver(primary, range(2), by="later", folder="Old")
            assert ":" not in await one_pass(secondary, primary)
            await _behind(secondary)
            assert await _heard_behind(secondary) == ["later 0", "later 1"]
            assert await one_pass(secondary, primary) == "0 0 0"
            count("folders that are links here", 2)
            await hang_up(secondary)

    asyncio.run(scenario())


def test_a_mail_folder_that_is_a_strange_link_is_held_back_by_name(count: Count) -> None:
    """Nobody's message is lost, nothing is written behind it, and the merge ends when the link is put right."""

    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            moved = f"mkdir {BIG}; mv {MAIL}/Old {BIG}/Old; ln -s {BIG}/Old {MAIL}/Old; "
            assert (await shell(primary, moved + f"chown -h 1:1 {MAIL}/Old")).code == 0
            deliver(secondary, range(2), by="later", folder="Old")
            secondary.path("/run/serving").unlink()
            for words in ((), ("live",)):
                said = await one_pass(primary, secondary, *words)
                assert said.endswith("open"), said
                state = json.loads(primary.path("/var/lib/asha/sync/state.json").read_text())
                assert [one["path"] for one in state["held"]] == [f"{MAIL}/Old"], state
                assert (await shell(primary, f"ls {BIG}/Old")).out == ""
            assert (await shell(primary, f"chown -h 0:0 {MAIL}/Old")).code == 0
            assert (await one_pass(primary, secondary)).endswith("settled")
            assert await _heard_behind(primary) == ["later 0", "later 1"]
            count("links in the way", 1)

    asyncio.run(scenario())


_STRANGE = (
    ("sent by the other node", f"ln -s {OUTSIDE} x", ""),
    ("of a user, to what is root's", "", f"rm -r x; ln -s {OUTSIDE} x; chown -h 1:1 x"),
    ("in a directory of a user's, to what is root's", "chown 1:1 .", f"rm -r x; ln -s {OUTSIDE} x"),
    ("in a directory for all, to what is root's", "chmod 777 .", f"rm -r x; ln -s {OUTSIDE} x"),
    ("to nowhere", "", "rm -r x; ln -s /nowhere x"),
)


@pytest.mark.parametrize(("name", "there", "here"), _STRANGE, ids=[one[0] for one in _STRANGE])
def test_no_other_link_is_followed(name: str, there: str, here: str, count: Count) -> None:
    """The peer makes a directory of what is a link here: nothing is written behind it, nothing changes its owner."""

    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": CONF})
            await rack.boot()
            await introduce(giving=primary, asking=secondary)
            base = f"mkdir -p {TREE} /opt/sark/db; sqlite3 /opt/sark/db/sark.db 'create table t (n)'; cd {TREE}; "
            await shell(primary, base + (there if " x" in there else f"mkdir x; echo old >x/a; {there}"))
            build_outside(secondary)
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            before = outside(secondary)
            assert (await shell(secondary, f"cd {TREE}; {here}")).code == 0
            await shell(
                primary, f"cd {TREE}; rm -rf x; mkdir -m 777 x; echo evil >x/a; chown -R 1:1 x; mkdir x/deep"
            )
            said = await one_pass(secondary, primary)
            assert ":" not in said
            assert await one_pass(secondary, primary) == "0 0 0"
            assert outside(secondary) == before, said
            assert carried(secondary) == carried(primary)
            count("links in the way", 1)
            await hang_up(secondary)

    asyncio.run(scenario())
