"""Voicemail on two nodes of which the secondary serves, and the way back from there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from data_on_nodes import CONF, SHOW, hang_up, introduce, is_marked, mark_served, one_pass

from hwsim.nodes import Node
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.sshd import shell

MAIL = "/var/spool/asterisk/voicemail/default/100"
_FURNISH = f"""
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds {MAIL}/INBOX {MAIL}/Old
sqlite3 /opt/sark/db/sark.db 'create table t (n); insert into t values (1)'
sqlite3 /var/lib/asterisk/astdb.sqlite3 'create table astdb (key, value)'
echo a >/etc/asterisk/a.conf; echo b >/etc/asterisk/b.conf; echo c >/etc/asterisk/c.conf; echo d >/etc/asterisk/d.conf
echo hello >/var/lib/asterisk/sounds/hello
"""


def deliver(node: Node, numbers: range, *, by: str, folder: str = "INBOX", first: int = 0) -> None:
    """Messages as Asterisk leaves them, from number `first` on."""
    for place, number in enumerate(numbers, first):
        name = f"{MAIL}/{folder}/msg{place:04d}"
        node.write(f"{name}.wav", f"sound {by} {number}")
        node.write(f"{name}.txt", f"[message]\norigmailbox=100\ncallerid={by} {number}\n")


def heard(node: Node, folder: str) -> list[str]:
    """Who has left the messages of a folder, in its order; each must be whole."""
    found = []
    place = node.path(f"{MAIL}/{folder}")
    numbers = sorted(path.stem for path in place.glob("msg*.txt"))
    assert numbers == [f"msg{number:04d}" for number in range(len(numbers))], "no gap in the numbers"
    files = {f"{name}.{ending}" for name in numbers for ending in ("txt", "wav")}
    assert {path.name for path in place.iterdir()} == files, "and nothing else, no lock and no half message"
    for name in numbers:
        caller = (place / f"{name}.txt").read_text().partition("callerid=")[2].strip()
        assert (place / f"{name}.wav").read_text() == f"sound {caller}"
        found.append(caller)
    return found


def callers(by: str, numbers: range) -> list[str]:
    return [f"{by} {number}" for number in numbers]


@asynccontextmanager
async def apart(furnish: Callable[[Node], None] = lambda node: None) -> AsyncIterator[Pair]:
    """A pair with common data, of which the secondary has begun to serve. `furnish` adds to the data."""
    async with pair() as rack:
        primary, secondary = rack.primary, rack.secondary
        for node in (primary, secondary):
            node.prepare(files={"/etc/asha.conf": CONF})
        await rack.boot()
        await introduce(giving=primary, asking=secondary)
        await introduce(giving=secondary, asking=primary)
        assert (await shell(primary, _FURNISH)).code == 0
        deliver(primary, range(10), by="before")
        furnish(primary)
        assert (await one_pass(secondary, primary)).endswith(" 0 0")
        mark_served(secondary, 100.0)
        secondary.write("/run/serving", "")
        yield rack
        for node in (primary, secondary):
            await hang_up(node)


async def same(primary: Node, secondary: Node) -> None:
    """The two have the same, and the primary has nothing left to merge."""
    secondary.path("/run/serving").unlink(missing_ok=True)
    merged = await one_pass(primary, secondary)
    assert merged.endswith("settled"), merged
    assert not is_marked(secondary)
    assert ":" not in await one_pass(secondary, primary)
    shown = [(await shell(node, SHOW)).out for node in (primary, secondary)]
    assert shown[0] == shown[1]
