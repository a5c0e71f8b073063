"""The verbs that need no grant and move nothing: the conf file, what the journal holds, and the panel's own notes.

They are answered before the node is set up, too. What reads or writes a disk waits in a thread of its own, so that
nothing here holds up what the agent is for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from appliance.agent.journal import Entry, Journal, JournalFile
from appliance.agent.places import JOURNAL
from appliance.config import Conf, ConfError
from appliance.config.edit import Edit, preview, set_values
from appliance.config.source import read_source
from appliance.config.tab import (
    STANDING_KEYS,
    changed_keys,
    checked_values,
    key_documents,
    problem_documents,
    takes_effect,
)
from appliance.control.protocol import LINE_LIMIT, Message
from appliance.core.alert import one_line
from appliance.core.errors import ClusterError, UserError

Verbs = Mapping[str, Callable[[Message], Awaitable[Any]]]
_T = TypeVar("_T")
_NEWEST = 500
_NOTE_LENGTH = 200


class Paperwork:
    """`adopt` is called with the conf that was written; `engine_off`: the HA engine does not run here."""

    def __init__(
        self, path: Path, journal: Journal, adopt: Callable[[Conf], None], engine_off: Callable[[], bool]
    ) -> None:
        self._path = path
        self._journal = journal
        self._adopt = adopt
        self._engine_off = engine_off
        self._pool = ThreadPoolExecutor(1, "paper")
        self._one_writer = asyncio.Lock()
        self.verbs: Verbs = {
            "conf": self._conf,
            "conf preview": self._preview,
            "conf set": self._set,
            "journal": self._journal_read,
            "panel note": self._panel_note,
        }

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -- the conf file ------------------------------------------------------------------------------------

    async def _conf(self, request: Message) -> Message:
        source = await self._in_thread(lambda: read_source(self._path))
        verdict = source.judge()
        problems = () if isinstance(verdict, Conf) else verdict
        return {
            "path": str(self._path),
            "keys": key_documents(source.text),
            "problems": problem_documents(problems),
        }

    async def _preview(self, request: Message) -> Message:
        try:
            values = checked_values(request.get("values"))
            edit = await self._in_thread(lambda: preview(self._path, values))
        except ConfError as wrong:
            return {"diff": "", "problems": problem_documents(wrong.problems), "restarts": []}
        changed = changed_keys(edit.before, edit.conf)
        return {"diff": edit.diff, "problems": [], "restarts": takes_effect(changed)}

    async def _set(self, request: Message) -> Message:
        values = checked_values(request.get("values"))
        edit = await self.write(values, _by(request))
        return {"says": _what_changed(edit), "diff": edit.diff, "peer": None}

    async def write(self, values: Mapping[str, str], by: str) -> Edit:
        """Put `values` into the file and work by them. Raises ConfError, UserError, HostError, ClusterError."""
        async with self._one_writer:
            edit = await self._in_thread(lambda: self._written(values))
            if edit.after != edit.before:
                self._journal.note("conf", by=by, diff=_on_one_line(edit.diff))
                self._adopt(edit.conf)
        return edit

    def _written(self, values: Mapping[str, str]) -> Edit:
        edit = preview(self._path, values)
        standing = set(STANDING_KEYS).intersection(changed_keys(edit.before, edit.conf))
        if standing and not self._engine_off():
            raise ClusterError(
                f"The HA engine runs, and {', '.join(sorted(standing))} cannot change under it. Nothing was changed.",
                todo="Stop the HA engine on both nodes, the standby first; then save again.",
            )
        return set_values(self._path, values)

    # -- the journal --------------------------------------------------------------------------------------

    async def _journal_read(self, request: Message) -> list[Entry]:
        newest = request.get("newest", _NEWEST)
        if not isinstance(newest, int) or newest < 1:
            raise UserError("'newest' is a count of entries.")
        entries = await self._in_thread(lambda: JournalFile(JOURNAL).entries(min(newest, _NEWEST)))
        return _that_fit(entries)

    async def _panel_note(self, request: Message) -> Message:
        self._journal.note(
            "panel", by=_by(request), says=one_line(str(request.get("says", "")), _NOTE_LENGTH)
        )
        return {}

    async def _in_thread(self, deed: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, deed)


def _by(request: Message) -> str:
    return one_line(str(request.get("by", "")))


def _what_changed(edit: Edit) -> str:
    if edit.after == edit.before:
        return "It was so already: nothing was changed."
    return " ".join(["Saved.", *takes_effect(changed_keys(edit.before, edit.conf))])


def _on_one_line(diff: str) -> str:
    """The changed lines alone: the journal is read line by line."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++", "@@"))]
    return "; ".join(lines)


def _that_fit(entries: list[Entry]) -> list[Entry]:
    """The newest of `entries` that one answer can hold, oldest first."""
    room, found = LINE_LIMIT - 1024, []
    for entry in reversed(entries):
        room -= len(json.dumps(entry)) + 1
        if room < 0:
            break
        found.append(entry)
    return found[::-1]
