"""Where synchronisation keeps its own things."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """`lasting` survives a reboot; `passing` is on a tmpfs; `apart` survives a /var that is lost or restored."""

    lasting: Path = Path("/var/lib/asha/sync")
    passing: Path = Path("/run/asha/sync")
    apart: Path = Path("/etc/asha")

    @property
    def store(self) -> Path:
        """Generations, their entries, and the redo log."""
        return self.lasting / "store.db"

    @property
    def stage(self) -> Path:
        """What was fetched and is not in place yet."""
        return self.lasting / "stage"

    @property
    def outbox(self) -> Path:
        """Snapshots of our databases, for the peer."""
        return self.lasting / "outbox"

    @property
    def lock(self) -> Path:
        """Held by whoever brings data here."""
        return self.lasting / "lock"

    @property
    def turn(self) -> Path:
        """Held by whoever waits for `lock`: until he has got it, nobody who will not wait gets it."""
        return self.lasting / "turn"

    @property
    def state(self) -> Path:
        """How synchronisation stands, as JSON, for status pages."""
        return self.lasting / "state.json"

    @property
    def marks(self) -> tuple[Path, Path]:
        """Where the mark is kept that this node has data which its peer has not got; see `served`."""
        return self.lasting / "served", self.apart / "served"

    def make_folder_of(self, mark: Path) -> None:
        """Have the folder that `mark`, one of `marks`, lies in. `lasting` is for root alone. Raises OSError."""
        mark.parent.mkdir(mode=0o700 if mark.parent == self.lasting else 0o755, parents=True, exist_ok=True)

    @property
    def handed_over(self) -> Path:
        """There from the peer's word that it has merged everything until the next whole pass."""
        return self.lasting / "handed-over"

    @property
    def quarantine(self) -> Path:
        """The peer's versions of what both nodes have changed, and what of ours has made way for them."""
        return self.lasting / "quarantine"

    @property
    def root(self) -> Path:
        """The empty directory that becomes the root of an rsync which reads for the peer."""
        return self.passing / "root"

    def kept(self, path: bytes, digest: str) -> bytes:
        """Where the peer's version of `path` with that digest is kept."""
        return os.fsencode(self.quarantine / digest[:16]) + path

    def aside(self, made: float, number: int) -> Path:
        """Where what makes way for the generation `number`, decided at the wall time `made`, is set aside."""
        return self.quarantine / f"{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime(made))}-{number}"

    def file_list(self, token: str) -> Path:
        """A list of files the peer may fetch. `token` is 16 hexadecimal digits."""
        return self.passing / f"list-{token}"
