"""The file of the journal: one line an entry, each with the hash of the one before, written under a lock.

A line is in the file whole or not at all. What a crash or a full disk has cut short is taken off before the
next entry, which says so. Until then it is no entry to those who read, and no break of the chain: a process that is
killed on a full disk leaves such a half line, and so does every writer for the moment until it has taken it off.
A file that does not end with an entry was written by something else: the chain
restarts behind the foreign part, with an entry that names the place (`core.chain.AFTER_SPOILT`), so that a
check can tell this from an entry that was changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from appliance.core.document import parse_object
from appliance.core.journal_entry import JournalEntry
from appliance.core.journal_rules import AFTER_SPOILT, START, Broken, ChainCheck, Entry, link, look_through
from appliance.host.disk import open_lock, open_plain, set_aside

# At this size, in bytes, the journal is renamed and a new file begun; the chain goes on into the new file.
TURN_OVER = 8 * 1024 * 1024
# The longest entry, in bytes; anything longer without an end of line was never an entry.
LONGEST_LINE = 65536
# In an entry that would be too long, each text is cut to this many characters, and the entry says so.
_CUT_TO = 2000
_SHOWN_OF_HALF_LINE = 200
_BLOCK = 65536


class JournalFile:
    """The journal file at `path`, and the older one at `path`.1.

    Appends one linked line at a time, under a lock. Blocking.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._older_is_seen = False
        self.spoilt = ""  # what this object has found spoilt, and has gone on behind

    def append(self, entry: Entry) -> JournalEntry:
        """Append the fields of `entry` with their link, and return it linked. Raises OSError when the disk refuses."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = self._open()
        try:
            previous = self._mend(descriptor, entry)
            linked = _write(descriptor, previous, entry)
            if os.fstat(descriptor).st_size >= TURN_OVER:
                self.path.rename(self._older)
        finally:
            os.close(descriptor)
        return linked

    def entries(self, newest: int | None = None) -> list[JournalEntry]:
        """Return the entries, oldest first; only the `newest` ones if given.

        Lines that are no entries are left out. Raises OSError when the file cannot be read.
        """
        if newest is not None:
            return list(islice(self.backwards(), newest))[::-1]
        return [entry for line in self._lines() if (entry := _parse(line)) is not None]

    def backwards(self, kinds: frozenset[str] | None = None) -> Iterator[JournalEntry]:
        """Yield the entries, newest first; only those of `kinds` if given.

        No more of the file is read than the caller asks for. Raises OSError when the file cannot be read.
        """
        marks = None if kinds is None else [f'"kind": "{kind}"'.encode() for kind in kinds]
        for path in (self.path, self._older):
            for line in _lines_backwards(path, marks):
                entry = _parse(line.decode(errors="replace"))
                if entry is not None and (kinds is None or entry.kind in kinds):
                    yield entry

    def newest_generation(self) -> int:
        """Return the highest generation among the newest entries; 0 when none can be read.

        Never raises.
        """
        with contextlib.suppress(OSError):
            return max((entry.generation or 0 for entry in self.entries(newest=50)), default=0)
        return 0

    def check(self) -> Broken | None:
        """Return the first place where the hash chain does not hold, or None."""
        return self.look_through().broken

    def look_through(self) -> ChainCheck:
        """Follow the whole chain. Raises OSError when the file cannot be read."""
        return replace(look_through(self._lines()), unfinished=self._unfinished())

    def _unfinished(self) -> int:
        """Return how many bytes stand behind the last end of line."""
        descriptor = open_plain(self.path)
        if descriptor is None:
            return 0
        try:
            return os.fstat(descriptor).st_size - _size_of_whole_lines(descriptor)
        finally:
            os.close(descriptor)

    def trouble(self) -> str:
        """Return why the file cannot be read or is spoilt; "" when it is good or does not exist."""
        try:
            descriptor = open_plain(self.path)
            if descriptor is None:
                return ""
            try:
                whole = _last_hash(descriptor) is not None or os.fstat(descriptor).st_size == 0
            finally:
                os.close(descriptor)
        except OSError as problem:
            return f"the journal {self.path} cannot be read: {problem.strerror}"
        return "" if whole else f"the journal {self.path} does not end with an entry: it was spoilt"

    @property
    def paths(self) -> tuple[Path, Path]:
        """The file, and the older one."""
        return self.path, self._older

    def contents(self) -> dict[Path, bytes]:
        """Return the whole lines of both files as they follow each other: none is begun or renamed meanwhile.

        A file that does not exist is left out. Raises OSError.
        """
        found: dict[Path, bytes] = {}
        held = self._open() if self.path.exists() else None
        try:
            for path in self.paths:
                descriptor = open_plain(path)
                if descriptor is None:
                    continue
                with os.fdopen(descriptor, "rb") as file:
                    found[path] = file.read(_size_of_whole_lines(descriptor))
        finally:
            if held is not None:
                os.close(held)
        return found

    @property
    def _older(self) -> Path:
        return self.path.with_name(self.path.name + ".1")

    def _open(self) -> int:
        """Open the file and take its lock.

        A file that was renamed while this waited for the lock is no longer the journal, so the new one is
        opened.
        """
        while True:
            descriptor = open_lock(self.path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                here, there = os.fstat(descriptor), os.lstat(self.path)
            except FileNotFoundError:
                os.close(descriptor)
                continue
            except BaseException:
                os.close(descriptor)
                raise
            if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                return descriptor
            os.close(descriptor)

    def _mend(self, descriptor: int, entry: Entry) -> str:
        """Make the file end with a whole entry, and return the hash of that entry.

        `entry`: the one that is to follow.
        """
        if not self._older_is_seen:
            self._last_of_older()
            self._older_is_seen = True
        half = _cut_half_line(descriptor)
        previous = _last_hash(descriptor)
        if previous is None and os.fstat(descriptor).st_size == 0:
            previous = self._last_of_older()
        if previous is not None and not half:
            return previous
        says = (
            f"what was before this entry was cut short: {len(half)} bytes"
            if half
            else "what is before is no entry"
        )
        note: dict[str, object] = {key: entry[key] for key in ("at", "wall") if key in entry}
        note |= {"kind": "journal", "says": f"{says} (a crash, a full disk, or another hand)"}
        if half:
            note["began"] = half[:_SHOWN_OF_HALF_LINE].decode(errors="replace")
        if previous is None:
            note[AFTER_SPOILT] = True
            self.spoilt = (
                f"the journal {self.path} was spoilt and goes on: 'asha events --verify' names the place"
            )
        return _write(descriptor, previous or START, note).hash

    def _lines(self) -> Iterator[str]:
        """Yield the lines up to the last end of line that was there when the file was opened.

        What stands behind it is no entry yet, and its writer may take it off at any moment.
        """
        for path in (self._older, self.path):
            file = open_plain(path)
            if file is None:
                continue
            with os.fdopen(file, "rb") as lines:
                left = _size_of_whole_lines(file) if path == self.path else os.fstat(file).st_size
                while left > 0 and (line := lines.readline(min(left, 2 * LONGEST_LINE))):
                    left -= len(line)
                    if line.strip():
                        yield line.decode("utf-8", "replace")

    def _last_of_older(self) -> str:
        """Return the hash that the first entry of the file follows.

        Anything in the place of the older file that does not end with an entry is set aside, once.
        """
        descriptor = None
        try:
            descriptor = open_plain(self._older)
            there = descriptor is not None and os.fstat(descriptor).st_size > 0
            found = _last_hash(descriptor) if descriptor is not None and there else START
        except OSError:
            found = None
        finally:
            if descriptor is not None:
                os.close(descriptor)
        if found is None:
            set_aside(self._older)
        return found or START


def _write(descriptor: int, previous: str, entry: Entry) -> JournalEntry:
    """Append a whole line, or nothing of it. Raises OSError."""
    linked = link(previous, entry)
    line = json.dumps(linked).encode() + b"\n"
    if len(line) > LONGEST_LINE:
        linked = link(previous, _shortened(entry, len(line)))
        line = json.dumps(linked).encode() + b"\n"
    end = os.lseek(descriptor, 0, os.SEEK_END)
    try:
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(28, f"only {written} of {len(line)} bytes were written")  # noqa: TRY301
    except OSError:
        with contextlib.suppress(OSError):  # if that fails too, the next entry takes the rest off
            os.ftruncate(descriptor, end)
        raise
    return JournalEntry(linked)


def _shortened(entry: Entry, length: int) -> Entry:
    """Return `entry` with its texts cut, and with its former length.

    A value that is no text and still too long is left out.
    """
    short = {key: value[:_CUT_TO] if isinstance(value, str) else value for key, value in entry.items()}
    while len(json.dumps(short)) > LONGEST_LINE // 2:
        del short[max(short, key=lambda key: len(json.dumps(short[key])))]
    return {**short, "cut_from": length}


def _cut_half_line(descriptor: int) -> bytes:
    """Take off what a crash has left behind the last end of line, and return it.

    A piece longer than an entry can be was never an entry: it gets an end of line and stays. Raises OSError.
    """
    size, whole = os.fstat(descriptor).st_size, _size_of_whole_lines(descriptor)
    if whole == size:
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.pwrite(descriptor, b"\n", size)
        return b""
    half = os.pread(descriptor, size - whole, whole)
    os.ftruncate(descriptor, whole)
    return half


def _size_of_whole_lines(descriptor: int) -> int:
    """Return where the half line at the end begins; the size of the file when there is none.

    A piece longer than an entry can be is no half line.
    """
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, LONGEST_LINE, max(0, size - LONGEST_LINE))
    if b"\n" not in tail and size > len(tail):
        return size
    return size - len(tail) + tail.rfind(b"\n") + 1


def _last_hash(descriptor: int) -> str | None:
    """Return the hash of the last line; None when there is no line, or the last line is no entry."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, 2 * LONGEST_LINE, max(0, size - 2 * LONGEST_LINE)).split(b"\n")
    last = tail[-2] if len(tail) > 1 and not tail[-1] else b""  # a whole line has an end
    entry = _parse(last.decode("utf-8", "replace"))
    found = entry.hash if entry is not None else ""
    return found if len(found) == len(START) else None


def _lines_backwards(path: Path, marks: Sequence[bytes] | None) -> Iterator[bytes]:
    """Yield the whole lines of the file at `path`, the last first; only those with one of `marks` if given.

    To split a block or a line costs much more than to search it for a word. A line longer than an entry can
    be is left out, so that a file without ends of lines costs no more memory than any other.
    """
    descriptor = open_plain(path)
    if descriptor is None:
        return
    with os.fdopen(descriptor, "rb") as file:
        place, rest = file.seek(0, os.SEEK_END), b""
        while place:
            size = min(_BLOCK, place)
            place -= size
            file.seek(place)
            block = file.read(size) + rest[-LONGEST_LINE - 1 :]
            if not _marked(block, marks):
                rest = block.partition(b"\n")[0]
                continue
            rest, *whole = block.split(b"\n")
            yield from (line for line in reversed(whole) if _wanted(line, marks))
        if _wanted(rest, marks):
            yield rest


def _wanted(line: bytes, marks: Sequence[bytes] | None) -> bool:
    return 0 < len(line) <= LONGEST_LINE and _marked(line, marks)


def _marked(text: bytes, marks: Sequence[bytes] | None) -> bool:
    return marks is None or any(mark in text for mark in marks)


def _parse(line: str) -> JournalEntry | None:
    try:
        return JournalEntry(parse_object(line))
    except ValueError:
        return None
