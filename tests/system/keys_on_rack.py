"""The two servers of a rack may ask each other for their data, over real sshd and keys set up by command."""

from __future__ import annotations

from pair_on_rack import Pair

from hwsim.introduction import introduce
from hwsim.server import Said


async def asha(pair: Pair, side: str, *words: str) -> Said:
    return await pair.server(side).asha(*words)


async def open_ssh(pair: Pair) -> None:
    """sshd on both nodes, and the keys accepted; or the test before has left it so."""
    if (await asha(pair, "secondary", "ssh-setup", "--check")).code != 0:
        await introduce(pair.rack.servers)
