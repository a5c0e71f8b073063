"""Where synchronisation keeps its own things."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """`lasting` survives a reboot; `passing` is on a tmpfs."""

    lasting: Path = Path("/var/lib/asha/sync")
    passing: Path = Path("/run/asha/sync")

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
    def served(self) -> Path:
        """There while this node has data of its own that its peer has not got."""
        return self.lasting / "served"

    @property
    def quarantine(self) -> Path:
        """The peer's versions of what both nodes have changed."""
        return self.lasting / "quarantine"

    def kept(self, path: bytes, digest: str) -> bytes:
        """Where the peer's version of `path` with that digest is kept."""
        return os.fsencode(self.quarantine / digest[:16]) + path

    def file_list(self, token: str) -> Path:
        """A list of files the peer may fetch. `token` is 16 hexadecimal digits."""
        return self.passing / f"list-{token}"
