"""The two servers of a rack may ask each other for their data, over real sshd and keys set up by command."""

from __future__ import annotations

import shlex

from pair_on_rack import Pair
from ssh_on_nodes import sshd_answers, start_sshd

from hwsim.demo.scenario import OTHER
from hwsim.nodes import Network
from hwsim.server import Said


async def asha(pair: Pair, side: str, *words: str) -> Said:
    return await pair.server(side).asha(*words)


async def open_ssh(pair: Pair) -> None:
    """sshd on both nodes; each accepts the other's key, as an installer would have it done by hand."""
    if (await asha(pair, "secondary", "ssh-setup", "--check")).code == 0:
        return  # the test before has left it so
    for side in OTHER:
        await start_sshd(pair.server(side).node, "/root/.ssh/authorized_keys")
    for side in OTHER:
        await sshd_answers(pair.server(side).node, Network.address(OTHER[side], "eth0"))
        told = await asha(pair, side, "ssh-setup", "--yes", "--by-hand")
        assert told.code == 6, told
        (command,) = (
            line.strip() for line in told.error.splitlines() if line.startswith("  asha ssh-accept")
        )
        accepted = await asha(pair, OTHER[side], *shlex.split(command)[1:])
        assert accepted.output == "The peer's key is accepted.\n", accepted
