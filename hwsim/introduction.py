"""The exchange of ssh keys between the two servers of a rack, as an installer does it by hand."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from hwsim.nodes import Network, NodeError
from hwsim.nodes.sshd import sshd_answers, start_sshd
from hwsim.server import Server

_BY_HAND = 6  # the exit status of `asha ssh-setup` while the peer has not accepted its key
_ACCEPT = "asha ssh-accept"


async def introduce(servers: Mapping[str, Server]) -> None:
    """Start sshd on both `servers` (by side), then run the product's two commands each way.

    Raises NodeError.
    """
    for server in servers.values():
        await start_sshd(server.node)
    one, other = servers.values()
    await _accepted(one, by=other)
    await _accepted(other, by=one)


async def _accepted(asking: Server, by: Server) -> None:
    await sshd_answers(asking.node, Network.address(by.side, "eth0"))
    told = await asking.asha("ssh-setup", "--yes", "--by-hand")
    commands = [line.strip() for line in told.error.splitlines() if line.strip().startswith(_ACCEPT)]
    if told.code != _BY_HAND or len(commands) != 1:
        raise NodeError(f"'asha ssh-setup' on the {asking.side} ended with {told.code}: {told.error.strip()}")
    accepted = await by.asha(*shlex.split(commands[0])[1:])
    if accepted.code:
        raise NodeError(f"'{_ACCEPT}' on the {by.side}: {accepted.error.strip()}")
