"""The agent's care for the data: who may touch them, and the process that fetches them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.data_age import DataAge
from appliance.agent.peer_message import DataWord
from appliance.agent.rhythm import until_beat
from appliance.agent.this_node import ThisNode
from appliance.core.alerts import one_line
from appliance.core.data_policy import (
    NEWER,
    DataDuty,
    DataSeen,
    Duty,
    Home,
    data_duty,
    data_not_home,
    keeps_newer,
    receives,
)
from appliance.core.errors import AshaError, HostError
from appliance.core.model import Node, Pbx
from appliance.core.reading import Unknown, is_known
from appliance.core.status import DataStatus, Status
from appliance.core.text import format_duration
from appliance.host.disk import is_held
from appliance.host.paths import DATA, SYNC_WORKER
from appliance.host.stream import Stream
from appliance.host.worker_thread import WorkerThread
from appliance.sync.handed_duty import WORD_PERIOD, DutyWord
from appliance.sync.newer_data_mark import complete_mark, read_mark
from appliance.sync.post_job import run_postsync
from appliance.sync.ssh import drop_connection
from appliance.sync.state import State, read_state, write_state

_LOOK = 1.0
_WORDS = 300  # characters of the worker's last complaint
# A worker that ended by itself is started again after this many seconds.
_AGAIN = 5.0


class SyncSupervisor(Component):
    """The supervisor of the worker (`appliance/sync_worker.py`), which runs only while there is something to fetch.

    The worker is handed the duty, and asks nothing: see `sync/handed_duty.py`.

    `word` is what the peer is to know of the data here, as of the last look. The agent looks before it tells
    anybody.
    """

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._service = context.service
        self._journal = context.journal
        self._clock = context.clock
        self._mark_writer = WorkerThread("mark", "Writing the mark of service")
        self._worker: Stream | None = None
        self._handed = DutyWord(DataDuty(Duty.NONE), float("-inf"))
        self._ended_at = float("-inf")
        self._peer_boot, self._peer_was_dead = "", False
        self._job_waits = False
        self._postsync: asyncio.Task[None] | None = None  # kept, or it could be garbage-collected half way
        self._held: dict[str, str] = {}
        self._merged: int | None = None  # nothing was read yet: what came before this agent is no news
        self.word = DataWord()
        self.age = DataAge(self._clock)

    def report(self, status: Status) -> Status:
        """Add the state of the data; the disk is read once."""
        data = data_status(self, self._this_node)
        return status._replace(data=data).with_problems(data_problems(data))

    def duty(self, *, asked_for: bool = False, last: bool = False) -> DataDuty:
        """Return what is to be done for the data now.

        `asked_for`: an operator asks, so HASYNCH does not matter; `last`: see `DataSeen`.
        """
        return data_duty(self._seen(asked_for=asked_for, last=last))

    def receives(self) -> str:
        """Return why data written here now would be lost to the peer's data; "" when they would not."""
        return receives(self._seen())

    def _seen(self, *, asked_for: bool = False, last: bool = False) -> DataSeen:
        observations, report = self._observations, self._observations.report
        silent = Unknown("the other node's agent has said nothing yet", self._clock.now())
        return DataSeen(
            node=self._this_node.node,
            role=self._service.role,
            pbx=observations.pbx(self._this_node.probe_policy, self._clock.now()),
            synch=asked_for or self._synchronises,
            own_served=bool(read_mark(DATA)),
            peer_role=report.role if report is not None else "",
            peer_served=report.served if report is not None else silent,
            last=last,
            prepares=self._service.state.prepared.since is not None,
        )

    async def run(self) -> None:
        """Watch the data and keep the worker, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._keep_worker())

    async def _watch(self) -> None:
        """Look at the data once a second, and note in the journal what is wrong with them."""
        while True:
            await self._notice_service()
            self._report(self.look())
            await asyncio.sleep(until_beat(_LOOK))

    async def _keep_worker(self) -> None:
        """Start, instruct and end the worker as the duty changes.

        The duty is looked at after every step of the controller, because a role may end it: the worker is killed
        in the same turn of the loop. The worker is ended with this loop.
        """
        try:
            while True:
                self._observations.stepped.clear()
                self._run_job()
                self._keep()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(WORD_PERIOD):
                        await self._observations.stepped.wait()
        finally:
            self._end_worker()

    def look(self) -> State:
        """Read the state of the data here from the disk and update `word`."""
        state = read_state(DATA.state)
        self.word = DataWord(bool(read_mark(DATA)), self.age.of(state))
        return state

    @property
    def keeps_newer(self) -> bool:
        """True when this node stands by with data that its peer has not got and is to fetch."""
        return keeps_newer(self._seen())

    def owed(self) -> bool:
        """Tell whether the peer has data that are not here, and telephones may wait for them before Asterisk starts.

        They wait only in a move that was planned. In any other the telephones come first, and what the peer has got in
        its last seconds is merged while Asterisk serves.
        """
        report = self._observations.report
        planned = report is not None and report.planned
        return self._this_node.node is Node.PRIMARY and planned and self.peer_newer

    @property
    def peer_newer(self) -> bool:
        """True when the peer reports data that are not here and are to come here."""
        report = self._observations.report
        return self._synchronises and report is not None and is_known(report.served, True)

    def home(self, *, fit: bool) -> Home:
        """Return what the way back to this node depends on. `fit`: this node is known to be ready."""
        observations, state = self._observations, read_state(DATA.state)
        return Home(
            node=self._this_node.node,
            role=self._service.role,
            fit=fit,
            peer_alive=observations.peer_alive,
            peer_role=observations.report.role if observations.report is not None else "",
            synch=self._synchronises,
            duty=self.duty(),
            merged_ago=self.age.of(state),
            conflicts=state.conflicts,
        )

    def not_home(self) -> str:
        """Return why service must not come here yet; "" when it may.

        The reason is that the peer's data are not here.
        """
        home = self.home(fit=True)
        newer = home.node is Node.PRIMARY and (self.peer_newer or home.duty.duty is Duty.MERGE)
        return data_not_home(replace(home, conflicts=0), self._this_node.conf.sync_stale) if newer else ""

    def not_there(self) -> str:
        """Return why service must not leave for the peer yet; "" when it may.

        The reason is that the peer has not got the data of this node.
        """
        served = self._this_node.node is Node.SECONDARY and self._synchronises and read_mark(DATA)
        report = self._observations.report
        known = report.data_age if report is not None else None
        if served and (known is None or known > self._this_node.conf.sync_stale):
            return "the primary does not have yet what this node received while it served"
        return ""

    def old_there(self) -> str:
        """Return how old the standby's data are when that is told of as stale; "" when they are not, or none follow."""
        report = self._observations.report
        if not self._synchronises or self._this_node.node is not Node.PRIMARY or report is None:
            return ""
        if report.data_age is None:
            return "its data were never known to be in step with this node's"
        old = report.data_age > self._this_node.conf.sync_stale
        return f"its data were in step with this node's {format_duration(report.data_age)} ago" if old else ""

    def asterisk_started(self) -> None:
        """Have the site's own job run once this node serves, now that Asterisk has started here.

        The job (POSTSYNC) follows the last data, runs on the secondary only, and delays nothing.
        """
        self._job_waits = self._this_node.node is Node.SECONDARY and self._synchronises
        self._run_job()

    def _run_job(self) -> None:
        if self._job_waits and self._service.role.holds:
            self._postsync = asyncio.create_task(self._run_postsync())
        # Asterisk that was started ahead of a grant serves when the grant comes, or was started in vain.
        self._job_waits = self._job_waits and self._service.state.prepared.since is not None

    async def _run_postsync(self) -> None:
        problem = await asyncio.to_thread(run_postsync, self._this_node.conf, DATA)
        state = read_state(DATA.state)
        state.postsync = problem
        with contextlib.suppress(OSError):
            write_state(DATA.state, state)
        self._journal.note("data", says=problem or "POSTSYNC has run after the takeover")

    @property
    def _synchronises(self) -> bool:
        return self._this_node.conf.synch == "LAZY"

    def _peer_is_another(self) -> bool:
        """Tell whether the peer has died or was booted anew since the last look.

        What a pass waits for then never comes: nobody at the other end knows of its connections, and a program that
        hears nothing gives up only after its own time-out, which took 160 s.
        """
        report, dead = self._observations.report, is_known(self._observations.peer_alive, False)
        boot = report.boot if report is not None else ""
        died, rebooted = (
            dead and not self._peer_was_dead,
            bool(self._peer_boot and boot) and boot != self._peer_boot,
        )
        self._peer_was_dead, self._peer_boot = dead, boot or self._peer_boot
        return died or rebooted

    def _keep(self) -> None:
        duty = self.duty()
        if self._peer_is_another() and self._worker is not None:
            self._journal.note(
                "data", says="the other node has died or was booted again: its connections are given up"
            )
            drop_connection()
            self._end_worker()
        wanted = duty.duty is not Duty.NONE
        if self._worker is not None and (not wanted or self._has_ended()):
            self._end_worker()
        if self._worker is not None and not self._hand(self._worker, duty):
            self._tell_of_worker("it takes nothing in any more, and is killed")
            self._end_worker()
        if self._worker is None and wanted and self._clock.now() - self._ended_at >= _AGAIN:
            try:
                self._worker = Stream(SYNC_WORKER, bound=False)
                self._hand(self._worker, duty, anew=True)
            except AshaError as problem:
                self._ended_at = self._clock.now()
                self._tell_of_worker(str(problem))

    def _hand(self, worker: Stream, duty: DataDuty, *, anew: bool = False) -> bool:
        """Tell `worker` the duty when it has changed or the last word grows old; False when it does not listen.

        `anew`: this worker has been told nothing yet.
        """
        now = self._clock.now()
        if not anew and duty == self._handed.duty and now - self._handed.at < WORD_PERIOD / 2:
            return True
        self._handed = DutyWord(duty, now)
        return worker.offer(self._handed.to_line())

    async def _notice_service(self) -> None:
        """Set the mark of newer data when Asterisk runs on the secondary.

        Asterisk may also have been started without asha; what it writes on the secondary is newer all the
        same.
        """
        if self._this_node.node is Node.PRIMARY or not self._synchronises:
            return
        if is_known(self._observations.pbx(self._this_node.probe_policy, self._clock.now()), Pbx.RUNNING):
            with contextlib.suppress(OSError, HostError):
                await self._mark_writer.do(lambda: complete_mark(DATA, self._clock.wall()), _LOOK)

    def _has_ended(self) -> bool:
        return self._worker is not None and self._worker.line(0.0) == b""

    def _end_worker(self) -> None:
        if self._worker is not None:
            by_itself = self._has_ended()
            self._ended_at = self._clock.now() if by_itself else float("-inf")
            if by_itself:
                code = self._worker.end(0.0)
                self._tell_of_worker(
                    f"it ended with status {code}: {one_line(self._worker.complaint()[-_WORDS:], _WORDS) or 'no word'}"
                )
            self._worker.close()
            self._worker = None

    def _tell_of_worker(self, problem: str) -> None:
        """Note a problem of the worker in the journal, once: the worker is started again and again."""
        self._journal.note_once("data", "worker", f"what fetches the data does not run: {problem}")

    def _report(self, state: State) -> None:
        self._journal.note_once("data", "problem", state.problem, over="in step again")
        held = {one.path: one.why for one in state.held}
        for path in held.keys() - self._held.keys():
            self._journal.note("data", says=f"{path} is held back: {held[path]}")
        for path in self._held.keys() - held.keys():
            self._journal.note("data", says=f"{path} is not held back any more")
        self._held = held
        came = 0 if self._merged is None else state.merged - self._merged
        self._merged = state.merged
        if came > 0:
            self._journal.note("data", says=f"messages that came from the other node: {came}", merged=came)


# The state of the data, for the status document and for people.


_ITEMS_SHOWN = 5


def data_status(supervisor: SyncSupervisor, this_node: ThisNode) -> DataStatus:
    """Return how the data of this node stand now."""
    state, duty = read_state(DATA.state), supervisor.duty()
    seconds = supervisor.age.of(state)
    busy = duty.duty is not Duty.NONE
    return DataStatus(
        duty=duty.duty.value,
        why=duty.why,
        age=None if seconds is None else round(seconds, 1),
        stale=busy and (seconds is None or seconds > this_node.conf.sync_stale),
        generation=state.generation,
        problem=state.problem if busy else "",
        kind=state.kind if busy else "",
        unsettled=state.unsettled,
        warnings=(*state.warnings, *filter(None, [state.telephony])) if busy else (),
        telephony=state.telephony if busy else "",
        postsync=state.postsync if busy else "",
        phase=state.phase if is_held(DATA.lock) else "",
        done=state.done,
        total=state.total,
        served=bool(read_mark(DATA)),
        newer=supervisor.keeps_newer,
        peer_newer=supervisor.peer_newer,
        conflicts=state.conflicts,
        held_back=tuple(state.held) if busy else (),
        held_back_more=state.held_more if busy else 0,
    )


def data_problems(data: DataStatus) -> list[str]:
    """Return what of the data an operator is to know of, in sentences."""
    found = [data.unsettled, data.problem, *data.warnings, data.postsync]
    shown = data.held_back[:_ITEMS_SHOWN]
    found += [f"{one.path} is held back: {one.why}" for one in shown]
    if more := len(data.held_back) - len(shown) + data.held_back_more:
        found.append(f"{more} more items are held back: 'asha sync status' names them")
    if data.stale:
        old = "never" if data.age is None else f"{data.age:.0f} s ago"
        found.append(f"the data here are stale: last in step with the other node {old} ('asha sync status')")
    if data.newer:
        found.append(NEWER)
    if data.conflicts:
        found.append(f"{data.conflicts} files were changed on both nodes: 'asha conflicts' shows them")
    return [text for text in found if text]
