"""ssh to the peer: one connection kept open, asha's own key, and the pinned host key.

The complaints of ssh and rsync are turned into named problems here too.
"""

from __future__ import annotations

import contextlib
import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.config import Conf
from appliance.core.alerts import one_line
from appliance.core.errors import HostError
from appliance.core.ip_address import version_of
from appliance.core.model import Node
from appliance.host.paths import SSH_KEYS, SSH_SOCKET
from appliance.host.process import find_program, run
from appliance.sync.errors import Fault, SyncProblem

# The host key is pinned under this name, whatever address the peer is reached at.
PEER_ALIAS = "asha-peer"
NOT_KEPT = Path("none")
"""As `socket`: a connection of its own every time (ssh_config(5), ControlPath)."""

# What OpenSSH and rsync say (OpenSSH 9.2, rsync 3.5; the words of older versions are *assumed*). The first
# sign that is found decides.
_SIGNS: tuple[tuple[str, Fault], ...] = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", Fault.HOST_KEY_CHANGED),
    ("Host key verification failed", Fault.HOST_KEY_UNKNOWN),
    ("UNPROTECTED PRIVATE KEY FILE", Fault.KEY_PERMISSIONS),
    ("bad permissions", Fault.KEY_PERMISSIONS),
    ("Permission denied (", Fault.KEY_REFUSED),
    ("Too many authentication failures", Fault.KEY_REFUSED),
    ("No space left on device", Fault.DISK_FULL),
    ("Could not resolve hostname", Fault.UNREACHABLE),
    ("Connection refused", Fault.UNREACHABLE),
    ("Connection timed out", Fault.UNREACHABLE),
    ("No route to host", Fault.UNREACHABLE),
    ("Network is unreachable", Fault.UNREACHABLE),
    ("rsync: command not found", Fault.NO_RSYNC_THERE),
)

_SAID = 300  # characters of the other side's own words that go into a message of ours


@dataclass(frozen=True, slots=True)
class Ssh:
    """The way to root at `host`.

    `keys` is the folder of `id` and `known_hosts`. `socket` is the control socket of the connection that is
    kept open.
    """

    host: str
    port: int
    keys: Path = SSH_KEYS
    socket: Path = SSH_SOCKET

    @property
    def rsync_host(self) -> str:
        """The host as rsync has it before the colon of a path (rsync(1): an IPv6 address is in brackets)."""
        return f"[{self.host}]" if version_of(self.host) == 6 else self.host

    def options(self) -> tuple[str, ...]:
        """Return the options of every ssh call, none with a space, since rsync splits its shell at spaces."""
        return (
            *self._pinned(),
            f"-i{self.keys}/id",
            "-oIdentitiesOnly=yes",
            "-oBatchMode=yes",
            "-oForwardAgent=no",
            "-oServerAliveInterval=5",
            "-oServerAliveCountMax=3",
            "-oControlMaster=auto",
            f"-oControlPath={self.socket}",
            *_persistence(),
        )

    def login(self, *words: str) -> tuple[str, ...]:
        """Return the argv to run `words` at the peer as an operator who logs in, with any key or password."""
        return ("ssh", *self._pinned(), self.host, *words)

    def _pinned(self) -> tuple[str, ...]:
        """Return the options to reach root at the pinned host and at no other."""
        return (
            f"-p{self.port}",
            "-lroot",
            "-oStrictHostKeyChecking=yes",
            f"-oHostKeyAlias={PEER_ALIAS}",
            f"-oUserKnownHostsFile={self.keys}/known_hosts",
            "-oGlobalKnownHostsFile=/dev/null",
            "-oConnectTimeout=5",
        )

    def argv(self, *words: str) -> tuple[str, ...]:
        """Return the argv to run `words` at the peer with asha's own key."""
        return ("ssh", *self.options(), self.host, *words)

    def shell(self) -> str:
        """Return the remote shell with which rsync reaches the peer (its --rsh)."""
        return " ".join(("ssh", *self.options()))

    def diagnose(self, complaint: str, code: int) -> SyncProblem:
        """Return the problem met by a program that ended with `code` after `complaint`."""
        kind = next((kind for sign, kind in _SIGNS if sign in complaint), Fault.INTERRUPTED)
        last = complaint.splitlines()[-1] if complaint else f"it ended with status {code}"
        return SyncProblem(kind, f"{self.host}: {one_line(last, _SAID).rstrip('.')}.")


def way_to_peer(conf: Conf, node: Node) -> Ssh:
    """Return how the other node is reached from `node`."""
    if node is Node.PRIMARY:
        return Ssh(conf.secondary_addr or conf.secondary_name, conf.ssh_port)
    return Ssh(conf.primary_addr or conf.primary_name, conf.ssh_port)


def ways_to_peer(conf: Conf, node: Node) -> tuple[Ssh, ...]:
    """Return every way from `node` to the other node that the conf knows: the usual one, then the paths of HAMEDIA."""
    usual = way_to_peer(conf, node)
    paths = [medium.argument for medium in conf.media if medium.kind == "ucast"]
    return (usual, *(replace(usual, host=path) for path in dict.fromkeys(paths) if path != usual.host))


def drop_connection(socket: Path = SSH_SOCKET) -> None:
    """Have the next call connect anew: the connection that is kept open leads to a peer that is gone.

    Its own process ends by itself when the peer does not answer (ServerAliveInterval).
    """
    with contextlib.suppress(OSError):
        socket.unlink()


@functools.cache
def _persistence() -> tuple[str, ...]:
    """Return the option that keeps an unused connection open for 300 s, or none where ssh lacks it.

    OpenSSH has the option since 5.6, by its release notes. An older version keeps the connection as long as
    the program that opened it runs, which is the standing link.
    """
    try:
        said = run([find_program("ssh"), "-V"], deadline=5.0)
    except HostError:
        return ()  # the next run of ssh reports it
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", said.kept + said.error)
    older = found is not None and tuple(map(int, found.groups())) < (5, 6)
    return () if older else ("-oControlPersist=300",)
