"""This node's hold on the service: role, grant and transfer, and every change of them.

All changes pass through here, so that the journal has them all. Nothing here looks at the world; the cycle
does, and tells what follows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

from appliance.agent.grantbook import GrantBook
from appliance.agent.journal import Journal
from appliance.agent.site import Site
from appliance.core import plan
from appliance.core.grant import Grant, Verb, Verdict
from appliance.core.roles import Event, Role, advance
from appliance.core.transfer import Goal, Order, Phase, Seen, Transfer
from appliance.host.clock import Clock

# For so long the status says that a grant was taken from Heartbeat's word, in seconds; the journal has it for good.
_TOLD_FOR = 3600.0


class Tenure:
    """Role, grant and transfer of this node.

    `asked_at` is when Heartbeat last spoke through the resource script. `ended` is set whenever no release is
    under way, so that a stop can wait for it. `handing_over_since` is when this node gave service up by
    itself and Heartbeat has not taken the grant back yet; `peer_has_it` says that the peer served already then,
    so that Heartbeat is not to be asked for anything.
    """

    def __init__(self, book: GrantBook, journal: Journal, site: Site, clock: Clock) -> None:
        self._book = book
        self._journal = journal
        self._clock = clock
        self._site = site
        self.role = Role.OFF
        self.grant: Grant = book.read()
        self.transfer: Transfer | None = None
        self.granted_at = clock.now()
        self.asked_at = float("-inf")
        self.was_serving = False
        self.regained = ""  # how a grant was given that no script has given, until a script speaks
        self.handing_over_since: float | None = None
        self.peer_has_it = False
        self.moves: deque[float] = deque(maxlen=16)
        self.ended = asyncio.Event()
        self.ended.set()

    @property
    def letting_go(self) -> bool:
        """A release is under way."""
        return self.transfer is not None and self.transfer.goal is not Goal.ACQUIRE

    @property
    def grant_lost(self) -> bool:
        """No grant, held or not, is on file: only Heartbeat can say whether this node is to serve."""
        return self._book.lost

    @property
    def grant_problem(self) -> str:
        """Why the grant is not on file as it should be; "" when it is."""
        told = self.regained if self._clock.now() - self.granted_at < _TOLD_FOR else ""
        return self._book.problem or told

    def read_book(self) -> None:
        """Take the grant as it is on file: a resource script that worked alone may have changed it."""
        self.grant = self._book.read()

    def follow_book(self) -> None:
        """Take over what a resource script has done that found no agent, and then worked alone.

        It may have begun before this agent could be asked, and is as slow as the machine is: an agent that looked
        at the book only once, at its start, would stand by while Heartbeat believes that service is here.
        """
        found = self._book.peek()
        if found is None or found.generation <= self.grant.generation:
            return
        self.grant = found
        self._note_grant("a resource script that found no agent has worked alone", Verdict.ACCEPTED)
        self.asked_at = self._clock.now()
        if found.held:
            self._granted(Verdict.ACCEPTED)
        else:
            self._revoked()

    def resume(self, role: Role, reason: str, *, maintenance: bool = False) -> None:
        """The first role of an agent that has just started.

        In maintenance Asterisk is taken as it is found: whether it runs is for those to say who work on it.
        """
        self.role = role
        self._journal.note("role", role=role.value, event="agent started", generation=self.grant.generation)
        if role is Role.ACQUIRING:
            # So that the journal shows, and its audit knows, under which grant this agent acts.
            self._note_grant("kept over a restart of the agent", Verdict.REPEATED)
            self._begin(Goal.ACQUIRE, reason, served=maintenance)
            self.was_serving = maintenance
        elif role is Role.LEAVING:
            self.void(reason)
            self._begin(Goal.LEAVE, reason)
        elif role is not Role.OFF:
            # Heartbeat runs and has not chosen this node: whatever is left of an earlier service must end.
            self._begin(Goal.RELEASE, "an agent that holds no grant has started")

    def happen(self, event: Event) -> None:
        """Move the role on. Raises IllegalEvent when the table has no such transition."""
        before = self.role
        self.role = advance(before, event)
        self._journal.note(
            "role",
            role=self.role.value,
            was=before.value,
            event=event.value,
            generation=self.grant.generation,
        )

    def ask(self, verb: Verb, ticket: float, engine: str) -> Verdict:
        """A resource script's wish. Begins the transfer that follows from it."""
        self.grant, verdict = self._book.ask(verb, ticket, engine)
        self._note_grant(f"the resource script said {verb.value}", verdict)
        if verdict is Verdict.STALE:
            return verdict
        self.asked_at = self._clock.now()
        self.regained = ""
        if verb is Verb.START:
            self._granted(verdict)
        else:
            self._revoked()
        return verdict

    def confirm(self, engine: str, reason: str) -> None:
        """Heartbeat, the master `engine`, says that this node serves, and no grant is on file: it counts as given."""
        self.grant = self._book.confirm(engine)
        self.granted_at = self._clock.now()
        self.regained = f"{reason}: the grant was taken from Heartbeat's word, and this node serves"
        self._note_grant(reason, Verdict.ACCEPTED)

    def take_up(self, engine: str, reason: str) -> None:
        """As `confirm` does, on a node that has a role already: serve."""
        self.confirm(engine, reason)
        self.happen(Event.GRANTED)
        self.granted_at = self._clock.now()
        self.was_serving = False
        self._begin(Goal.ACQUIRE, reason)

    def hand_over(self, reason: str) -> None:
        """Give service up by this node's own decision, while the grant still stands."""
        self.moves.append(self._clock.now())
        self._give_up(reason, peer_has_it=False)

    def take_back(self, reason: str) -> None:
        """Nobody took over, or the peer serves no longer: serve again under the same grant."""
        self.handing_over_since = None
        self.happen(Event.GRANTED)
        self._begin(Goal.ACQUIRE, reason)

    def begin_again(self, reason: str) -> None:
        """Acquire afresh under the same grant: Asterisk is to be started again."""
        self.was_serving = False
        self._begin(Goal.ACQUIRE, reason)
        if self.role is Role.ACTIVE:
            self.happen(Event.LOST)

    def leave(self, reason: str) -> None:
        """Heartbeat is dead: the grant ends with it, and everything is let go, address included."""
        self.void(reason)
        self.handing_over_since = None
        if self.role.holds or self.role is Role.RELEASING:
            self.happen(Event.ENGINE_DOWN)
            self._begin(Goal.LEAVE, reason)

    def let_go(self, reason: str) -> None:
        """Give service up to a peer that has it already: Heartbeat is about to settle which of us goes on.

        The grant stands until Heartbeat ends it. It may settle for us (it has been seen to stop the peer), and
        would then not ask again: it would believe in an owner that does not serve.
        """
        self._give_up(reason, peer_has_it=True)

    def _give_up(self, reason: str, *, peer_has_it: bool) -> None:
        self.handing_over_since = self._clock.now()
        self.peer_has_it = peer_has_it
        self.happen(Event.REVOKED)
        self._begin(Goal.RELEASE, reason)

    def clear(self, reason: str) -> None:
        """Let go of everything whatever the role: before Heartbeat is started."""
        self._begin(Goal.LEAVE, reason)

    def void(self, reason: str) -> None:
        """End the grant without a script."""
        if self.grant.held:
            self.grant = self._book.void()
            self._note_grant(reason, Verdict.ACCEPTED)

    def step(self, seen: Seen, now: float) -> tuple[Order, ...]:
        """Take the transfer one step on; move the role when the step confirms or loses something."""
        if self.transfer is None:
            return ()
        step = plan.next_step(self.transfer, seen, now)
        self._follow(step.transfer)
        return step.orders

    def _follow(self, after: Transfer) -> None:
        before = self.transfer
        self.transfer = after
        if before is None or (before.phase is after.phase and before.note == after.note):
            return
        self._journal.note(
            "phase",
            goal=after.goal.value,
            phase=after.phase.value,
            note=after.note,
            generation=after.generation,
            after=round(self._clock.now() - after.began, 4),
        )
        if before.phase is not after.phase:
            self._follow_role(after)

    def _follow_role(self, after: Transfer) -> None:
        confirmed = after.phase in (Phase.DONE, Phase.UNVERIFIABLE)
        if after.goal is Goal.ACQUIRE:
            if confirmed and self.role is Role.ACQUIRING:
                self.happen(Event.CONFIRMED)
            elif not confirmed and self.role is Role.ACTIVE:
                self.happen(Event.LOST)
            return
        if after.done and self.role in (Role.RELEASING, Role.LEAVING):
            self.happen(Event.RELEASED)
        if after.phase in (Phase.DONE, Phase.BLOCKED):
            self.ended.set()

    def _granted(self, verdict: Verdict) -> None:
        self.handing_over_since = None
        if self.role in (Role.OFF, Role.LEAVING):
            # The script that asks is itself the first sign of a Heartbeat that has only just started.
            self.happen(Event.ENGINE_UP)
        if verdict is Verdict.REPEATED and self.role.holds:
            return
        if not self.role.holds:
            self.happen(Event.GRANTED)
        self.granted_at = self._clock.now()
        self.was_serving = False
        self._begin(Goal.ACQUIRE, "granted by Heartbeat")

    def _revoked(self) -> None:
        self.handing_over_since = None
        transfer = self.transfer
        if self.role in (Role.RELEASING, Role.LEAVING) and transfer is not None and self.letting_go:
            # Under way already, by this node's own decision: it goes on as Heartbeat's.
            self.transfer = replace(transfer, generation=self.grant.generation)
            return
        if self.role is not Role.OFF:
            self.happen(Event.REVOKED)
        self._begin(Goal.RELEASE, "taken back by Heartbeat")

    def _begin(self, goal: Goal, reason: str, *, served: bool = False) -> None:
        now = self._clock.now()
        begun = plan.begin(goal, self.grant.generation, reason, self._site.transfer_policy, now)
        self.transfer = replace(begun, served=served)
        self._journal.note("transfer", goal=goal.value, reason=reason, generation=self.grant.generation)
        if goal is Goal.ACQUIRE:
            self.ended.set()
        else:
            self.ended.clear()

    def _note_grant(self, reason: str, verdict: Verdict) -> None:
        self._journal.note(
            "grant",
            held=self.grant.held,
            verdict=verdict.value,
            reason=reason,
            generation=self.grant.generation,
        )
