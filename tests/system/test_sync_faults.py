"""Whatever happens to a synchronisation: the live data are always one whole state, and the next pass makes all good."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from data_on_nodes import CONF, SHOW, SLOW, Cutter, hang_up, introduce, one_pass

from hwsim.nodes import Node
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.sshd import shell

_ROUNDS, _LONG_ROUNDS = 50, 200
_SEED = 20261124
_FILES = 3 * 8 + 1
# One whole state of the data: every file, the link and the database name the same number.
_FURNISH = """
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail/default/100/INBOX
"""
_CHANGE = """
import os, sqlite3, sys
number = int(sys.argv[1])
mail = "/var/spool/asterisk/voicemail/default/100/INBOX"
places = ["/etc/asterisk/%d.conf", "/var/lib/asterisk/sounds/s%d", mail + "/x%d"]
for place in places:
    for index in range(8):
        with open(place % index, "w") as file:
            file.write(f"{number}\\n" * 200)
directory = f"/etc/asterisk/d{number}"
os.mkdir(directory)
with open(directory + "/n", "w") as file:
    file.write(f"{number}\\n")
old = f"/etc/asterisk/d{number - 1}"
if os.path.isdir(old):
    os.unlink(old + "/n")
    os.rmdir(old)
with sqlite3.connect("/opt/sark/db/sark.db") as db:
    db.execute("create table if not exists t (n)")
    db.execute("delete from t")
    db.execute("insert into t values (?)", (number,))
"""
# What is found here after what was decided is put in place, as a node does before Asterisk starts; and whether that
# was needed.
_SETTLED = """
import glob, json, os, sqlite3
from pathlib import Path
from appliance.config import load
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync.session import settle
if SyncPaths().store.exists():
    settle(load(Path("/etc/asha.conf")), SyncPaths(), SystemClock(), 40.0)
trees = ("/etc/asterisk", "/var/lib/asterisk/sounds", "/var/spool/asterisk/voicemail")
files = [os.path.join(d, n) for tree in trees for d, _, names in os.walk(tree) for n in names]
files = [path for path in files if "/.asha-" not in path]  # a stage is no live data
found = {line for path in files for line in open(path).read().split()}
database = sqlite3.connect("file:/opt/sark/db/sark.db?mode=ro", uri=True)
found |= {str(row[0]) for row in database.execute("select n from t")}
found |= {name[1:] for name in os.listdir("/etc/asterisk") if name.startswith("d")}
print(json.dumps([sorted(found), len(files)]))
"""


@asynccontextmanager
async def data_pair(conf: str = "") -> AsyncIterator[Pair]:
    """A pair of which the secondary may ask, the primary furnished."""
    async with pair() as rack:
        for node in (rack.primary, rack.secondary):
            node.prepare(files={"/etc/asha.conf": CONF + conf})
        await rack.boot()
        await introduce(giving=rack.primary, asking=rack.secondary)
        assert (await shell(rack.primary, _FURNISH)).code == 0
        await change(rack.primary, 0)
        yield rack
        await hang_up(rack.secondary)


async def python(node: Node, script: str, *words: str) -> str:
    result = await node.run([sys.executable, "-c", script, *words], 120)
    assert result.code == 0, result.err
    return result.out


async def change(node: Node, number: int) -> None:
    await python(node, _CHANGE, str(number))


async def settled(node: Node) -> tuple[list[str], int]:
    """Which states' marks are in the live data, and how many files there are."""
    states, files = json.loads(await python(node, _SETTLED))
    return states, files


@pytest.mark.timeout(1200)  # so many real passes are minutes of work; this only bounds one that never ends
def test_a_kill_at_any_moment_leaves_one_whole_state(pytestconfig: pytest.Config) -> None:
    """Of the pass itself, of rsync or of ssh, at any moment of it; `make test-long` tries it 200 times."""
    rounds = _LONG_ROUNDS if pytestconfig.getoption("--long") else _ROUNDS

    async def scenario() -> None:
        async with data_pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            cutter, old = Cutter(random.Random(_SEED)), 0
            for number in range(1, rounds + 1):
                await change(primary, number)
                await cutter.a_pass(secondary, primary)
                states, files = await settled(secondary)
                assert len(states) == 1 and files == _FILES, (number, states, files)
                assert old <= int(states[0]) <= number, (number, states)
                old = int(states[0])
            assert cutter.killed > rounds // 2, "most rounds were cut short"
            await hang_up(secondary)
            assert ":" not in await one_pass(secondary, primary)
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out

    asyncio.run(scenario())


def test_a_full_disk_leaves_what_was_there() -> None:
    async def scenario() -> None:
        async with data_pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            # Its own small filesystem for what asha keeps: the stage is there, and on each tree's own.
            await shell(secondary, "mount -t tmpfs -o size=256k none /var/spool/asterisk")
            assert (await shell(secondary, "mkdir -p /var/spool/asterisk/voicemail")).code == 0
            before = (await shell(secondary, SHOW)).out
            await shell(primary, "head -c 2000000 /dev/urandom >/var/spool/asterisk/voicemail/big")
            said = await one_pass(secondary, primary)
            assert said.startswith("disk full: ") and "Make room" in said, said
            assert (await shell(secondary, SHOW)).out == before
            await shell(secondary, "umount /var/spool/asterisk")
            assert ":" not in await one_pass(secondary, primary)
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out

    asyncio.run(scenario())


def test_a_cut_link_is_noticed_and_made_good() -> None:
    async def scenario() -> None:
        async with data_pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            await shell(primary, "head -c 30000000 /dev/urandom >/var/lib/asterisk/sounds/big")
            before = (await shell(secondary, SHOW)).out
            assert (await shell(secondary, SLOW.format(rate="4mbit"))).code == 0
            assert (await shell(primary, SLOW.format(rate="4mbit"))).code == 0
            passing = asyncio.create_task(one_pass(secondary, primary))
            await _fetching(secondary)
            await shell(primary, "ip link set eth0 down")
            said = await passing
            assert said.startswith(("interrupted: ", "unreachable: ")), said
            assert (await shell(secondary, SHOW)).out == before
            await shell(primary, "ip link set eth0 up; tc qdisc del dev eth0 root")
            await shell(secondary, "tc qdisc del dev eth0 root")
            assert ":" not in await one_pass(secondary, primary)
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out

    asyncio.run(scenario())


def test_a_link_of_ten_kilobytes_a_second_is_slow_and_right() -> None:
    async def scenario() -> None:
        async with data_pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            for node in (primary, secondary):
                assert (await shell(node, SLOW.format(rate="80kbit"))).code == 0
            await change(primary, 1)
            await shell(primary, "head -c 60000 /dev/urandom >/var/lib/asterisk/sounds/big")
            assert ":" not in await one_pass(secondary, primary)
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out

    asyncio.run(scenario())


def test_a_source_that_vanishes_half_way_changes_nothing() -> None:
    async def scenario() -> None:
        async with data_pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            before = (await shell(secondary, SHOW)).out
            await shell(primary, "head -c 30000000 /dev/urandom >/var/lib/asterisk/sounds/big")
            assert (await shell(primary, SLOW.format(rate="8mbit"))).code == 0
            passing = asyncio.create_task(one_pass(secondary, primary))
            await _fetching(secondary)
            await shell(
                primary, "mv /etc/asterisk /etc/gone; rm -r /var/lib/asterisk/sounds; touch /run/gone"
            )
            await shell(primary, "tc qdisc del dev eth0 root")
            said = await passing
            again = await one_pass(secondary, primary)
            assert "missing there" in again, (said, again)
            assert (await shell(secondary, SHOW)).out == before

    asyncio.run(scenario())


def test_a_new_host_key_and_a_clock_that_is_off_have_names() -> None:
    async def scenario() -> None:
        async with data_pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            primary.write("/run/ahead", "600")
            await hang_up(secondary)
            assert ":" not in await one_pass(secondary, primary)
            state = json.loads(secondary.path("/var/lib/asha/sync/state.json").read_text())
            assert 590 < state["skew"] < 610
            assert any("600 s ahead" in warning and "NTP" in warning for warning in state["warnings"]), state
            pinned = secondary.path("/var/lib/asha/ssh/known_hosts")
            await shell(secondary, "ssh-keygen -q -t ed25519 -N '' -f /tmp/other")
            other = " ".join(secondary.path("/tmp/other.pub").read_text().split()[:2])
            pinned.write_text(f"asha-peer {other}\n")
            await hang_up(secondary)
            said = await one_pass(secondary, primary)
            assert said.startswith("host key changed: ") and "--new-host-key" in said, said

    asyncio.run(scenario())


def test_a_postsync_that_hangs_is_ended_and_shown() -> None:
    async def scenario() -> None:
        async with data_pair("POSTSYNC=/usr/local/bin/hangs\nPOSTSYNCDEADLINE=300ms\n") as rack:
            primary, secondary = rack.primary, rack.secondary
            secondary.write("/usr/local/bin/hangs", "#!/bin/sh\necho begun\nsleep 600\n", 0o755)
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            state = json.loads(secondary.path("/var/lib/asha/sync/state.json").read_text())
            assert "did not end within its deadline" in state["postsync"], state
            assert secondary.path("/var/lib/asha/sync/postsync.log").read_text() == "begun\n"
            assert secondary.pids("sleep 600") == [], "nothing of it is left"
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out

    asyncio.run(scenario())


def test_two_passes_at_once_take_turns() -> None:
    async def scenario() -> None:
        async with data_pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            said = await asyncio.gather(*(one_pass(secondary, primary) for _ in range(3)))
            assert not [one for one in said if ":" in one], said
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out

    asyncio.run(scenario())


async def _fetching(node: Node) -> None:
    """Wait until rsync brings something to the stage."""
    found = await shell(
        node,
        "for n in {1..1000}; do find $(find / -xdev -name .asha-stage) /var/lib/asha/sync/stage -type f | grep -q . "
        "&& exit; sleep 0.02; done; exit 1",
    )
    assert found.code == 0, "nothing is fetched"
