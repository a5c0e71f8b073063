"""Jobs: asha's own commands, run for a user who has no shell.

One runs at a time, and its last lines are kept to be looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.agent.components.component import Component, who
from appliance.agent.context import Context
from appliance.control.protocol import ControlRequest
from appliance.core.alerts import one_line
from appliance.core.answers import Said
from appliance.core.errors import ClusterError, UserError
from appliance.core.status import JobStatus, Status
from appliance.host.paths import OWN_COMMAND
from appliance.host.stream import Stream

_LINES_KEPT = 40
_LINE_LENGTH = 300
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class JobCommand:
    """The words of an `asha` command, and the seconds after which it is killed."""

    words: tuple[str, ...]
    deadline: float


# All that can be asked for: a name chooses a line of this table, and nothing of a request gets into a command.
COMMANDS: Mapping[str, JobCommand] = {
    "failback plan": JobCommand(("failback", "--dry-run"), 600.0),
    "failback": JobCommand(("failback", "--yes"), 1800.0),
    "sync now": JobCommand(("sync", "--now"), 3600.0),
    "check": JobCommand(("check",), 120.0),
}
Start = Callable[[tuple[str, ...]], Stream]


def start_command(words: tuple[str, ...]) -> Stream:
    """Start `asha WORDS`, which ends with the agent. Raises HostError."""
    return Stream((*OWN_COMMAND, "--with-starter", *words), bound=False)


@dataclass(slots=True)
class Job:
    """A job that runs, or the last one that has run."""

    name: str
    began: float  # monotonic
    wall: float
    state: str = "running"
    took: float | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES_KEPT))


class Jobs(Component):
    """The component with the verbs `job` and `job start`. `start` is the function that runs a command."""

    def __init__(self, context: Context, start: Start = start_command) -> None:
        self._journal = context.journal
        self._clock = context.clock
        self._start = start
        self._last: Job | None = None
        self._child: Stream | None = None
        self._following: asyncio.Task[None] | None = None
        self.verbs = {
            "job": self._look_at,
            "job start": self._begin,
        }

    def report(self, status: Status) -> Status:
        """Add the job under way, or the last one."""
        return status._replace(job=self.last())

    def last(self) -> JobStatus | None:
        """Return the job under way, or the last one; None when there was none in this agent's life."""
        last = self._last
        if last is None:
            return None
        return JobStatus(last.name, last.state, tuple(last.lines), round(last.wall, 3), last.took)

    def close(self) -> None:
        """Kill the job that runs."""
        if self._following is not None:
            self._following.cancel()
        if self._child is not None:
            self._child.kill()
            self._child = None

    async def _look_at(self, request: ControlRequest) -> JobStatus | None:
        return self.last()

    async def _begin(self, request: ControlRequest) -> Said:
        name = request.text("name")
        command = COMMANDS.get(name)
        if command is None:
            raise UserError(f"There is no such job. There are: {', '.join(COMMANDS)}.")
        if self._child is not None and self._last is not None:
            raise ClusterError(f"'{self._last.name}' is under way; one job at a time.")
        child = self._start(command.words)
        self._journal.note("job", name=name, by=who(request), says="begun")
        self._child, self._last = child, Job(name, self._clock.now(), self._clock.wall())
        self._following = asyncio.create_task(self._follow(child, self._last, command.deadline))
        return Said(f"'{name}' is under way.")

    async def _follow(self, child: Stream, job: Job, deadline: float) -> None:
        """Keep the output of a job until it ends or has to be killed.

        A look is a few system calls and never waits. The end is waited for in a thread: a process that hangs
        in the kernel does not end even when it is killed.
        """
        code: int | None = None
        while self._clock.now() - job.began < deadline:
            line = child.line(0.0)
            if line:
                _keep(job, line)
                await asyncio.sleep(0.0)  # one that never stops talking is not to have the loop for itself
            elif child.ended:
                code = await asyncio.to_thread(child.end, 1.0)
                break
            elif line is None:
                await asyncio.sleep(_LOOK)
        else:
            await asyncio.to_thread(child.end, 0.0)
            job.lines.append(f"It did not end within {deadline:.0f} s and was killed.")
        self._conclude(child, job, code)

    def _conclude(self, child: Stream, job: Job, code: int | None) -> None:
        with contextlib.suppress(OSError):
            for line in child.complaint().splitlines()[-_LINES_KEPT:]:
                _keep(job, line.encode())
        child.close()
        self._child = None
        job.took = round(self._clock.now() - job.began, 3)
        job.state = "done" if code == 0 else "failed"
        last = job.lines[-1] if job.lines else ""
        self._journal.note("job", name=job.name, says=job.state, took=job.took, last=last)


def _keep(job: Job, line: bytes) -> None:
    if text := one_line(line.decode(errors="replace"), _LINE_LENGTH):
        job.lines.append(text)
