"""The resource script without an agent: it drives the controller itself, for one start or stop.

The script sees less than an agent does (Asterisk's process, the card's answers, the line), but drives the
same controller, writes the same journal and changes the same grant, so that an agent that comes back finds
everything in order.
"""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import Future, ThreadPoolExecutor

from appliance.agent.active_conf import read_this_node
from appliance.agent.executor import Actuator
from appliance.agent.grant_file import GrantFile
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.this_node import ThisNode
from appliance.cluster.installed import engine_identity
from appliance.core.controller import step
from appliance.core.controller_events import (
    ControllerEvent,
    ControllerPolicy,
    GrantSeen,
    Inputs,
    ScriptSpoke,
    Tick,
)
from appliance.core.effects import Effect, ForgetFailures, ForgetRelay, GiveOrder, WriteEntry
from appliance.core.errors import ClusterError, HardwareError, attempt
from appliance.core.grant import Verb, Verdict, valid
from appliance.core.journal_entry import PhaseEntry
from appliance.core.model import DChannel, Pbx, Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.release import stop_fails
from appliance.core.service_state import ServiceState, first_state
from appliance.core.transfer import Goal, Order, Peer, Phase, Seen, Transfer
from appliance.core.values import changed
from appliance.dahdi.line import read_line_quick
from appliance.host.clock import Clock
from appliance.host.paths import GRANT, JOURNAL
from appliance.hw.drivers import find_relay
from appliance.pbx.process import find_pid

_PACE = 0.05
# A start returns once relay and Asterisk have done as ordered, or after so many seconds; the line is
# confirmed when an agent is back.
_START_PATIENCE = 20.0


class ResourceFallback:
    """The resource script's start or stop, carried out in this process.

    `site`: this node, where that is not read from the conf file.
    """

    def __init__(self, clock: Clock, this_node: ThisNode | None = None) -> None:
        self._clock = clock
        self._this_node: ThisNode = this_node or read_this_node()
        self._policy = changed(self._this_node.transfer_policy, frees_after=0.0)
        self._file = JournalFile(JOURNAL)
        self._journal = Journal(self._file, clock, _complain)
        self._book = GrantFile(GRANT, least_generation=self._file.newest_generation())
        # Nobody lives on who feeds the relay's own watchdog, so it is stopped, and the line does not fall by it.
        self._actuator = Actuator(self._this_node, clock, feeds=False)
        self._commanded: Reading[Relay] = Unknown("the card was not commanded yet", clock.now())
        self._booted = False
        self._failed: dict[Order, str] = {}
        self._under_way: dict[Order, Future[None]] = {}
        self._pool = ThreadPoolExecutor(4)
        self._state: ServiceState

    def running(self) -> bool:
        """Tell whether a grant of the running Heartbeat is held, or the last stop could not let the line go.

        Heartbeat asks after a stop that failed, and reboots the node only when it hears `running`. Heartbeat
        asks before a start too, and starts nothing when it hears `running`: a grant of a Heartbeat that is
        gone must not give that answer.
        """
        grant = self._book.read()
        if valid(grant, engine_identity()):
            return True
        with contextlib.suppress(OSError):
            details = [entry.detail for entry in self._file.entries(newest=50)]
            phases = [detail for detail in details if isinstance(detail, PhaseEntry)]
            return bool(phases) and phases[-1].line_free is False
        return False

    def execute(self, verb: Verb, ticket: float) -> None:
        """Carry out a start or stop.

        `ticket`: seconds since boot at which the script was started. Raises ClusterError for a late start,
        HardwareError when the line is not let go.
        """
        try:
            self._obey(verb, ticket)
        finally:
            self._journal.close()  # a disk that hangs is not waited for

    def _obey(self, verb: Verb, ticket: float) -> None:
        grant, verdict = self._book.ask(verb, ticket, engine_identity())
        if self._book.problem:
            _complain(self._book.problem)
        self._state = first_state(grant, self._clock.now())
        self._note("agent", says="it does not answer: the resource script does its work")
        self._step(ScriptSpoke(verb, grant, verdict))
        if verdict is Verdict.STALE:
            if verb is Verb.START and not grant.held:  # two starts at once do no harm
                raise ClusterError("This start is late: a script that was started after it has spoken.")
            return
        self._carry_out()

    def _carry_out(self) -> None:
        """Take steps until the transfer is done, or as far as a script can bring it.

        An agent that has come back meanwhile may have spoken: what is newer on file counts, so that no late order of
        this process takes the line back.
        """
        while not self._enough():
            on_file = self._book.peek()
            if on_file is not None:
                self._step(GrantSeen(on_file))
            self._step(Tick(self._inputs()))
            self._clock.sleep(_PACE)
            self._collect()
        self._pool.shutdown(wait=True)
        transfer = self._transfer
        free = not stop_fails(transfer, self._seen(), self._clock.now())
        self._note(
            "phase",
            goal=transfer.goal.value,
            phase=transfer.phase.value,
            note=transfer.note,
            line_free=free,
        )
        if not free:
            raise HardwareError(f"Stop fails on purpose: {transfer.note}.")

    def _step(self, event: ControllerEvent) -> None:
        this_node = self._this_node
        policy = ControllerPolicy(self._policy, this_node.watch_policy, this_node.conf.peer_max_age)
        self._state, effects = step(self._state, event, policy, self._clock.now())
        for effect in effects:
            self._follow(effect)

    def _follow(self, effect: Effect) -> None:
        """Carry out one effect of the controller.

        A script reads neither the engine nor the peer, so the controller gives it only these effects to carry
        out.
        """
        match effect:
            case WriteEntry(kind, fields):
                self._note(kind, **fields)
            case GiveOrder(order, reason):
                self._note("order", order=order.name, reason=reason)
                self._under_way[order] = self._pool.submit(self._actuator.perform, order)
            case ForgetFailures():
                self._failed.clear()
            case ForgetRelay(why):
                self._commanded = Unknown(why, self._clock.now())

    @property
    def _transfer(self) -> Transfer:
        transfer = self._state.transfer
        if transfer is None:
            raise ClusterError("No transfer has begun.")
        return transfer

    def _enough(self) -> bool:
        transfer = self._transfer
        if transfer.goal is Goal.RELEASE:
            return transfer.done or (transfer.phase is Phase.BLOCKED and not self._under_way)
        ordered = not self._this_node.has_card or isinstance(self._commanded, Known)
        late = self._clock.now() - transfer.began >= _START_PATIENCE
        return late or (ordered and self._booted and not self._under_way)

    def _collect(self) -> None:
        for order in [order for order, future in self._under_way.items() if future.done()]:
            problem = attempt(self._under_way.pop(order).result)
            self._note("done", order=order.name, problem=problem)
            self._conclude(order, problem)

    def _conclude(self, order: Order, problem: str) -> None:
        if problem:
            self._failed[order] = problem
        else:
            self._failed.pop(order, None)
        if order in (Order.ENERGISE, Order.RELEASE):
            position = Relay.ENERGISED if order is Order.ENERGISE else Relay.RELEASED
            now = self._clock.now()
            self._commanded = Unknown(problem, now) if problem else Known(position, now)
        if order is Order.START_PBX:
            self._booted = not problem

    def _inputs(self) -> Inputs:
        return Inputs(self._seen(), Unknown("the script does not look at it", self._clock.now()))

    def _seen(self) -> Seen:
        now = self._clock.now()
        conf = self._this_node.conf
        nothing = Unknown("the script does not look at it", now)
        return Seen(
            commanded=self._commanded,
            card=self._card(now) if self._this_node.has_card else nothing,
            line=read_line_quick(conf.dahdi_root, conf.card_spans, now),
            dchannel=Known(DChannel.NONE, now),
            pbx=self._pbx(now),
            address=nothing,
            peer=Peer(nothing, nothing, nothing, nothing, nothing),
            busy=frozenset(self._under_way),
            failed=dict(self._failed),
        )

    def _card(self, now: float) -> Reading[bool]:
        found = find_relay(self._this_node.conf, self._clock)
        return found if isinstance(found, Unknown) else Known(found.value is not None, now)

    def _pbx(self, now: float) -> Reading[Pbx]:
        pid = find_pid(self._this_node.conf, now)
        if isinstance(pid, Unknown):
            return pid
        if pid.value is None:
            return Known(Pbx.DEAD, now)
        return Known(Pbx.RUNNING if self._booted else Pbx.STARTING, now)

    def _note(self, kind: str, **fields: object) -> None:
        self._journal.note(kind, **{"generation": self._state.grant.generation, "by": "script", **fields})


def _complain(problem: str) -> None:
    print(f"asha: {problem}", file=sys.stderr, flush=True)
