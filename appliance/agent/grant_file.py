"""The grant on file, shared by the agent and a resource script that has to work without the agent."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from appliance.core import grant as rules
from appliance.core.document import parse_object
from appliance.core.engine_traits import ENGINE
from appliance.core.grant import Grant, Verb, Verdict
from appliance.host.clock import Clock, SystemClock
from appliance.host.disk import keep_spoilt, open_lock, read_small

_LENGTH = 256
_LONGEST = 4096
_MOST_GENERATIONS = 2**53
# A process that was stopped while it held the lock must not keep others from letting go for longer, in
# seconds.
_PATIENCE = 1.0
_LOOK = 0.01
_UPTIME = Path("/proc/uptime")


class GrantFile:
    """The file that keeps the grant, read and changed under a lock, so that two scripts at once take turns.

    `least_generation` is the highest generation that the journal knows: after a reboot the file is empty, and
    generations must still not fall. `lost`: the last look found no readable grant on file, held or not; then
    only Heartbeat can say whether this node is to serve. `problem`: why the grant cannot be kept on file, ""
    when it can; the grant is then kept in memory, for as long as this process lives.
    """

    def __init__(self, path: Path, least_generation: int = 0, clock: Clock | None = None) -> None:
        self._path = path
        self._least = least_generation
        self._clock = clock or SystemClock()
        self._unkept: Grant | None = None
        self._peeked: tuple[bytes | None, Grant] = None, Grant()
        self.lost = False
        self.problem = ""

    def read(self) -> Grant:
        """Return the grant as it stands. Never raises.

        An unreadable file counts as no grant: letting go is always safe.
        """
        with self._locked() as descriptor:
            return self._load(descriptor)

    def peek(self) -> Grant | None:
        """Return the grant as it stands, without waiting for the lock; None when it cannot be read now.

        A grant is written by one write of one length (see `_store`), so what is read is one whole grant. The
        agent looks every turn, and must not hang because a script was stopped while it held the lock.
        """
        try:
            content = read_small(self._path, _LONGEST)
            return self._parsed(content) if content is not None else None
        except (OSError, ValueError):
            return None

    def _parsed(self, content: bytes) -> Grant:
        """Return the grant in `content`, parsed again only when it is another one than at the last look.

        What could have been written since boot could still have been later: a ticket does not become younger.
        """
        before, grant = self._peeked
        if content != before:
            grant = parse_grant(content)
            self._peeked = content, grant
        return grant

    def ask(self, verb: Verb, ticket: float, engine: str) -> tuple[Grant, Verdict]:
        """Apply the wish of a script (see `core.grant.ask`) and keep the result."""
        with self._locked() as descriptor:
            changed, verdict = rules.ask(self._load(descriptor), verb, ticket, engine)
            self._store(descriptor, changed)
        return changed, verdict

    def void(self) -> Grant:
        """End the grant without a script: Heartbeat is dead, or this node gives up service."""
        with self._locked() as descriptor:
            changed = rules.void(self._load(descriptor))
            self._store(descriptor, changed)
        return changed

    def confirm(self, engine: str) -> Grant:
        """Restore a grant that is not on file.

        The Heartbeat master `engine` has said that this node holds everything.
        """
        with self._locked() as descriptor:
            changed = rules.confirm(self._load(descriptor), engine)
            self._store(descriptor, changed)
        return changed

    def settled(self) -> Grant:
        """Record that everything of a voided grant has been let go."""
        with self._locked() as descriptor:
            changed = rules.settled(self._load(descriptor))
            self._store(descriptor, changed)
        return changed

    @contextmanager
    def _locked(self) -> Iterator[int | None]:
        """Hold the lock, and yield the descriptor of the file, or None when it cannot be opened."""
        descriptor = self._open()
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _open(self) -> int | None:
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            descriptor = open_lock(self._path)
        except OSError as problem:
            self.problem = _cannot_be_kept(self._path, problem)
            return None
        self._wait(descriptor)
        return descriptor

    def _wait(self, descriptor: int) -> None:
        end = self._clock.now() + _PATIENCE
        while True:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if self._clock.now() >= end:
                return
            self._clock.sleep(_LOOK)

    def _load(self, descriptor: int | None) -> Grant:
        if self._unkept is not None:
            return self._unkept
        content = b""
        try:
            content = os.pread(descriptor, _LONGEST, 0) if descriptor is not None else b""
            found = parse_grant(content)
        except (OSError, ValueError):
            if content and descriptor is not None:
                self._set_aside(descriptor, content)
            self.lost = True
            return Grant(generation=self._least)
        self.lost = False
        return found

    def _set_aside(self, descriptor: int, content: bytes) -> None:
        """Move the content of the file aside, not the file: other processes may wait for its lock."""
        with contextlib.suppress(OSError):
            keep_spoilt(self._path, content)
            os.ftruncate(descriptor, 0)

    def _store(self, descriptor: int | None, grant: Grant) -> None:
        # One short write of one length over the old text: a reader never sees half a grant, nor parts of two.
        text = json.dumps(asdict(grant)).ljust(_LENGTH).encode()
        try:
            if descriptor is None:
                raise OSError(0, self.problem)  # noqa: TRY301 - said below, as any other refusal
            if os.pwrite(descriptor, text, 0) != len(text):
                raise OSError(0, "only a part of it was written")  # noqa: TRY301
            os.ftruncate(descriptor, len(text))
        except OSError as problem:
            self._unkept = grant
            self.problem = self.problem or _cannot_be_kept(self._path, problem)
        else:
            self._unkept, self.problem, self.lost = None, "", False


def parse_grant(content: bytes) -> Grant:
    """Return the grant in `content`.

    Raises ValueError for anything that could not have been written since boot.
    """
    found = parse_object(content)
    # Versions of asha before the controller of 2.0.0 wrote no `clearing`, and may be upgraded while they
    # serve.
    if {"clearing": False, **found}.keys() != asdict(Grant()).keys():
        raise ValueError("it is no grant")
    held, generation, ticket, engine = (found[name] for name in ("held", "generation", "ticket", "engine"))
    right = (
        isinstance(held, bool)
        and type(generation) is int
        and 0 <= generation < _MOST_GENERATIONS
        and type(ticket) in (int, float)
        and 0 <= ticket <= _uptime()
        and isinstance(engine, str)
        and isinstance(clearing := found.get("clearing", False), bool)
    )
    if not right:
        raise ValueError("it is no grant that could have been given since this machine was booted")
    return Grant(held, generation, float(ticket), engine, clearing)


def _uptime() -> float:
    """Return the seconds since boot, plus one for rounding.

    A ticket, which is the time at which a script was started, cannot be later than this.
    """
    return float(_UPTIME.read_text(encoding="ascii").split()[0]) + 1.0


def _cannot_be_kept(path: Path, problem: OSError) -> str:
    return (
        f"the grant cannot be kept in {path} ({problem.strerror or problem}): it is kept in memory, and after a "
        f"restart of the agent {ENGINE} is asked for it"
    )
