"""A thread for work that may block: what a job raises is the asker's, and only a job that is late is said to hang."""

from __future__ import annotations

import asyncio
import threading

import pytest

from appliance.core.errors import HostError
from appliance.host.worker_thread import WorkerThread


def timed_out() -> None:
    raise TimeoutError("the other end did not answer")


@pytest.mark.parametrize("patience", [None, 30.0])
def test_a_jobs_own_timeout_is_not_taken_for_a_thread_that_hangs(patience: float | None) -> None:
    with pytest.raises(TimeoutError, match="the other end did not answer"):
        asyncio.run(WorkerThread("test", "The test").do(timed_out, patience))


def test_a_job_that_is_late_is_named_and_those_behind_it_fail_in_time() -> None:
    thread, begun, free = WorkerThread("test", "The test"), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        free.wait()

    async def ask() -> None:
        late = asyncio.create_task(thread.do(hang, 2.0))
        assert await asyncio.to_thread(begun.wait, 60.0), (
            "else it is left out, as nobody waits for it any more"
        )
        with pytest.raises(HostError, match=r"The test has not ended for 0\.01 s"):
            await thread.do(timed_out, 0.01)
        with pytest.raises(HostError, match=r"The test has not ended for 2 s"):
            await late
        free.set()
        assert await thread.do(lambda: "done") == "done"

    asyncio.run(ask())
