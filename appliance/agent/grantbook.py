"""The grant on file, shared by the agent and a resource script that has to work without it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from appliance.core import grant as rules
from appliance.core.grant import Grant, Verb, Verdict


class GrantBook:
    """Reads and changes the grant under a lock; two scripts at once take turns.

    `least_generation` is the highest generation the journal knows: after a reboot the book is empty, and
    generations must still not fall.
    """

    def __init__(self, path: Path, least_generation: int = 0) -> None:
        self._path = path
        self._least = least_generation

    def read(self) -> Grant:
        """The grant as it stands. An unreadable book is no grant: letting go is always safe."""
        with self._locked() as descriptor:
            return self._load(descriptor)

    def ask(self, verb: Verb, ticket: float, engine: str) -> tuple[Grant, Verdict]:
        """Apply a script's wish (see `core.grant.ask`) and keep the result."""
        with self._locked() as descriptor:
            changed, verdict = rules.ask(self._load(descriptor), verb, ticket, engine)
            self._store(descriptor, changed)
        return changed, verdict

    def void(self) -> Grant:
        """End the grant without a script: Heartbeat is dead, or this node gives up."""
        with self._locked() as descriptor:
            changed = rules.void(self._load(descriptor))
            self._store(descriptor, changed)
        return changed

    def settled(self) -> Grant:
        """Everything of a voided grant has been let go."""
        with self._locked() as descriptor:
            changed = rules.settled(self._load(descriptor))
            self._store(descriptor, changed)
        return changed

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _load(self, descriptor: int) -> Grant:
        try:
            found = Grant(**json.loads(os.pread(descriptor, 4096, 0)))
        except (ValueError, TypeError):
            return Grant(generation=self._least)
        return found

    def _store(self, descriptor: int, grant: Grant) -> None:
        # One short write of one length over the old text: a reader never sees half, nor two.
        text = json.dumps(asdict(grant)).ljust(256).encode()
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
