"""The way back, killed at any moment: every message is there once, whole and in order, and it is simply run again."""

from __future__ import annotations

import asyncio
import random
import sys

import pytest
from data_on_nodes import HERE, Cutter, hang_up, mark_served, one_pass
from mail_on_nodes import MAIL, apart, deliver, heard, same

from hwsim.nodes import Network, Node
from hwsim.nodes.pair import Pair
from hwsim.nodes.sshd import shell

_ROUNDS, _LONG_ROUNDS = 20, 60
_LIVE_ROUNDS, _LONG_LIVE_ROUNDS = 10, 25
_SEED = 20261125
_FOLDERS = ("INBOX", "Old")
# What a node does before Asterisk starts: what was decided is put in place.
_SETTLE = """
from pathlib import Path
from appliance.config import load
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync.session import settle
settle(load(Path("/etc/asha.conf")), SyncPaths(), SystemClock(), 40.0)
"""
_HELD_UP = f"""
{HERE}
import time
def progress(phase, done, total):
    if phase == "fetching":
        Path("/run/fetching").touch()
        while not Path("/run/go-on").exists():
            time.sleep(0.01)
with PeerLink(Ssh(sys.argv[1], 22)) as peer:
    one_pass(session(Node.PRIMARY), peer, Request("test"), progress)
"""
Where = dict[str, str]
"""In which folder each caller's message is."""


def where(node: Node) -> Where:
    """Every message of a node; whole, in order, and none twice."""
    found: Where = {}
    for folder in _FOLDERS:
        for caller in heard(node, folder):
            assert caller not in found, f"{caller} is there twice"
            found[caller] = folder
    return found


class Callers:
    """People who leave, hear and delete messages, as Asterisk has it on disk."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._number = 0

    def call(self, node: Node, *, by: str) -> None:
        """Some new messages."""
        count = self._dice.randint(1, 4)
        numbers = range(self._number, self._number + count)
        deliver(node, numbers, by=by, first=len(heard(node, "INBOX")))
        self._number += count

    def listen(self, node: Node) -> None:
        """One message is moved to Old, and perhaps one is deleted."""
        if count := len(heard(node, "INBOX")):
            _move(node, self._dice.randrange(count), "Old")
        folder = self._dice.choice(_FOLDERS)
        count = len(heard(node, folder))
        if count and self._dice.random() < 0.4:
            _take_out(node, folder, self._dice.randrange(count))


def _move(node: Node, number: int, folder: str) -> None:
    free = len(heard(node, folder))
    for ending in ("txt", "wav"):
        source = node.path(f"{MAIL}/INBOX/msg{number:04d}.{ending}")
        source.rename(node.path(f"{MAIL}/{folder}") / f"msg{free:04d}.{ending}")
    _close_gap(node, "INBOX", number)


def _take_out(node: Node, folder: str, number: int) -> None:
    for ending in ("txt", "wav"):
        node.path(f"{MAIL}/{folder}/msg{number:04d}.{ending}").unlink()
    _close_gap(node, folder, number)


def _close_gap(node: Node, folder: str, number: int) -> None:
    """As Asterisk does when a mailbox is closed: later messages move up by one."""
    place = node.path(f"{MAIL}/{folder}")
    while (place / f"msg{number + 1:04d}.txt").exists():
        for ending in ("txt", "wav"):
            (place / f"msg{number + 1:04d}.{ending}").rename(place / f"msg{number:04d}.{ending}")
        number += 1


async def _settled(node: Node) -> Where:
    done = await node.run([sys.executable, "-c", _SETTLE], 60)
    assert done.code == 0, done.err
    return where(node)


@pytest.mark.timeout(1200)  # so many real passes are minutes of work; this only bounds one that never ends
def test_a_merge_killed_anywhere_is_simply_run_again(pytestconfig: pytest.Config) -> None:
    """What was deleted or moved on the secondary is, or is not yet; nothing in between."""
    rounds = _LONG_ROUNDS if pytestconfig.getoption("--long") else _ROUNDS
    dice = random.Random(_SEED)

    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            people, cutter, followed = Callers(dice), Cutter(dice), 0
            for number in range(rounds):
                people.call(secondary, by="later")
                if dice.random() < 0.6:
                    people.listen(secondary)
                if dice.random() < 0.3:
                    people.call(primary, by="unsent")
                before = where(primary)
                own = {caller: folder for caller, folder in before.items() if caller.startswith("unsent")}
                await _cut_short(dice, cutter, rack)
                now = await _settled(primary)
                assert now in (before, {**own, **where(secondary)}), (number, before, now)
                followed += now != before
            assert cutter.killed > rounds // 2, "most rounds were cut short"
            assert rounds // 5 < followed < rounds, "some before the merge was decided, some after"
            await _clean_end(rack, {**own, **where(secondary)})

    asyncio.run(scenario())


def test_a_merge_killed_while_the_primary_serves_adds_every_message_once(pytestconfig: pytest.Config) -> None:
    rounds = _LONG_LIVE_ROUNDS if pytestconfig.getoption("--long") else _LIVE_ROUNDS
    dice = random.Random(_SEED)

    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            people, cutter = Callers(dice), Cutter(dice)
            for number in range(rounds):
                people.call(secondary, by="later")
                people.call(primary, by="here")
                before, there = where(primary), where(secondary)
                await _cut_short(dice, cutter, rack, "live")
                now = await _settled(primary)
                assert before.items() <= now.items() <= {**there, **before}.items(), (number, before, now)
            assert cutter.killed > rounds // 2, "most rounds were cut short"
            await _clean_end(rack, {**where(secondary), **where(primary)}, "live")

    asyncio.run(scenario())


def test_a_mailbox_that_changes_while_it_is_fetched_comes_with_the_next_pass() -> None:
    """Its messages have other numbers then: those that had come under the old ones are not taken for removed here."""

    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            # So many that what is missing afterwards is no disk that was lost.
            deliver(secondary, range(300), by="early", first=10)
            assert (await one_pass(primary, secondary)).endswith("300 0 open")
            before = where(primary)
            deliver(secondary, range(40), by="later", first=310)
            passing = asyncio.create_task(_held_up(rack))
            await _exists(primary, "/run/fetching")
            _take_out(secondary, "INBOX", 310)
            primary.write("/run/go-on", "")
            assert (await passing).split()[2:] == ["1", "0", "0", "open"]
            assert where(primary) == before
            await _clean_end(rack, where(secondary))

    asyncio.run(scenario())


async def _held_up(rack: Pair) -> str:
    """A merge that stops in its fetching until it may go on; what it has counted."""
    address = Network.address("secondary", "eth0")
    result = await rack.primary.run([sys.executable, "-c", _HELD_UP, address], 60)
    assert result.code == 0, result.err
    return result.out


async def _exists(node: Node, path: str) -> None:
    found = await shell(node, f"for n in {{1..1000}}; do [ -e {path} ] && exit; sleep 0.02; done; exit 1")
    assert found.code == 0, f"no {path}"


async def _cut_short(dice: random.Random, cutter: Cutter, rack: Pair, *words: str) -> None:
    """Half of the passes are killed at any moment, half of them when messages move."""
    if dice.random() < 0.5:
        await cutter.a_pass(rack.primary, rack.secondary, *words)
    else:
        await cutter.a_pass_that_changes(f"{MAIL}/INBOX", rack.primary, rack.secondary, *words)


async def _clean_end(rack: Pair, expected: Where, *words: str) -> None:
    """One merge that nobody disturbs, then the secondary follows again."""
    await hang_up(rack.primary)
    rack.secondary.path("/run/serving").unlink()
    said = await one_pass(rack.primary, rack.secondary, *words)
    assert said.endswith("settled"), said
    assert where(rack.primary) == expected
    if words:
        assert ":" not in await one_pass(rack.secondary, rack.primary)
        assert where(rack.secondary) == expected
    else:
        mark_served(rack.secondary, 100.0, 200.0)  # for the merge that looks again
        await same(rack.primary, rack.secondary)
