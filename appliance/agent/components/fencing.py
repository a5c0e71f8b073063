"""Runs HAFENCE when the controller says so, and tells people what becomes of it (see `core/fencing.py`).

The command runs in a thread and in a process group of its own, which is killed at its deadline.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.config.quotes import command_words
from appliance.core.errors import AshaError
from appliance.core.fencing import FENCE_PAUSE, FenceOutcome
from appliance.host.process import run
from appliance.host.trusted import why_not_trusted


class Fencing(Component):
    """The command that cuts the peer's power: at most one at a time."""

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._service = context.service
        self._journal = context.journal
        self._clock = context.clock
        self._pool = ThreadPoolExecutor(1, "fence")
        self._task: asyncio.Task[None] | None = None
        self._reason = ""

    def begin(self, reason: str) -> None:
        """Begin the command, unless one is under way."""
        if self._task is None or self._task.done():
            self._reason = reason
            self._journal.note(
                "fence", says=f"the power of the {self._peer} is being cut by HAFENCE: {reason}"
            )
            self._task = asyncio.create_task(self._cut())

    def close(self) -> None:
        """Begin no more. A command under way ends at its deadline at the latest."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def problems(self) -> list[str]:
        """Return what stands: a command under way, one that confirmed nothing, a peer that is off."""
        fence, outcome = self._service.state.fence, self._observations.fenced
        if fence.under_way:
            return [f"the power of the {self._peer} is being cut by HAFENCE: {self._reason}"]
        if (
            outcome is None
            or (outcome.confirmed and not fence.off)
            or (not outcome.confirmed and not fence.because)
        ):
            return []
        again = "" if outcome.confirmed else f"; it is tried again after {FENCE_PAUSE:g} s while that stands"
        return [f"{outcome.says}{again}"]

    @property
    def _peer(self) -> str:
        return f"{self._this_node.node.other.value} ({self._this_node.peer_name})"

    async def _cut(self) -> None:
        outcome = await asyncio.get_running_loop().run_in_executor(self._pool, self._run)
        self._journal.note("fence", says=outcome.says, confirmed=outcome.confirmed)
        self._observations.fenced = outcome
        self._observations.notify_changed()

    def _run(self) -> FenceOutcome:
        try:
            argv = command_words(self._this_node.conf.fence)
            if wrong := why_not_trusted(argv[0]):
                return self._outcome(False, wrong)
            finished = run(argv, deadline=self._this_node.fence_policy.deadline(self._this_node.node))
        except (AshaError, OSError) as problem:
            return self._outcome(False, str(problem))
        return self._outcome(finished.ok, "" if finished.ok else finished.explain(arguments=False))

    def _outcome(self, confirmed: bool, problem: str) -> FenceOutcome:
        says = f"HAFENCE has confirmed that the {self._peer} is off"
        if not confirmed:
            says = f"whether the {self._peer} is off is not known: {problem}"
        return FenceOutcome(self._clock.now(), confirmed, says)
