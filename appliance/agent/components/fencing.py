"""Runs HAFENCE when the controller says so, and tells people what becomes of it (see `core/fencing.py`).

The command runs in a thread and in a process group of its own, which is killed at its deadline. The engine's question
whether the peer is surely gone is answered here too, as `core/peer_gone.py` has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.config.quotes import command_words
from appliance.control.protocol import ControlRequest
from appliance.core import peer_gone
from appliance.core.answers import Said
from appliance.core.errors import AshaError, ClusterError, UserError
from appliance.core.fencing import FENCE_PAUSE, FenceOutcome
from appliance.core.peer_gone import GoneInputs, GoneVerdict, Judgement, PeerQuestion
from appliance.core.reading import is_known
from appliance.core.transfer import Seen
from appliance.host.process import run
from appliance.host.trusted import why_not_trusted

# How often a question that stands is looked at, in seconds.
_LOOK = 0.1
# So long after the engine has asked last people are told that it has no answer, in seconds.
_TOLD_FOR = 90.0


class Fencing(Component):
    """The command that cuts the peer's power, at most one at a time, and the engine's question for the peer's end.

    `seen` returns everything core looks at, at a time; `drilling` tells whether a drill is under way. The wiring sets
    both, when it has made what they come from.
    """

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._service = context.service
        self._journal = context.journal
        self._clock = context.clock
        self._pool = ThreadPoolExecutor(1, "fence")
        self._task: asyncio.Task[None] | None = None
        self._reason = ""
        self._asked: PeerQuestion | None = None
        self._refused = ""
        self.seen: Callable[[float], Seen] | None = None
        self.drilling: Callable[[], bool] = lambda: False
        self.verbs = {"peer gone": self._peer_gone}

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
        """Return what stands: a question without an answer, a command, one not confirmed, a peer that is off."""
        return [*self._unanswered(), *self._commanded()]

    def _unanswered(self) -> list[str]:
        lately = self._asked is not None and self._clock.now() - self._asked.last <= _TOLD_FOR
        if not self._refused or not lately or is_known(self._observations.peer_alive, True):
            return []
        return [self._refused]

    def _commanded(self) -> list[str]:
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

    # -- the engine's question ----------------------------------------------------------------------------

    async def _peer_gone(self, request: ControlRequest) -> Said:
        """Answer a fence agent's question: is the peer surely gone? Raises ClusterError when that is not known."""
        name, peer = request.text("node"), self._this_node.peer_name
        if name.casefold() != peer.casefold():
            raise UserError(
                f"Only about {peer}, the other node of this pair, can be asked here, not about {name!r}."
            )
        judgement = await self._judged()
        if judgement.verdict is GoneVerdict.GONE:
            self._refused = ""
            says = f"the cluster engine is told that the {self._peer} is gone: {judgement.why}"
            self._journal.note("fence", says=says, confirmed=True)
            return Said(says)
        says = (
            f"the cluster engine asks whether the {self._peer} is surely gone before it gives service, and nobody "
            f"knows: {judgement.why}. When you have made sure that it is off, say so: 'stonith_admin --confirm {peer}'"
        )
        if says != self._refused:
            self._refused = says
            self._journal.note("fence", says=says, confirmed=False)
        raise ClusterError(f"Nobody knows whether the {self._peer} is gone: {judgement.why}.")

    async def _judged(self) -> Judgement:
        """Return what is known of the peer, when it is enough or was waited for; run HAFENCE where it is due."""
        began = self._clock.now()
        self._asked = peer_gone.ask(self._asked, began)
        while True:
            now = self._clock.now()
            self._observations.gone_asked_at = now
            inputs = self._gone_inputs(now)
            self._asked = peer_gone.follow(self._asked, inputs, now)
            judgement = peer_gone.judge(self._asked, inputs, now)
            if judgement.verdict is GoneVerdict.CUT:
                return await self._confirmed_by_power(judgement.why)
            held = now - began < peer_gone.PATIENCE or peer_gone.waits_for_power(self._asked)
            if judgement.verdict is not GoneVerdict.WAIT or not held:
                return judgement
            await asyncio.sleep(until_beat(_LOOK))

    def _gone_inputs(self, now: float) -> GoneInputs:
        if self.seen is None:
            raise ClusterError("The agent is still starting.")
        state, outcome, this_node = self._service.state, self._observations.fenced, self._this_node
        failed = outcome is not None and not outcome.confirmed
        return GoneInputs(
            self.seen(now),
            this_node.node,
            switched=this_node.conf.relay_installed,
            relay_watchdog=this_node.conf.relay_installed and this_node.conf.relay_facts.watchdog,
            granted=state.grant.held,
            fence=state.fence,
            policy=this_node.fence_policy,
            drilling=self.drilling(),
            cut_failed_at=outcome.at if outcome is not None and failed else None,
            cut_says=outcome.says if outcome is not None and failed else "",
        )

    async def _confirmed_by_power(self, why: str) -> Judgement:
        """Run HAFENCE, or wait for the one that is under way, and return what its end says."""
        self.begin(why)
        if self._task is not None:
            await asyncio.shield(self._task)
        outcome = self._observations.fenced
        if outcome is None:
            return Judgement(GoneVerdict.NO, "HAFENCE has not ended")
        return Judgement(GoneVerdict.GONE if outcome.confirmed else GoneVerdict.NO, outcome.says)

    # -- the command --------------------------------------------------------------------------------------

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
