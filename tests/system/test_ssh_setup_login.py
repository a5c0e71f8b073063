"""`asha ssh-setup` as an installer runs it: it logs in at the peer, with his own key or with root's password."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from data_on_nodes import CONF

from hwsim.nodes import Network, Node
from hwsim.nodes.inside import Result
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.sshd import HOST_KEY, shell, sshd_answers

_CONF = f"""
{CONF}
HAPRIADDR={Network.address("primary", "eth0")}
HASECADDR={Network.address("secondary", "eth0")}
"""
_ASHA = f'#!/bin/sh\nexec {sys.executable} -I -m appliance.cli "$@"\n'
_AUTHORIZED = "/root/.ssh/authorized_keys"
_PASSWORD = "only on this node"
_SSHD = (
    *("/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-oPort=22", f"-oHostKey={HOST_KEY}", "-oUsePAM=no"),
    *("-oPermitRootLogin=yes", "-oPidFile=none", f"-oAuthorizedKeysFile={_AUTHORIZED}"),
)
# On a terminal: the command's own, which ssh asks at; what is typed is the password, whenever it is asked for.
_ON_TERMINAL = """
import os, pty, sys
password, *command = sys.argv[1:]
child, terminal = pty.fork()
if not child:
    os.execvp(command[0], command)
said, asked = b"", 0
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    said += piece
    if said.count(b"assword:") > asked:
        asked += 1
        os.write(terminal, password.encode() + b"\\n")
os.write(1, said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

_KEEP_OPEN = """
from appliance.local_node import conf_and_node
from appliance.sync.peer_link import PeerLink
from appliance.sync.ssh import way_to_peer
with PeerLink(way_to_peer(*conf_and_node())) as peer:
    peer.ask("health")
"""


@asynccontextmanager
async def strangers(host_key: str = "ed25519") -> AsyncIterator[Pair]:
    """A pair of which neither knows the other; sshd runs on the primary, and root has a password there."""
    async with pair() as rack:
        for node in (rack.primary, rack.secondary):
            node.prepare(files={"/etc/asha.conf": _CONF}, empty=("/root/.ssh",))
        await rack.boot()
        for node in (rack.primary, rack.secondary):
            node.write("/usr/local/bin/asha", _ASHA, 0o755)
        furnish = (
            f"mkdir -p /run/sshd; chmod 700 /root /root/.ssh; ssh-keygen -q -t {host_key} -N '' -f {HOST_KEY}"
        )
        password = f"""usermod -p "$(openssl passwd -6 '{_PASSWORD}')" root"""
        made = await shell(rack.primary, f"{furnish} && {password}")
        assert made.code == 0, made.err
        await rack.primary.spawn(_SSHD, rack.primary.boot_log)
        await sshd_answers(rack.secondary, Network.address("primary", "eth0"))
        yield rack
        await shell(rack.secondary, "ssh -O exit -o ControlPath=/run/asha/ssh-peer peer")


async def set_up(node: Node, *words: str) -> Result:
    """`asha ssh-setup WORDS`, without a terminal."""
    return await node.run(["asha", "ssh-setup", *words], 60)


def key_of(node: Node) -> str:
    return node.path("/var/lib/asha/ssh/id.pub").read_text().split()[1]


def test_an_operators_own_key_has_ours_accepted_and_again_changes_nothing() -> None:
    async def scenario() -> None:
        async with strangers() as rack:
            primary, secondary = rack.primary, rack.secondary
            refused = await set_up(secondary, "--yes")
            assert refused.code == 6 and "did not accept our key" in refused.err, refused
            assert "--by-hand" in refused.err

            await shell(
                secondary,
                "mkdir -p -m 700 /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519",
            )
            operator = secondary.path("/root/.ssh/id_ed25519.pub").read_text()
            primary.write(_AUTHORIZED, operator, 0o600)
            done = await set_up(secondary, "--yes")
            assert done.code == 0, done
            assert (
                "The other node's key is accepted." in done.out and "allows this key nothing else" in done.out
            )
            accepted, key = primary.path(_AUTHORIZED).read_text(), key_of(secondary)
            assert accepted.startswith(operator) and accepted.count("\n") == 2
            assert accepted.count(key) == 1

            for words in (("--yes",), (), ("--check",)):
                again = await set_up(secondary, *words)
                assert again.code == 0 and "Logging in" not in again.out, again
            assert primary.path(_AUTHORIZED).read_text() == accepted
            assert key_of(secondary) == key

            # The connection that is kept open knows the old key, and is no proof for the new one.
            kept = await secondary.run([sys.executable, "-c", _KEEP_OPEN], 60)
            assert kept.code == 0, kept
            secondary.path("/var/lib/asha/ssh/id").unlink()
            anew = await set_up(secondary)
            assert anew.code == 0, anew
            accepted = primary.path(_AUTHORIZED).read_text()
            assert accepted.count("asha-peer") == 1 and key_of(secondary) in accepted and key not in accepted

    asyncio.run(scenario())


def test_a_peer_that_is_too_old_for_ed25519_is_given_an_rsa_key() -> None:
    async def scenario() -> None:
        async with strangers("rsa") as rack:
            secondary = rack.secondary
            told = await set_up(secondary, "--yes", "--by-hand")
            assert told.code == 6 and "asha ssh-accept ssh-rsa AAAA" in told.err, told
            command = next(line.strip() for line in told.err.splitlines() if line.startswith("  asha"))
            assert (await shell(rack.primary, command)).code == 0
            proven = await set_up(secondary, "--check")
            assert proven.code == 0, proven

    asyncio.run(scenario())


def test_roots_password_is_asked_for_on_the_terminal() -> None:
    async def scenario() -> None:
        async with strangers() as rack:
            primary, secondary = rack.primary, rack.secondary
            command = [sys.executable, "-c", _ON_TERMINAL]
            wrong = await secondary.run([*command, "wrong", "asha", "ssh-setup", "--yes"], 60)
            assert wrong.code == 6 and "did not accept our key" in wrong.out, wrong
            assert not primary.path(_AUTHORIZED).exists()

            right = await secondary.run([*command, _PASSWORD, "asha", "ssh-setup", "--yes"], 60)
            assert right.code == 0, right
            assert "this once" in right.out and "The other node's key is accepted." in right.out
            assert _PASSWORD not in right.out
            (line,) = primary.path(_AUTHORIZED).read_text().splitlines()
            assert line.startswith('command="') and key_of(secondary) in line
            assert (await set_up(secondary, "--check")).code == 0

    asyncio.run(scenario())
