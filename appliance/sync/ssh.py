"""ssh to the peer: one connection kept open, our own key and pinned host key, and what its complaints mean."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Conf
from appliance.core.alert import one_line
from appliance.core.errors import HostError
from appliance.core.model import Node
from appliance.host.process import find_program, run
from appliance.sync.problems import Kind, SyncProblem

# The host key is pinned under this name, whatever address the peer is reached at.
PEER_ALIAS = "asha-peer"
NOT_KEPT = Path("none")
"""As `socket`: a connection of its own every time (ssh_config(5), ControlPath)."""

# What OpenSSH and rsync say, in the order in which it decides (OpenSSH 9.2, rsync 3.5; older ones are assumed).
_SIGNS: tuple[tuple[str, Kind], ...] = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", Kind.HOST_KEY_CHANGED),
    ("Host key verification failed", Kind.HOST_KEY_UNKNOWN),
    ("UNPROTECTED PRIVATE KEY FILE", Kind.KEY_PERMISSIONS),
    ("bad permissions", Kind.KEY_PERMISSIONS),
    ("Permission denied (", Kind.KEY_REFUSED),
    ("Too many authentication failures", Kind.KEY_REFUSED),
    ("No space left on device", Kind.DISK_FULL),
    ("Could not resolve hostname", Kind.UNREACHABLE),
    ("Connection refused", Kind.UNREACHABLE),
    ("Connection timed out", Kind.UNREACHABLE),
    ("No route to host", Kind.UNREACHABLE),
    ("Network is unreachable", Kind.UNREACHABLE),
    ("rsync: command not found", Kind.NO_RSYNC_THERE),
)

KEYS = Path("/var/lib/asha/ssh")
_SAID = 300  # characters of the other side's own words in a sentence of ours


@dataclass(frozen=True, slots=True)
class Ssh:
    """The way to root at `host`. `keys` holds `id` and `known_hosts`; `socket` is the kept-open connection's."""

    host: str
    port: int
    keys: Path = KEYS
    socket: Path = Path("/run/asha/ssh-peer")

    def options(self) -> tuple[str, ...]:
        """What every ssh of ours is called with. No word has a space in it: rsync splits its shell at spaces."""
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
        """Run `words` there as an operator who logs in, with whatever key or password he has."""
        return ("ssh", *self._pinned(), self.host, *words)

    def _pinned(self) -> tuple[str, ...]:
        """To root at the pinned host and no other."""
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
        """Run `words` there."""
        return ("ssh", *self.options(), self.host, *words)

    def shell(self) -> str:
        """What rsync is to reach the peer by (its --rsh)."""
        return " ".join(("ssh", *self.options()))

    def diagnose(self, complaint: str, code: int) -> SyncProblem:
        """What a program that ended with `code` after `complaint` has met with."""
        kind = next((kind for sign, kind in _SIGNS if sign in complaint), Kind.INTERRUPTED)
        last = complaint.splitlines()[-1] if complaint else f"it ended with status {code}"
        return SyncProblem(kind, f"{self.host}: {one_line(last, _SAID).rstrip('.')}.")


def way_to_peer(conf: Conf, node: Node) -> Ssh:
    """How the other node is reached from `node`."""
    if node is Node.PRIMARY:
        return Ssh(conf.secondary_addr or conf.secondary_name, conf.ssh_port)
    return Ssh(conf.primary_addr or conf.primary_name, conf.ssh_port)


@functools.cache
def _persistence() -> tuple[str, ...]:
    """How long a connection is kept without a use, where ssh knows that: OpenSSH 5.6, by its release notes.

    An older one keeps it as long as what has opened it, which is the standing link.
    """
    try:
        said = run([find_program("ssh"), "-V"], deadline=5.0)
    except HostError:
        return ()  # whoever runs it next says so
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", said.kept + said.error)
    older = found is not None and tuple(map(int, found.groups())) < (5, 6)
    return () if older else ("-oControlPersist=300",)
