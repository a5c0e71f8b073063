"""The files of this node's own state that belong in a backup, each found by the module that keeps it.

What belongs to a running service is not among them: the grant, the record of what is in step, the mark of newer data,
alerts under way, whether the HA engine is to run, a maintenance. Restored later, each of them would say something of
the pair that is no longer so.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.agent.journal_file import JournalFile
from appliance.cluster.engine import ClusterEngine
from appliance.cluster.installed import engines
from appliance.core.backup import LeftOut
from appliance.core.errors import HostError
from appliance.host.disk import is_set_aside
from appliance.host.leftovers import is_temporary
from appliance.host.paths import (
    CARD,
    CONF,
    DATA,
    JOURNAL,
    PANEL_DIR,
    PROVISIONING,
    SILENCES,
    SSH_KEYS,
    TRENDS,
)
from appliance.panel.auth.seal import Seal
from appliance.panel.auth.token import MetricsToken
from appliance.panel.auth.users import Users
from appliance.sark.provisioning import PHP, TEXT
from appliance.sync.ssh_access import KEY_FILES

# What stands between the name of a file that a restore has replaced and the time of that.
BEFORE_RESTORE = ".before-restore-"
_STATE = (CONF, CARD, TRENDS, SILENCES, Users(PANEL_DIR).path, *JournalFile(JOURNAL).paths)
_KEYS = (Seal(PANEL_DIR).path, MetricsToken(PANEL_DIR).path, *(SSH_KEYS / name for name in KEY_FILES))
# Made again from the conf file whenever they are missing.
_MADE_AGAIN = frozenset({PROVISIONING / TEXT, PROVISIONING / PHP})


@dataclass(frozen=True, slots=True)
class Place:
    """A path on the machine at which a file of the node's own state may be; `secret`: it is a key."""

    path: Path
    secret: bool


class Places:
    """The places of the machine whose `/` is at `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self._fixed = {
            **{path: Place(path, secret=False) for path in _STATE},
            **{path: Place(path, secret=True) for path in (*_KEYS, *_engine_secrets())},
        }

    def at(self, path: Path | str) -> Path:
        """Return where the machine's own `path` is."""
        return self.root / str(path).lstrip("/")

    def all(self) -> Iterator[Place]:
        """Yield every place at which something is, in a settled order."""
        for path in sorted({*self._fixed, *self._of_folder()}):
            there = _lstat(self.at(path))
            if there is not None:
                yield self._fixed.get(path) or Place(path, secret=not there.st_mode & stat.S_IROTH)

    def left_out(self) -> Iterator[LeftOut]:
        """Yield what a backup never has, and somebody might look for in it."""
        for mark in DATA.marks:
            if _lstat(self.at(mark)) is not None:
                yield LeftOut(
                    str(mark),
                    "this node has data which the other one does not have: they are no part of a backup",
                )

    def knows(self, path: str) -> bool:
        """Tell whether a backup may put a file at `path` of this machine."""
        place = Path(path)
        return place in self._fixed or (place.parent == PROVISIONING and _is_kept(place))

    def _of_folder(self) -> Iterator[Path]:
        """Yield what the site has put into the folder of its own: profiles, certificates, passwords of devices."""
        try:
            names = [entry.name for entry in self.at(PROVISIONING).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from (path for name in names if _is_kept(path := PROVISIONING / name))


def _is_kept(path: Path) -> bool:
    passing = is_temporary(path.name) or is_set_aside(path.name) or BEFORE_RESTORE in path.name
    return not passing and path not in _MADE_AGAIN and path not in DATA.marks


def _engine_secrets() -> Iterator[Path]:
    for engine in engines():
        yield from _secret_of(engine)


def _secret_of(engine: ClusterEngine) -> Iterator[Path]:
    try:
        yield engine.secret_file()
    except HostError:  # it is not installed
        return


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
