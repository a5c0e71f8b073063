"""The append-only journal: every decision, order and relay move, with reason, generation and hash chain.

The agent and (when the agent is dead) the resource script write the same file (agent/journal_file.py). Disk
writes happen in a thread of their own, so that a slow, full or hanging disk never delays a transfer.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

from appliance.agent.journal_file import JournalFile
from appliance.core.engine_traits import ENGINE, titled
from appliance.core.journal_entry import JournalEntry, system_journal_fields
from appliance.host.clock import Clock
from appliance.host.system_journal import SystemJournal

__all__ = ["Journal", "JournalFile"]

_KEPT_IN_MEMORY = 400
# Entries that the disk does not take wait for it. Beyond this number the oldest are dropped, and an entry
# says so.
_MOST_WAITING = 2000
# The disk is tried again at this interval; a write that has not returned for _HANGS counts as a hanging disk;
# seconds.
_AGAIN = 1.0
_HANGS = 10.0
# For so long, in seconds, the status says that the file was spoilt and goes on; the journal has it for good.
_TOLD_FOR = 3600.0
# How long the end of a process waits for the disk, in seconds.
_LAST_PATIENCE = 2.0


class Journal:
    """The journal as the agent uses it: writing an entry returns at once, and a thread writes the file.

    `on_problem` is called once when the file cannot be written. Entries that could not be written are written
    when the disk takes them again; how many had to be dropped is then an entry itself. `title`: how entries name the
    cluster engine. `system`: systemd's journal, which gets each entry too, whatever the disk says.
    """

    def __init__(
        self,
        file: JournalFile,
        clock: Clock,
        on_problem: Callable[[str], None],
        title: str = ENGINE,
        system: SystemJournal | None = None,
    ) -> None:
        self._file = file
        self._clock = clock
        self._on_problem = on_problem
        self._title = title
        self._system = system or SystemJournal()
        self._news: queue.SimpleQueue[JournalEntry | threading.Event | None] = queue.SimpleQueue()
        self._recent: deque[JournalEntry] = deque(maxlen=_KEPT_IN_MEMORY)
        self._said: dict[tuple[str, str], str] = {}
        self._waiting: deque[JournalEntry] = deque()
        self._count = 0
        self._given_up = 0
        self._refusal = ""
        self._begun: float | None = None
        self._spoilt, self._spoilt_at = "", float("-inf")
        self._writer = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._writer.start()

    @property
    def problem(self) -> str:
        """The reason why the file is not written, for the status document; "" when it is written."""
        if self._refusal:
            return f"{self._refusal}; {len(self._waiting)} entries wait, {self._given_up} were given up"
        begun = self._begun
        if begun is not None and self._clock.now() - begun > _HANGS:
            return f"the journal {self._file.path} cannot be written: its disk hangs; {self._news.qsize()} entries wait"
        return self._spoilt if self._clock.now() - self._spoilt_at < _TOLD_FOR else ""

    def note(self, kind: str, **fields: object) -> None:
        """Write an entry of `kind`, with the time on both clocks (`at` monotonic, `wall` epoch seconds)."""
        entry = {
            "at": round(self._clock.now(), 6),
            "wall": round(self._clock.wall(), 3),
            "kind": kind,
            **{name: titled(value, self._title) for name, value in fields.items()},
        }
        self._count += 1
        self._recent.append(JournalEntry({"number": self._count, **entry}))
        self._news.put(JournalEntry(entry))

    def note_once(self, kind: str, topic: str, says: str, *, over: str = "") -> None:
        """Write what `says`, unless it was the last thing said of `topic`: looks repeat, entries need not.

        "" says that the trouble is over: `over` is then written, when it is given and there was a trouble.
        """
        before = self._said.get((kind, topic), "")
        self._said[kind, topic] = says
        if says != before and (says or over):
            self.note(kind, says=says or over)

    def since(self, number: int) -> list[JournalEntry]:
        """Return the entries of this agent's life after the `number`th, oldest first.

        Only the entries still in memory are returned.
        """
        return [entry for entry in self._recent if entry.number > number]

    def settle(self, patience: float = 1.0) -> None:
        """Wait until all that was noted so far was offered to the file, at most `patience` seconds.

        Blocking.
        """
        reached = threading.Event()
        self._news.put(reached)
        reached.wait(patience)

    def settled(self) -> JournalFile:
        """Return the file with all that was noted so far. Blocking, for a second at the most."""
        self.settle()
        return self._file

    def close(self) -> None:
        """Write the waiting entries and end the thread; a disk that refuses them delays this 2 s at most."""
        self._news.put(None)
        self._writer.join(timeout=_LAST_PATIENCE)

    def _write_all(self) -> None:
        while True:
            try:
                news = self._news.get(timeout=_AGAIN if self._waiting else None)
            except queue.Empty:
                self._write_waiting()
                continue
            if news is None:
                self._write_waiting()
                return
            if isinstance(news, threading.Event):
                news.set()
                continue
            self._system.send(system_journal_fields(news))
            self._waiting.append(news)
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self._given_up += 1
            self._write_waiting()

    def _write_waiting(self) -> None:
        self._begun = self._clock.now()
        try:
            while self._waiting:
                self._file.append(self._waiting[0].fields)
                self._waiting.popleft()
            if self._file.spoilt:
                self._spoilt, self._spoilt_at, self._file.spoilt = self._file.spoilt, self._begun, ""
            self._well_again()
        except (OSError, ValueError) as problem:
            self._refuse(f"the journal {self._file.path} cannot be written: {_said(problem)}")
        self._begun = None

    def _refuse(self, refusal: str) -> None:
        if refusal != self._refusal:
            self._refusal = refusal
            self._on_problem(refusal)

    def _well_again(self) -> None:
        if not self._refusal:
            return
        says = f"{self._refusal}; it is written again, and {self._given_up} entries were given up"
        self._refusal, self._given_up = "", 0
        self.note("journal", says=says)


def _said(problem: OSError | ValueError) -> str:
    return (problem.strerror if isinstance(problem, OSError) else None) or str(problem)
