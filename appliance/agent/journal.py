"""The append-only journal: every decision, order and relay move, with reason, generation and hash chain.

The agent and (when the agent is dead) the resource script write the same file, one line an entry, under a
lock. Disk writes happen in a thread of their own, so that a slow disk never delays a transfer.
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from appliance.core.chain import START, Broken, link, verify
from appliance.host.clock import Clock

Entry = dict[str, Any]
# The journal is turned over at this size, in bytes; the chain goes on into the next file.
TURN_OVER = 8 * 1024 * 1024
_KEPT_IN_MEMORY = 400
_BLOCK = 65536


class JournalFile:
    """The file itself: appends one linked line under a lock. Blocking."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, entry: Entry) -> Entry:
        """Append `entry` with its link, and return it linked. Raises OSError when the disk refuses."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            previous = _mend_tail(descriptor)
            linked = link(previous or self._last_of_older(), entry)
            os.write(descriptor, json.dumps(linked).encode() + b"\n")
            if os.fstat(descriptor).st_size >= TURN_OVER:
                self._path.rename(self._older)
        finally:
            os.close(descriptor)
        return linked

    def entries(self, newest: int | None = None) -> list[Entry]:
        """What is written, oldest first; only the `newest` if given. Lines that are no entries are left out."""
        if newest is not None:
            return list(islice(self.backwards(), newest))[::-1]
        return [entry for line in self._lines() if (entry := _parse(line)) is not None]

    def backwards(self, kinds: frozenset[str] | None = None) -> Iterator[Entry]:
        """What is written, newest first, and only those of `kinds` if given. Reads no more of it than is asked for."""
        marks = None if kinds is None else [f'"kind": "{kind}"'.encode() for kind in kinds]
        for path in (self._path, self._older):
            for line in _lines_backwards(path, marks):
                entry = _parse(line.decode(errors="replace"))
                if entry is not None and (kinds is None or entry.get("kind") in kinds):
                    yield entry

    def check(self) -> Broken | None:
        """The first place where the hash chain does not hold, or None."""
        return verify(self._lines())

    @property
    def _older(self) -> Path:
        return self._path.with_name(self._path.name + ".1")

    def _lines(self) -> Iterator[str]:
        for path in (self._older, self._path):
            if path.exists():
                with path.open(encoding="utf-8", errors="replace") as file:
                    yield from (line for line in file if line.strip())

    def _last_of_older(self) -> str:
        if not self._older.exists():
            return START
        with self._older.open("rb") as file:
            return _last_hash(file.fileno()) or START


class Journal:
    """What the agent writes to: returns at once; a thread does the writing."""

    def __init__(self, file: JournalFile, clock: Clock, on_problem: Callable[[str], None]) -> None:
        self._file = file
        self._clock = clock
        self._on_problem = on_problem
        self._waiting: queue.SimpleQueue[Entry | threading.Event | None] = queue.SimpleQueue()
        self._recent: deque[Entry] = deque(maxlen=_KEPT_IN_MEMORY)
        self._count = 0
        self._writer = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._writer.start()

    def note(self, kind: str, **fields: object) -> None:
        """Write an entry of `kind`, with the time on both clocks (`at` monotonic, `wall` epoch seconds)."""
        entry = {
            "at": round(self._clock.now(), 6),
            "wall": round(self._clock.wall(), 3),
            "kind": kind,
            **fields,
        }
        self._count += 1
        self._recent.append({"number": self._count, **entry})
        self._waiting.put(entry)

    def since(self, number: int) -> list[Entry]:
        """Entries of this agent's life after the `number`th, oldest first, for those who follow."""
        return [entry for entry in self._recent if entry["number"] > number]

    def settle(self, patience: float = 1.0) -> None:
        """Wait until all that was noted so far is in the file, at most `patience` seconds. Blocking."""
        reached = threading.Event()
        self._waiting.put(reached)
        reached.wait(patience)

    def settled(self) -> JournalFile:
        """The file, with all that was noted so far. Blocking, for a second at the most."""
        self.settle()
        return self._file

    def close(self) -> None:
        """Write what is waiting, and end the thread."""
        self._waiting.put(None)
        self._writer.join(timeout=5.0)

    def _write_all(self) -> None:
        while (entry := self._waiting.get()) is not None:
            if isinstance(entry, threading.Event):
                entry.set()
                continue
            try:
                self._file.append(entry)
            except OSError as problem:
                self._on_problem(f"the journal cannot be written: {problem.strerror}")


def _lines_backwards(path: Path, marks: Sequence[bytes] | None) -> Iterator[bytes]:
    """The whole lines of the file at `path`, the last first, and only those with one of `marks` if given.

    To take a block or a line apart costs much more than to look for a word in it.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        place, rest = file.seek(0, os.SEEK_END), b""
        while place:
            size = min(_BLOCK, place)
            place -= size
            file.seek(place)
            block = file.read(size) + rest
            if not _marked(block, marks):
                rest = block.partition(b"\n")[0]
                continue
            rest, *whole = block.split(b"\n")
            yield from (line for line in reversed(whole) if line and _marked(line, marks))
        if rest and _marked(rest, marks):
            yield rest


def _marked(text: bytes, marks: Sequence[bytes] | None) -> bool:
    return marks is None or any(mark in text for mark in marks)


def _mend_tail(descriptor: int) -> str | None:
    """Hash of the last entry. A half line left by a crash is cut off first: it never was an entry."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        tail = os.pread(descriptor, 65536, max(0, size - 65536))
        os.ftruncate(descriptor, size - (len(tail) - tail.rfind(b"\n") - 1))
    return _last_hash(descriptor)


def _last_hash(descriptor: int) -> str | None:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, 65536, max(0, size - 65536)).decode("utf-8", "replace").splitlines()
    entry = _parse(tail[-1]) if tail else None
    return str(entry["hash"]) if entry and "hash" in entry else None


def _parse(line: str) -> Entry | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
