"""ACLs and extended attributes follow like everything else, between two machines with real rsync."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from data_on_nodes import CONF, SHOW, following, hang_up, introduce, one_pass

from hwsim.nodes import Node
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.sshd import shell

FILE, DIRECTORY = "/etc/asterisk/a.conf", "/var/spool/asterisk/voicemail/default"
# By hand, not with setfacl: what the kernel stores is what has to arrive, and no package is needed for it.
_ACCESS, _DEFAULT, _OTHER = "system.posix_acl_access", "system.posix_acl_default", "user.asha.test"
_TREES = ("/etc/asterisk", "/var/lib/asterisk/sounds", "/var/spool/asterisk/voicemail")
_FURNISH = f"""
mkdir -p /opt/sark/db /var/lib/asterisk/sounds {DIRECTORY}; echo a >{FILE}; echo b >/etc/asterisk/b.conf
sqlite3 /opt/sark/db/sark.db 'create table t (n)'; echo hello >/var/lib/asterisk/sounds/hello
"""


def acl(user: int, allowed: int) -> bytes:
    """An ACL as the kernel has it: owner rw, `user` as `allowed`, group r, mask rw, others nothing."""
    nobody = 0xFFFFFFFF
    entries = (
        (0x01, 6, nobody),
        (0x02, allowed, user),
        (0x04, 4, nobody),
        (0x10, 6, nobody),
        (0x20, 0, nobody),
    )
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def attributes(node: Node) -> dict[str, dict[str, bytes]]:
    """Everything in the trees that has any, with them."""
    found = {}
    for tree in _TREES:
        top = node.path(tree)
        for path in (top, *top.rglob("*")):
            names = [name for name in os.listxattr(path) if not name.startswith("trusted.overlay.")]
            if names:
                place = f"{tree}/{path.relative_to(top)}"
                found[place] = {name: os.getxattr(path, name) for name in names}
    return found


@asynccontextmanager
async def furnished() -> AsyncIterator[Pair]:
    """A pair that has never been in step; the primary has an ACL on a file, a default one on a directory, and more."""
    async with pair() as rack:
        primary, secondary = rack.primary, rack.secondary
        for node in (primary, secondary):
            node.prepare(files={"/etc/asha.conf": CONF}, empty=("/etc/asterisk",))
        await rack.boot()
        await introduce(giving=primary, asking=secondary)
        assert (await shell(primary, _FURNISH)).code == 0
        os.setxattr(primary.path(FILE), _ACCESS, acl(1234, 4))
        os.setxattr(primary.path(DIRECTORY), _DEFAULT, acl(1235, 6))
        os.setxattr(primary.path("/var/lib/asterisk/sounds/hello"), _OTHER, b"\0value")
        yield rack
        await hang_up(secondary)


async def same(rack: Pair) -> None:
    """The two have the same, attributes too."""
    assert attributes(rack.secondary) == attributes(rack.primary)
    assert (await shell(rack.secondary, SHOW)).out == (await shell(rack.primary, SHOW)).out


def test_a_first_pass_brings_them_and_a_later_one_keeps_them() -> None:
    async def scenario() -> None:
        async with furnished() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            assert len(attributes(secondary)) == 3, "and they are the primary's:"
            await same(rack)

            await shell(primary, f"echo more >>{FILE}; echo >>/var/lib/asterisk/sounds/hello")
            assert await one_pass(secondary, primary) == "2 0 0"
            await same(rack)
            await shell(primary, f"echo new >{DIRECTORY}/inherits")
            assert await one_pass(secondary, primary) == "1 0 0"
            assert _ACCESS in attributes(secondary)[f"{DIRECTORY}/inherits"]
            await same(rack)

    asyncio.run(scenario())


def test_a_changed_acl_is_seen_by_a_deep_pass_and_left_alone_by_another() -> None:
    async def scenario() -> None:
        async with furnished() as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            before = attributes(secondary)
            os.setxattr(primary.path(FILE), _ACCESS, acl(1234, 6))
            os.removexattr(primary.path(DIRECTORY), _DEFAULT)
            assert await one_pass(secondary, primary) == "0 0 0"
            await shell(primary, "echo more >>/etc/asterisk/b.conf")
            assert await one_pass(secondary, primary) == "1 0 0"
            assert attributes(secondary) == before
            assert await one_pass(secondary, primary, "deep") == "2 0 0"
            await same(rack)
            assert len(attributes(secondary)) == 2

    asyncio.run(scenario())


def test_a_changed_acl_follows_at_once() -> None:
    async def scenario() -> None:
        async with furnished() as rack:
            primary, secondary = rack.primary, rack.secondary
            async with following(secondary) as passes:
                await passes(1)
                await same(rack)
                os.setxattr(primary.path(FILE), _ACCESS, acl(1234, 6))
                assert (await passes(2))[-1] == "1 0 0"
                await same(rack)
                os.setxattr(primary.path("/var/lib/asterisk/sounds/hello"), _OTHER, b"another")
                assert (await passes(3))[-1] == "1 0 0"
                await same(rack)

    asyncio.run(scenario())
