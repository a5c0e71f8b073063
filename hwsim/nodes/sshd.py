"""A real sshd on a node, and shell scripts run there."""

from __future__ import annotations

from hwsim.nodes.errors import NodeError
from hwsim.nodes.inside import Result
from hwsim.nodes.node import Node

HOST_KEY = "/etc/ssh/rack_key"
AUTHORIZED_KEYS = "/root/.ssh/authorized_keys"
_CONF = "/etc/ssh/rack_config"
_SSHD = f"""
Port 22
HostKey {HOST_KEY}
UsePAM no
StrictModes no
PidFile none
Subsystem sftp /usr/lib/openssh/sftp-server
AuthorizedKeysFile """
# Connections are refused at once until sshd listens, so attempts alone take no time: beside busy neighbours sshd may
# need longer for its start than hundreds of them.
_KNOCK = "for n in {{1..300}}; do (exec 3<>/dev/tcp/{address}/22) && exit 0; sleep 0.1; done; exit 1"


async def shell(node: Node, script: str) -> Result:
    """Run `script` on `node` with bash."""
    return await node.run(["bash", "-c", script], 60)


async def start_sshd(node: Node, authorized_keys: str = AUTHORIZED_KEYS) -> None:
    """Run sshd on `node` until the node goes down. Raises NodeError.

    The host key is the node's own and stays on its disk.
    """
    made = await shell(
        node, f"mkdir -p /run/sshd; [ -e {HOST_KEY} ] || ssh-keygen -q -t ed25519 -N '' -f {HOST_KEY}"
    )
    if not made.ok:
        raise NodeError(f"{node.hostname} has got no host key: {made.err.strip()}")
    node.write(_CONF, f"{_SSHD}{authorized_keys}\n")
    await node.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", _CONF], node.boot_log)


async def sshd_answers(asking: Node, address: str) -> None:
    """Wait until the sshd at `address` answers `asking`. Raises NodeError when it does not."""
    tried = await shell(asking, _KNOCK.format(address=address))
    if not tried.ok:
        raise NodeError(f"sshd at {address} does not answer {asking.hostname}: {tried.err.strip()[-200:]}")
