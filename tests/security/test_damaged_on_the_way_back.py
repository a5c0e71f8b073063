"""The way back with something damaged, locked or too full in it: that waits by name, and everything else comes home."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from data_on_nodes import hang_up, one_pass
from mail_on_nodes import MAIL, apart, callers, deliver, heard

from appliance.core.data_merge import MOST
from hwsim.nodes import Node
from hwsim.nodes.sshd import shell

Count = Callable[[str, int], None]

_OTHER = MAIL.replace("/100", "/200")
_SARK = "/opt/sark/db/sark.db"


def state(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(node.path("/var/lib/asha/sync/state.json").read_text())
    assert found["problem"] == ""
    return found


def held(node: Node) -> set[str]:
    return {one["path"] for one in state(node)["held"]}


def text(node: Node, path: str) -> str:
    return node.path(path).read_text()


async def rows(node: Node) -> list[str]:
    return (await shell(node, f"sqlite3 {_SARK} 'select n from t'")).out.split()


def other_mail(node: Node, number: int) -> None:
    for ending in ("wav", "txt"):
        node.write(f"{_OTHER}/INBOX/msg{number:04d}.{ending}", f"other {number} {ending}")


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - nobody else could tell
            await asyncio.sleep(0.1)


def test_damage_there_costs_nothing_here_and_holds_up_nothing_else(count: Count) -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            deliver(secondary, range(3), by="later", first=10)
            other_mail(secondary, 0)
            nul = (f"{MAIL}/INBOX/msg0004.wav", f"{MAIL}/INBOX/msg0011.txt", "/etc/asterisk/a.conf")
            for path in nul:
                secondary.write(path, bytes(3000))
            secondary.write(_SARK, bytes(9000))
            secondary.write("/etc/asterisk/b.conf", "changed there\n")
            await shell(
                secondary,
                "sleep 600 & mount --bind /proc/$!/mem /etc/asterisk/d.conf; rm /etc/asterisk/c.conf",
            )
            said = await one_pass(primary, secondary)
            assert said.split()[3:] == ["3", "0", "open"], said
            damaged = {*nul, _SARK, "/etc/asterisk/d.conf"}
            assert held(primary) == damaged
            assert any("merge is not finished: 5 items" in warning for warning in state(primary)["warnings"])
            late = [text(primary, "/etc/asterisk/b.conf") != "changed there\n"]
            late += [text(primary, f"{_OTHER}/INBOX/msg0000.wav") != "other 0 wav"]
            late += [primary.path("/etc/asterisk/c.conf").exists()]
            came = heard(primary, "INBOX")
            late += [came != [*callers("before", range(10)), "later 0", "later 2"]]
            count("damaged items", len(damaged))
            count("healthy items held up by them", sum(late))
            assert not any(late), (late, " ".join(came))
            kept = [text(primary, f"/etc/asterisk/{name}.conf") for name in "ad"]
            assert kept == ["a\n", "d\n"] and await rows(primary) == ["1"]

            again = await one_pass(primary, secondary)
            assert again.split()[3:] == ["0", "0", "open"], again
            assert heard(primary, "INBOX") == came
            await shell(
                secondary,
                f"umount /etc/asterisk/d.conf; cp /etc/asterisk/b.conf /etc/asterisk/a.conf; rm {_SARK}",
            )
            await shell(secondary, f"sqlite3 {_SARK} 'create table t (n); insert into t values (7)'")
            deliver(secondary, range(4, 5), by="before", first=4)
            deliver(secondary, range(1, 2), by="later", first=11)
            # Its recipient has listened to one of those that came, and one was known before the damage.
            await shell(
                secondary,
                f"cd {MAIL}; mv INBOX/msg0012.wav INBOX/msg0012.txt /tmp; mkdir -p Old; "
                "for e in wav txt; do mv /tmp/msg0012.$e Old/msg0000.$e; done",
            )
            secondary.path("/run/serving").unlink()
            assert (await one_pass(primary, secondary)).split()[-1] == "settled"
            assert held(primary) == set()
            assert sorted(heard(primary, "INBOX")) == sorted(
                [*callers("before", range(10)), "later 0", "later 1"]
            )
            assert heard(primary, "Old") == ["later 2"]
            assert text(primary, "/etc/asterisk/a.conf") == "changed there\n" and await rows(primary) == ["7"]
            assert ":" not in await one_pass(secondary, primary)
            assert heard(secondary, "INBOX") == heard(primary, "INBOX")

    asyncio.run(scenario())


def test_a_lock_holds_up_its_folder_and_nothing_else(count: Count) -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            deliver(secondary, range(2), by="later", first=10)
            other_mail(secondary, 0)
            secondary.write("/etc/asterisk/a.conf", "changed there\n")
            secondary.write(f"{MAIL}/unavail.wav", "greeting")
            primary.write(f"{MAIL}/INBOX/.lock", "")
            said = await one_pass(primary, secondary, "live")
            assert said.split()[3:] == ["1", "0", "open"], said
            assert held(primary) == {f"{MAIL}/INBOX"}
            late = [text(primary, "/etc/asterisk/a.conf") != "changed there\n"]
            late += [text(primary, f"{_OTHER}/INBOX/msg0000.txt") != "other 0 txt"]
            late += [text(primary, f"{MAIL}/unavail.wav") != "greeting"]
            count("damaged items", 1)
            count("healthy items held up by them", sum(late))
            assert not any(late), late
            primary.path(f"{MAIL}/INBOX/.lock").unlink()
            assert heard(primary, "INBOX") == callers("before", range(10))
            secondary.path("/run/serving").unlink()
            said = await one_pass(primary, secondary, "live")
            assert said.split()[3:] == ["2", "0", "settled"], said
            assert heard(primary, "INBOX") == [*callers("before", range(10)), *callers("later", range(2))]
            assert held(primary) == set()

    asyncio.run(scenario())


def test_a_folder_beyond_asterisks_limit_is_left_and_nothing_else(count: Count) -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            for number in range(10, MOST - 1):  # there is room for one
                primary.path(f"{MAIL}/INBOX/msg{number:04d}.txt").write_text(f"here {number}")
            deliver(secondary, range(2), by="later", first=10)
            deliver(secondary, range(1), by="old", folder="Old")
            other_mail(secondary, 0)
            secondary.path("/run/serving").unlink()
            names = sorted(path.name for path in primary.path(f"{MAIL}/INBOX").iterdir())
            for words in (["live"], []):
                said = await one_pass(primary, secondary, *words)
                assert said.split()[-1] == "open", said
                assert held(primary) == {f"{MAIL}/INBOX"}
                assert sorted(path.name for path in primary.path(f"{MAIL}/INBOX").iterdir()) == names
                late = [heard(primary, "Old") != ["old 0"]]
                late += [text(primary, f"{_OTHER}/INBOX/msg0000.wav") != "other 0 wav"]
                count("damaged items", 1)
                count("healthy items held up by them", sum(late))
                assert not any(late), late
            for number in range(4000, MOST - 1):
                primary.path(f"{MAIL}/INBOX/msg{number:04d}.txt").unlink()
            said = await one_pass(primary, secondary)
            assert said.split()[3:] == ["2", "0", "settled"], said
            assert held(primary) == set()
            assert text(primary, f"{MAIL}/INBOX/msg4001.txt").endswith("callerid=later 1\n")

    asyncio.run(scenario())


_HOLD = (
    "import sqlite3, time; c = sqlite3.connect('/opt/sark/db/sark.db', isolation_level=None);"
    "c.execute('insert into t values (2)'); c.execute('BEGIN EXCLUSIVE'); c.execute('insert into t values (3)');"
    "open('/run/held', 'w'); time.sleep(600)"
)


def test_a_database_that_is_held_locked_comes_as_it_was_committed_last(count: Count) -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            for path in ("/run/serving", "/var/lib/asha/sync/served", "/etc/asha/served"):
                secondary.path(path).unlink(missing_ok=True)
            holder = await primary.spawn([sys.executable, "-c", _HOLD], primary.boot_log)
            await until(primary.path("/run/held").exists)
            deliver(primary, range(1), by="new", first=10)
            assert ":" not in await one_pass(secondary, primary)
            assert held(secondary) == set()
            assert heard(secondary, "INBOX")[-1] == "new 0"
            assert await rows(secondary) == ["1", "2"]
            await hang_up(secondary)
            await until(lambda: not primary.pids("rack_source"))
            count("processes left behind on the other node", len(primary.pids("rack_source")))
            holder.kill()
            await holder.wait()
            assert await rows(primary) == ["1", "2"]
            assert ":" not in await one_pass(secondary, primary)

    asyncio.run(scenario())
