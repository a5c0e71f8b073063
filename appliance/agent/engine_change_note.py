"""The note of this node's part in a change of the engine: what is kept on disk of it, and what is said of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from appliance.agent.context import NodeContext
from appliance.agent.engine_change_file import change_file
from appliance.core.as_json import to_json
from appliance.core.engine_change import TITLES, EngineChange
from appliance.core.engine_target import EngineTarget
from appliance.core.errors import HostError
from appliance.host.boot import boot_identity


class ChangeNote:
    """The last change of this node's engine, or the one under way, and what holds it up.

    One that is over here, but of which the other node has not said so, is under way again after a boot: init has
    started the engine that was right before (core/engine_change.py). Not on a node that holds a grant already, which
    would be without service for that, nor on one whose engine an operator has stopped.

    `engine`: the one that this agent works with, as a value of HAENGINE.
    """

    def __init__(self, context: NodeContext, path: Path, engine: str) -> None:
        self._journal = context.journal
        self._file = change_file(path)
        self.change = self._file.load()
        self.trouble = ""
        self._is_kept = True
        stopped = context.observations.engine_target is EngineTarget.STOPPED
        if self.unsettled and not (stopped or context.service.state.grant.held):
            self._reopen(engine)

    def _reopen(self, engine: str) -> None:
        change = self.change
        if change is not None and change.over and change.boot != boot_identity():
            self.change, self._is_kept = change.reopened(engine), False

    @property
    def under_way(self) -> bool:
        """True while this node has something left to do of a change."""
        return self.change is not None and not self.change.over

    @property
    def unsettled(self) -> bool:
        """True until the other node has said that it runs the same engine."""
        return self.change is not None and not self.change.settled

    def says(self) -> str:
        """Return how far the change is, for people; "" when none is under way."""
        change = self.change
        if change is None or change.over:
            return ""
        way = (
            f"back to {TITLES[change.to]} ({change.says})" if change.goes_back else f"to {TITLES[change.to]}"
        )
        return f"the pair's change {way} is under way{': ' + self.trouble if self.trouble else ''}"

    async def keep(self) -> None:
        """Have on disk what this agent has made of the note when it began. Raises HostError."""
        if self.change is not None and not self._is_kept:
            await self.write(self.change)
            self._is_kept = True

    async def write(self, change: EngineChange) -> None:
        """Keep `change` on disk, then in mind.

        Raises HostError: a step that cannot be noted is not taken. But the way back is, whatever the disk says.
        """
        if change.goes_back:
            self.change = change
        try:
            await asyncio.to_thread(self._file.write, json.dumps(to_json(change)) + "\n")
        except OSError as problem:
            raise HostError(f"The change cannot be kept on disk: {problem.strerror}.") from problem
        self.change = change
        self.say_trouble("")
        self._journal.note(
            "engine change",
            to=change.to,
            back=change.back,
            ordered=change.ordered,
            over=change.over,
            by=change.by,
            says=change.says,
        )

    def say_trouble(self, trouble: str) -> None:
        """Have `trouble` hold the change up, "" for nothing."""
        if trouble and trouble != self.trouble:
            self._journal.note("engine change", says=trouble)
        self.trouble = trouble
