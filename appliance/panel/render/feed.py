"""Feed of what the page shows, fresh while somebody watches: one thread asks the agent for all viewers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from appliance.core.answers import TrendsAnswer
from appliance.core.errors import AshaError
from appliance.core.journal_entry import JournalEntry, read_entries
from appliance.core.status import Status
from appliance.core.transfer_history import PastTransfer
from appliance.host.clock import Clock
from appliance.panel.agent_client import AgentClient

# A relay's move is to be on the page within half a second; seconds.
PERIOD = 0.25
# What changes seldom or costs the agent a file is asked for less often.
_SLOW_PERIOD = 5.0
_TRENDS_PERIOD = 60.0
# A view that nobody has asked for meanwhile is taken afresh when it is older.
_OLD = 0.5
_ENTRIES = 60
_MOVES = 50  # for the charts


@dataclass(frozen=True, slots=True)
class View:
    """Result of one look at the agent.

    `status` is None while the agent does not answer, and `problem` then says why. `number` grows with every
    look; `at` is the time of the look in monotonic seconds.
    """

    number: int = 0
    at: float = float("-inf")
    status: Status | None = None
    problem: str = "The agent was not asked yet."
    journal: tuple[JournalEntry, ...] = ()
    history: tuple[PastTransfer, ...] = ()
    trends: TrendsAnswer | None = None
    older_moves: tuple[PastTransfer, ...] = ()

    @property
    def moves(self) -> tuple[PastTransfer, ...]:
        """The transfers of the last while, newest first; further back than `history`, and less fresh there."""
        newest = {past.began for past in self.history}
        return (*self.history, *(past for past in self.older_moves if past.began not in newest))


class Feed:
    """The latest view of the agent.

    While somebody watches (`watched`), a thread looks at the agent every PERIOD; otherwise `view` looks when
    it is called.
    """

    def __init__(self, agent: AgentClient, clock: Clock) -> None:
        self._agent = agent
        self._clock = clock
        self._view = View()
        self._news = threading.Condition()
        self._looking = threading.Lock()
        self._viewers = 0
        self._thread: threading.Thread | None = None
        self._slow_at = self._trends_at = float("-inf")
        self._entry = 0
        self._up = 0.0
        self._phase: object = None

    @property
    def viewers(self) -> int:
        """The number of viewers who are watching."""
        return self._viewers

    def view(self) -> View:
        """Return a fresh view: taken now, unless the latest is young enough."""
        with self._looking:
            if self._clock.now() - self._view.at > _OLD:
                self._look()
            return self._view

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count as a viewer until the end of the block, and start the thread if it does not run."""
        with self._news:
            self._viewers += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="feed", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._news:
                self._viewers -= 1
                self._news.notify_all()

    def after(self, number: int, patience: float) -> View:
        """Return the first view whose number is above `number`, or the latest after `patience` seconds."""
        with self._news:
            self._news.wait_for(lambda: self._view.number > number, timeout=patience)
            return self._view

    def _follow(self) -> None:
        while True:
            with self._looking:
                self._look()
            with self._news:
                # Not notified by news, which this thread makes itself: only by viewers that leave.
                self._news.wait_for(lambda: self._viewers == 0, timeout=PERIOD)
                if self._viewers == 0:
                    self._thread = None
                    return

    def _look(self) -> None:
        now, before = self._clock.now(), self._view
        try:
            view = self._taken(before, now)
        except AshaError as problem:
            view = self._without(before, str(problem))
        except OSError as problem:  # no descriptor left for a socket, say
            view = self._without(before, f"The agent could not be asked: {problem.strerror}.")
        except (LookupError, TypeError, ValueError, AttributeError) as problem:
            view = self._without(before, f"The agent speaks another language than this page: {problem!r}.")
        with self._news:
            # When it was got, not when it was asked for: an agent that hangs is not asked again by everybody in turn.
            self._view = replace(view, number=before.number + 1, at=self._clock.now())
            self._news.notify_all()

    def _without(self, before: View, problem: str) -> View:
        self._entry = 0
        self._slow_at = self._trends_at = float("-inf")
        return replace(before, status=None, problem=problem)

    def _taken(self, before: View, now: float) -> View:
        status = self._agent.status()
        up = status.agent.up if status.agent is not None else 0.0  # None while it waits to be set up
        if up < self._up:
            self._entry = 0  # another life of the agent: it counts its entries anew
        self._up = up
        view = replace(before, status=status, problem="")
        transfer = status.transfer
        phase = transfer and (transfer.generation, transfer.phase)
        if phase != self._phase or now - self._slow_at >= _SLOW_PERIOD:
            self._phase, self._slow_at = phase, now
            view = replace(view, history=self._agent.history(10))
        if now - self._trends_at >= _TRENDS_PERIOD:
            self._trends_at = now
            trends, moves = self._agent.read(TrendsAnswer, "trends"), self._agent.history(_MOVES)
            view = replace(view, trends=trends, older_moves=moves)
        return replace(view, journal=self._journal(before.journal))

    def _journal(self, before: tuple[JournalEntry, ...]) -> tuple[JournalEntry, ...]:
        """Return the journal: read from the file at first, then extended by what the agent has added."""
        news = read_entries(self._agent.look("events", since=self._entry))
        first, self._entry = self._entry == 0, max([self._entry, *(entry.number for entry in news)])
        if first:
            return self._agent.journal(_ENTRIES)
        return (*before, *news)[-_ENTRIES:]
