"""Whoever holds the peer's key, with user asterisk's help on this node, reads what is given and nothing else."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from data_on_nodes import CONF

from hwsim.nodes.pair import pair
from tests.plugins.security_figures import Count

_DRIVER = Path(__file__).with_name("gate_driver.py")
_COMMANDS = 200
_SEED = 11
# What may run, whatever is asked: a NUL stands behind each word.
_ARGV = re.compile(
    r"\S+/rsync\0--server\0--sender\0(-n?l?o?g?t?p?r?R?S?A?X?\0)?(-e\.i?L?s?f?x?C?I?v?u?\0)?(--timeout=[0-9]+\0)?"
    r"(--no-implied-dirs\0)?(--partial\0)?(--inplace\0)?(--numeric-ids\0)?"
    r"(--from0\0--files-from=/run/asha/sync/list-[0-9a-f]{16}\0\.\0/\0"
    r"|\.\0(/(var/spool/asterisk/voicemail|etc/asterisk|var/lib/asterisk/sounds)/([^\0/]+/)*\0)+)"
)


async def _attack() -> str:
    async with pair() as rack:
        node = rack.primary
        node.prepare(files={"/etc/asha.conf": CONF.strip() + "\nRSYNC=/usr/bin/rsync\n"})
        await node.boot()
        ended = await node.run([sys.executable, str(_DRIVER), str(_SEED), str(_COMMANDS)], 280)
        assert ended.code == 0, ended.err
        return ended.out


def test_no_secret_comes_out_whatever_is_asked(count: Count) -> None:
    found = json.loads(asyncio.run(_attack()))
    different = {tuple(words) for words in found["argv"]}
    count("commands tried at the gate", found["tried"])
    count("different argv that ran", len(different))
    count("secrets that came out", found["secrets"])
    assert found["secrets"] == 0
    assert not [words for words in different if not _ARGV.fullmatch("".join(f"{word}\0" for word in words))]
    # The attacks were attacks: what is given did come, by most ways, and rsync ran for many of them.
    assert found["fetched"] > 50 and len(different) > 15, found
    # A file of rules outside of what is given is not there for rsync, so that it has nothing to complain of.
    assert found["rules"] == [0] * 5
    assert found["secluded"] == 0
