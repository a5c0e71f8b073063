"""The data, as the agent looks after it: who may touch it, the process that fetches it, and order before service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from appliance.agent.journal import Journal
from appliance.agent.peer import DataWord
from appliance.agent.site import Site
from appliance.agent.tenure import Tenure
from appliance.agent.world import World
from appliance.core.duty import DataDuty, DataSeen, Duty, data_duty
from appliance.core.errors import AshaError
from appliance.core.model import Node, Pbx
from appliance.core.reading import Unknown, is_known
from appliance.core.roles import Role
from appliance.host.clock import Clock
from appliance.host.disk import lock_holder
from appliance.host.stream import Stream
from appliance.sync.places import Places
from appliance.sync.served import set_mark
from appliance.sync.state import State, age, read_state, write_state

_LOOK = 1.0
# A worker that ended by itself is started again after this many seconds.
_AGAIN = 5.0
# What a killed pass has started ends at once, as a rule.
_SETTLE_PATIENCE = 3.0
PLACES = Places()


class DataRoom:
    """Keeps the worker (`asha sync follow`) running while there is something to fetch, and only then.

    `word` is what the peer is to know of our data, as of the last look.
    """

    def __init__(self, site: Site, world: World, tenure: Tenure, journal: Journal, clock: Clock) -> None:
        self._site = site
        self._world = world
        self._tenure = tenure
        self._journal = journal
        self._clock = clock
        self._worker: Stream | None = None
        self._ended_at = float("-inf")
        self._told = ""
        self._worker_told = ""
        self.word = DataWord()

    def duty(self, *, asked_for: bool = False) -> DataDuty:
        """What is to be done for the data now. `asked_for`: by an operator, whatever HASYNCH says."""
        world, report = self._world, self._world.report
        silent = Unknown("the peer's agent has said nothing yet", self._clock.now())
        return data_duty(
            DataSeen(
                node=self._site.node,
                role=self._tenure.role,
                pbx=world.pbx(self._site.probe_policy, self._clock.now()),
                synch=asked_for or self._synchronises,
                own_served=PLACES.served.exists(),
                peer_role=report.role if report is not None else "",
                peer_served=report.served if report is not None else silent,
            )
        )

    async def run(self) -> None:
        """Until cancelled: start and end the worker as the duty changes, and put its troubles in the journal."""
        try:
            while True:
                state = read_state(PLACES.state)
                self._notice_service()
                self.word = DataWord(PLACES.served.exists(), age(state, self._clock.wall()))
                self._keep()
                self._report(state)
                await asyncio.sleep(_LOOK)
        finally:
            self._end_worker()

    @property
    def role(self) -> Role:
        """What this node is to the pair."""
        return self._tenure.role

    @property
    def _synchronises(self) -> bool:
        return self._site.conf.synch == "LAZY"

    def _keep(self) -> None:
        wanted = self.duty().duty is Duty.PULL
        if self._worker is not None and (not wanted or self._has_ended()):
            self._end_worker()
        if self._worker is None and wanted and self._clock.now() - self._ended_at >= _AGAIN:
            try:
                self._worker = Stream(worker_command(), bound=False)
            except AshaError as problem:
                self._ended_at = self._clock.now()
                self._tell_of_worker(str(problem))

    def _notice_service(self) -> None:
        """Asterisk may also have been started past us; what it writes on the secondary is newer all the same."""
        if self._site.node is Node.PRIMARY or not self._synchronises or PLACES.served.exists():
            return
        if is_known(self._world.pbx(self._site.probe_policy, self._clock.now()), Pbx.RUNNING):
            with contextlib.suppress(OSError):
                set_mark(PLACES, self._clock.wall())

    def _has_ended(self) -> bool:
        return self._worker is not None and self._worker.line(0.0) == b""

    def _end_worker(self) -> None:
        if self._worker is not None:
            by_itself = self._has_ended()
            self._ended_at = self._clock.now() if by_itself else float("-inf")
            if by_itself:
                code = self._worker.end(0.0)
                self._tell_of_worker(f"it ended with status {code}: {self._worker.complaint() or 'no word'}")
            self._worker.close()
            self._worker = None

    def _tell_of_worker(self, problem: str) -> None:
        """Once: it is started again and again."""
        if problem != self._worker_told:
            self._journal.note("data", says=f"what fetches the data does not run: {problem}")
            self._worker_told = problem

    def _report(self, state: State) -> None:
        if state.problem != self._told:
            self._journal.note("data", says=state.problem or "in step again")
            self._told = state.problem


def worker_command() -> tuple[str, ...]:
    """How the worker is started: this very interpreter and package."""
    return (sys.executable, "-I", "-m", "appliance.cli", "sync", "follow")


def before_service(site: Site, clock: Clock) -> None:
    """Asterisk is about to start here: nobody touches its data any more, and what was decided is in place.

    Blocking. Service comes first, so nothing that goes wrong refuses it; it is shown as the data's problem.
    """
    if site.conf.synch != "LAZY" and not PLACES.store.exists():
        return
    from appliance.sync.session import settle  # noqa: PLC0415 - sqlite is loaded when it is needed

    steps = [_end_holder]
    if site.node is Node.SECONDARY:
        steps.append(lambda: set_mark(PLACES, clock.wall()))
    if PLACES.store.exists():
        steps.append(lambda: settle(site.conf, PLACES, clock, _SETTLE_PATIENCE))
    _say_unsettled(" ".join(filter(None, map(_problem_of, steps))))


def _problem_of(step: Callable[[], None]) -> str:
    """Why `step` failed; "" when it did not."""
    try:
        step()
    except (AshaError, OSError) as problem:
        return str(problem)
    return ""


def _say_unsettled(problem: str) -> None:
    state = read_state(PLACES.state)
    unsettled = f"Asterisk was started on data that may not be whole: {problem}" if problem else ""
    if state.unsettled != unsettled:
        state.unsettled = unsettled
        with contextlib.suppress(OSError):  # then the disk says the same in louder ways
            write_state(PLACES.state, state)


def _end_holder() -> None:
    """Kill whoever holds the sync lock: the agent's own worker or an operator's command."""
    holder = lock_holder(PLACES.lock)
    if holder is not None and holder > 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGKILL)


def data_document(room: DataRoom, site: Site, wall: float) -> dict[str, Any]:
    """The data's part of the status document; `age` in seconds since our data were last known to equal the peer's.

    `newer`: this node stands by and has data that its peer has not got, so nothing is fetched over it.
    """
    state, duty = read_state(PLACES.state), room.duty()
    seconds = age(state, wall)
    pulls = duty.duty is Duty.PULL
    return {
        "duty": duty.duty.value,
        "why": duty.why,
        "age": None if seconds is None else round(seconds, 1),
        "stale": pulls and (seconds is None or seconds > site.conf.sync_stale),
        "generation": state.generation,
        "problem": state.problem if pulls else "",
        "kind": state.kind if pulls else "",
        "unsettled": state.unsettled,
        "warnings": list(state.warnings) if pulls else [],
        "postsync": state.postsync if pulls else "",
        "phase": state.phase,
        "done": state.done,
        "total": state.total,
        "served": room.word.served,
        "newer": room.word.served and room.role is Role.STANDBY,
    }


def data_problems(data: dict[str, Any]) -> list[str]:
    """What of the data an operator is to know of, in sentences."""
    found = [data["unsettled"], data["problem"], *data["warnings"], data["postsync"]]
    if data["stale"]:
        old = "never" if data["age"] is None else f"{data['age']:.0f} s ago"
        found.append(f"the data here are stale: last in step with the peer {old} ('asha sync status')")
    if data["newer"]:
        found.append(data["why"])
    return [text for text in found if text]
