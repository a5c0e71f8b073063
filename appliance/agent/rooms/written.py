"""The entries of the journal, for those who look at it; also before the node is set up."""

from __future__ import annotations

import json
from itertools import islice

from appliance.agent.journal import Journal, JournalFile
from appliance.agent.rooms.hands import Hands
from appliance.agent.rooms.room import Room
from appliance.control.protocol import Message
from appliance.core.errors import UserError

MOST_ENTRIES = 500
# An answer must fit the longest line of the control socket (control/protocol.py), in bytes.
_ROOM = 200_000
_LINKS = frozenset({"prev", "hash"})


class Written(Room):
    """The room with the verbs `events` (entries of this agent's life) and `journal` (entries of the file)."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._hands = Hands("written", "The look at the journal")
        self.verbs = {"events": self._events, "journal": self._newest}

    async def _events(self, request: Message) -> list[Message]:
        return self._journal.since(int(request.get("since", 0)))

    async def _newest(self, request: Message) -> list[Message]:
        count = wanted(request, MOST_ENTRIES)
        return await self._hands.do(lambda: newest_entries(self._journal.settled(), count))


def newest_entries(file: JournalFile, count: int) -> list[Message]:
    """Return the newest entries of the journal, oldest first.

    There are at most `count` of them, and no more than one answer holds.
    """
    found: list[Message] = []
    room = _ROOM
    for entry in islice(file.backwards(), count):
        shown = {key: value for key, value in entry.items() if key not in _LINKS}
        room -= len(json.dumps(shown))
        if room < 0:
            break
        found.append(shown)
    return found[::-1]


def wanted(request: Message, most: int) -> int:
    """Return how many entries are asked for, between 1 and `most`.

    Raises UserError when `newest` is not a whole number.
    """
    newest = request.get("newest", most)
    if isinstance(newest, bool) or not isinstance(newest, int):
        raise UserError("How many? 'newest' is a whole number.")
    return max(1, min(newest, most))
