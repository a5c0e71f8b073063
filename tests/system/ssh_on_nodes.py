"""Real sshd on a node of a rack, and a shell line run there."""

from __future__ import annotations

from hwsim.nodes import Node
from hwsim.nodes.inside import Result

HOST_KEY = "/etc/ssh/rack_key"
_CONF = "/etc/ssh/rack_config"
_SSHD = f"""
Port 22
HostKey {HOST_KEY}
UsePAM no
StrictModes no
PidFile none
Subsystem sftp /usr/lib/openssh/sftp-server
AuthorizedKeysFile """


async def shell(node: Node, script: str) -> Result:
    """Run `script` on `node` by bash."""
    return await node.run(["bash", "-c", script], 60)


async def start_sshd(node: Node, authorized_keys: str) -> None:
    """sshd on `node`, with a host key of its own."""
    made = await shell(
        node, f"mkdir -p /run/sshd; [ -e {HOST_KEY} ] || ssh-keygen -q -t ed25519 -N '' -f {HOST_KEY}"
    )
    assert made.code == 0, made.err
    node.write(_CONF, f"{_SSHD}{authorized_keys}\n")
    await node.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", _CONF], node.boot_log)


async def sshd_answers(asking: Node, address: str) -> None:
    """Wait until the sshd at `address` answers `asking`."""
    tried = await shell(
        asking, f"for n in {{1..200}}; do (exec 3<>/dev/tcp/{address}/22) && exit 0; done; exit 1"
    )
    assert tried.code == 0, tried.err
