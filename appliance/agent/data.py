"""The data, as the agent looks after it: who may touch it, the process that fetches it, and order before service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from appliance.agent.journal import Journal
from appliance.agent.peer import DataWord
from appliance.agent.site import Site
from appliance.agent.tenure import Tenure
from appliance.agent.world import World
from appliance.core.duty import DataDuty, DataSeen, Duty, data_duty
from appliance.core.errors import AshaError
from appliance.core.failback import Home, data_not_home
from appliance.core.model import Node, Pbx
from appliance.core.reading import Unknown, is_known
from appliance.core.roles import Role
from appliance.host.clock import Clock
from appliance.host.disk import is_held, lock_holder, lock_keepers
from appliance.host.process import run
from appliance.host.stream import Stream
from appliance.sync.places import Places
from appliance.sync.postjob import run_postsync
from appliance.sync.served import set_mark
from appliance.sync.state import State, age, read_state, write_state

_LOOK = 1.0
# A worker that ended by itself is started again after this many seconds.
_AGAIN = 5.0
# What a killed pass has started ends at once, as a rule.
_SETTLE_PATIENCE = 3.0
PLACES = Places()
# This very interpreter and package, whatever PATH says.
_OWN_COMMAND = (sys.executable, "-I", "-m", "appliance.cli")


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
        self._postsync: asyncio.Task[None] | None = None  # kept, or it could be collected half way
        self._told = ""
        self._worker_told = ""
        self.word = DataWord()

    def duty(self, *, asked_for: bool = False, last: bool = False) -> DataDuty:
        """What is to be done for the data now. `asked_for`: by an operator, whatever HASYNCH says; see `DataSeen`."""
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
                last=last,
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

    def owed(self) -> bool:
        """The peer has data that are not here, and may be asked for them before Asterisk starts."""
        report, node = self._world.report, self._site.node
        there = not is_known(self._world.peer_alive, False)
        newer = report is not None and is_known(report.served, True)
        return node is Node.PRIMARY and self._synchronises and there and newer

    @property
    def peer_newer(self) -> bool:
        """The peer has data that are not here, by its own word."""
        return self._world.report is not None and is_known(self._world.report.served, True)

    def home(self, *, fit: bool) -> Home:
        """What the way back to this node depends on. `fit`: this node could serve."""
        world, state = self._world, read_state(PLACES.state)
        return Home(
            node=self._site.node,
            role=self.role,
            fit=fit,
            peer_alive=world.peer_alive,
            peer_role=world.report.role if world.report is not None else "",
            synch=self._synchronises,
            duty=self.duty(),
            merged_ago=age(state, self._clock.wall()),
            conflicts=state.conflicts,
        )

    def not_home(self) -> str:
        """Why service is not to come here yet: the peer's data are not here; "" when they are."""
        home = self.home(fit=True)
        newer = home.node is Node.PRIMARY and home.synch and (self.peer_newer or home.duty.duty is Duty.MERGE)
        return data_not_home(replace(home, conflicts=0), self._site.conf.sync_stale) if newer else ""

    def not_there(self) -> str:
        """Why service is not to leave for the peer yet: it has not got our data; "" when it has."""
        served = self._site.node is Node.SECONDARY and self._synchronises and PLACES.served.exists()
        report = self._world.report
        known = report.data_age if report is not None else None
        if served and (known is None or known > self._site.conf.sync_stale):
            return "the primary has not got yet what this node has got while it served"
        return ""

    def serving(self) -> None:
        """Asterisk has started here: the site's job follows the last data, and delays nothing."""
        if self._site.node is Node.SECONDARY and self._synchronises:
            self._postsync = asyncio.create_task(self._run_postsync())

    async def _run_postsync(self) -> None:
        problem = await asyncio.to_thread(run_postsync, self._site.conf, PLACES)
        state = read_state(PLACES.state)
        state.postsync = problem
        with contextlib.suppress(OSError):
            write_state(PLACES.state, state)
        self._journal.note("data", says=problem or "POSTSYNC has run after the takeover")

    @property
    def role(self) -> Role:
        """What this node is to the pair."""
        return self._tenure.role

    @property
    def _synchronises(self) -> bool:
        return self._site.conf.synch == "LAZY"

    def _keep(self) -> None:
        wanted = self.duty().duty is not Duty.NONE
        if self._worker is not None and (not wanted or self._has_ended()):
            self._end_worker()
        if self._worker is None and wanted and self._clock.now() - self._ended_at >= _AGAIN:
            try:
                self._worker = Stream((*_OWN_COMMAND, "sync", "follow"), bound=False)
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


def before_service(site: Site, clock: Clock, *, owed: bool) -> None:
    """Asterisk is about to start here: nobody touches its data any more, and what was decided is in place.

    `owed`: the peer, which serves no longer, has data that are not here: they are merged first, for MERGEDEADLINE at
    the most. Blocking. Service comes first, so nothing that goes wrong refuses it; it is shown as the data's problem.
    """
    if site.conf.synch != "LAZY" and not PLACES.store.exists():
        return
    from appliance.sync.session import settle  # noqa: PLC0415 - sqlite is loaded when it is needed

    steps = [_end_holder]
    if site.node is Node.SECONDARY:
        steps.append(lambda: set_mark(PLACES, clock.wall()))
    else:
        steps += [lambda: _merge_last(site, owed=owed), _forget_age]
    if PLACES.store.exists():
        steps.append(lambda: settle(site.conf, PLACES, clock, _SETTLE_PATIENCE))
    _say_unsettled(" ".join(filter(None, map(_problem_of, steps))))


def _merge_last(site: Site, *, owed: bool) -> None:
    """How it went is in the history; what has not come is merged while Asterisk serves."""
    if owed:
        run([*_OWN_COMMAND, "sync", "last"], deadline=site.conf.merge_deadline)
        _end_holder()  # what it has started is not of its group


def _forget_age() -> None:
    """From now on what is here grows different from what the peer had."""
    state = read_state(PLACES.state)
    if state.verified_at is not None:
        state.verified_at = None
        write_state(PLACES.state, state)


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
    """Kill whoever holds the sync lock, the agent's own worker or an operator's command, and what that has started.

    rsync is two processes: of one whose parent was killed the other fetches on, and would hold the lock for as long.
    """
    holder = lock_holder(PLACES.lock)
    if holder is not None:
        for number in (holder, *lock_keepers(PLACES.lock)):
            _kill(number)


def _kill(number: int) -> None:
    if number > 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def data_document(room: DataRoom, site: Site, wall: float) -> dict[str, Any]:
    """The data's part of the status document; `age` in seconds since we were last known to have all the peer's data.

    `newer`: this node stands by and has data that its peer has not got, so nothing is fetched over it. `peer_newer`:
    the peer has such data.
    """
    state, duty = read_state(PLACES.state), room.duty()
    seconds = age(state, wall)
    busy = duty.duty is not Duty.NONE
    return {
        "duty": duty.duty.value,
        "why": duty.why,
        "age": None if seconds is None else round(seconds, 1),
        "stale": busy and (seconds is None or seconds > site.conf.sync_stale),
        "generation": state.generation,
        "problem": state.problem if busy else "",
        "kind": state.kind if busy else "",
        "unsettled": state.unsettled,
        "warnings": [*state.warnings, *filter(None, [state.telephony])] if busy else [],
        "telephony": state.telephony if busy else "",
        "postsync": state.postsync if busy else "",
        "phase": state.phase if is_held(PLACES.lock) else "",
        "done": state.done,
        "total": state.total,
        "served": room.word.served,
        "newer": room.word.served and room.role is Role.STANDBY,
        "peer_newer": room.peer_newer,
        "conflicts": state.conflicts,
    }


def data_problems(data: dict[str, Any]) -> list[str]:
    """What of the data an operator is to know of, in sentences."""
    found = [data["unsettled"], data["problem"], *data["warnings"], data["postsync"]]
    if data["stale"]:
        old = "never" if data["age"] is None else f"{data['age']:.0f} s ago"
        found.append(f"the data here are stale: last in step with the peer {old} ('asha sync status')")
    if data["newer"]:
        found.append(data["why"])
    if data["conflicts"]:
        found.append(f"{data['conflicts']} files were changed on both nodes: 'asha conflicts' shows them")
    return [text for text in found if text]
