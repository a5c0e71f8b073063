"""A thread for work that may block: one job at a time, with a bound.

This is the agent's one way to wait for a disk, a database or the peer without its loop waiting too; the end of the
agent does not wait for the thread. What blocks and is not run here has a reason of its own: orders have the executor's
pools, because a command to the card must wait for nothing but the card (agent/executor.py); the sensors' short looks
and the engine's commands have the threads of `asyncio.to_thread`, which nothing else may occupy; the journal and the
alert queue own a thread for life (agent/journal.py, agent/components/alert_queue.py); and a system call on a sick tty
is left behind in a thread that is never used again (`within` in hw/rhino/card.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from appliance.core.errors import HostError

_T = TypeVar("_T")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class WorkerThread:
    """A thread that runs one job after the other.

    `what` completes "… has not ended for 30 s". A job that hangs keeps the thread; those after it fail in
    time. The threads of `asyncio.to_thread` are few and reserved for what a failover needs: a disk that hangs
    must not occupy them.
    """

    def __init__(self, name: str, what: str) -> None:
        self._what = what
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def do(self, job: Callable[[], _T], patience: float | None = 30.0) -> _T:
        """Run `job` in the thread and return its result.

        Raises what `job` raises, and HostError when it takes longer than `patience` seconds; None waits for as long
        as the job takes.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        self._jobs.put((job, future, loop))
        try:
            async with asyncio.timeout(patience) as bound:
                return await future
        except TimeoutError:
            if not bound.expired():
                raise  # the job's own: something that it asked has not answered
            raise HostError(f"{self._what} has not ended for {patience:g} s.") from None

    def _work(self) -> None:
        while True:
            job, future, loop = self._jobs.get()
            if future.cancelled():
                continue
            result: Any = None
            error: BaseException | None = None
            try:
                result = job()
            except BaseException as problem:  # every error is passed on to the caller of `do`
                error = problem
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for the result
                loop.call_soon_threadsafe(_conclude, future, result, error)


def _conclude(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
