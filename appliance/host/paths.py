"""Every place where asha keeps a file of its own, and where it finds others: no other module names one.

Only the control socket stands apart, in `agent_socket`. The conf file's own defaults (`config/`) are values like any
other, and are not here.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple


class SyncPaths(NamedTuple):
    """The folders of synchronisation, and the files in them.

    `lasting` survives a reboot. `passing` is on a tmpfs. `apart` survives the loss or the restoring of /var. It is no
    dataclass, for the reason given in `control/protocol.py`.
    """

    lasting: Path = Path("/var/lib/asha/sync")
    passing: Path = Path("/run/asha/sync")
    apart: Path = Path("/etc/asha")

    @property
    def store(self) -> Path:
        """The database of generations, their entries, and the redo log."""
        return self.lasting / "store.db"

    @property
    def stage(self) -> Path:
        """The folder of fetched files that are not in place yet."""
        return self.lasting / "stage"

    @property
    def outbox(self) -> Path:
        """The folder of snapshots of our databases, for the peer to fetch."""
        return self.lasting / "outbox"

    @property
    def lock(self) -> Path:
        """The lock held by the process that brings data to this node."""
        return self.lasting / "lock"

    @property
    def turn(self) -> Path:
        """The lock held by the process that waits for `lock`.

        Until that process has got `lock`, no process that does not wait gets it.
        """
        return self.lasting / "turn"

    @property
    def state(self) -> Path:
        """The JSON file with the state of synchronisation, for status pages."""
        return self.lasting / "state.json"

    @property
    def marks(self) -> tuple[Path, Path]:
        """The two files of the mark that this node has data which its peer has not got; see `served`."""
        return _marks(self.lasting, self.apart)

    def make_folder_of(self, mark: Path) -> None:
        """Make the folder of `mark`, one of `marks`. Raises OSError.

        The folder `lasting` is made for root alone.
        """
        mark.parent.mkdir(mode=0o700 if mark.parent == self.lasting else 0o755, parents=True, exist_ok=True)

    @property
    def handed_over(self) -> Path:
        """The note that the peer has merged everything, which exists until the next whole pass."""
        return self.lasting / "handed-over"

    @property
    def quarantine(self) -> Path:
        """The folder of the peer's conflicting versions, and of files of ours that have made way."""
        return self.lasting / "quarantine"

    @property
    def root(self) -> Path:
        """The empty directory that becomes the root of an rsync which reads for the peer."""
        return self.passing / "root"

    def kept(self, path: bytes, digest: str) -> bytes:
        """Return where the peer's version of `path` with that `digest` is kept."""
        return os.fsencode(self.quarantine / digest[:16]) + path

    def aside(self, made: float, number: int) -> Path:
        """Return where what makes way for the generation `number` is set aside.

        `made` is the time at which the generation was decided, in epoch seconds.
        """
        return self.quarantine / f"{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime(made))}-{number}"

    def file_list(self, token: str) -> Path:
        """Return the path of a list of files for the peer to fetch. `token` is 16 hexadecimal digits."""
        return self.passing / f"list-{token}"


CONF = Path("/etc/asha.conf")
# On a tmpfs: a grant does not outlive a reboot, and reading it never waits for a disk.
GRANT = Path("/run/asha/grant")
JOURNAL = Path("/var/lib/asha/journal")
# The USB identity of the relay card, and the lock of whoever commands it: on a tmpfs, because a full or dead disk must
# not keep the line held.
CARD = Path("/var/lib/asha/card.json")
CARD_LOCK = Path("/run/asha/card.lock")
# What was seen of the relay when this machine was switched off (hw/poweroff_drills.py).
POWEROFF_DRILLS = Path("/var/lib/asha/poweroff-drills.json")
# The mark of a restart of the engine that is under way: on a tmpfs, because a reboot ends it.
ENGINE_RESTART = Path("/run/asha/engine-restart")
# Whether the engine is to run. Not on a tmpfs: one that does not come back after a reboot is missing too.
ENGINE_TARGET = Path("/var/lib/asha/engine-target")
# The note of a change from one cluster engine to the other (agent/components/engine_change.py).
ENGINE_CHANGE = Path("/var/lib/asha/engine-change.json")
MAINTENANCE = Path("/var/lib/asha/maintenance.json")
# The conf values with which Heartbeat's files were last made (agent/active_conf.py), and the conf last worked by
# (agent/kept_conf.py).
STANDING = Path("/var/lib/asha/standing.json")
KEPT_CONF = Path("/var/lib/asha/conf.kept")
TRENDS = Path("/var/lib/asha/trends.json")
SILENCES = Path("/var/lib/asha/silences.json")
DATA = SyncPaths()


@cache
def _marks(lasting: Path, apart: Path) -> tuple[Path, Path]:
    """Return the two files of the mark: they are looked at after every step of the controller, and made once."""
    return lasting / "served", apart / "served"


# The key with which the peer is asked, the host keys pinned of it, and the socket of the connection that stays open.
SSH_KEYS = Path("/var/lib/asha/ssh")
SSH_SOCKET = Path("/run/asha/ssh-peer")
# The queue of alerts; and, on a tmpfs, the alerts that the disk does not accept: first of all the alert that the
# disk accepts nothing.
ALERTS = Path("/var/lib/asha/notify")
ALERTS_PASSING = Path("/run/asha/notify")
# The page's own files, of its own user.
PANEL_USER = "asha-panel"
PANEL_DIR = Path("/var/lib/asha/panel")
# What SARK's row held last, the address that telephones register to, and the mark that their files are older than it.
SARK_MEMORY = Path("/var/lib/asha/sark.json")
PROVISIONING = Path("/etc/asha")
REGENERATE = Path("/var/lib/asha/regenerate")
# This very interpreter and package, whatever PATH says.
OWN_COMMAND = (sys.executable, "-I", "-m", "appliance.cli")
SYNC_WORKER = (sys.executable, "-I", "-m", "appliance.sync_worker")
