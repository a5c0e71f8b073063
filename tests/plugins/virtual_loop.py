"""An event loop in virtual time: it never waits, has no threads, and plays the same test in the same way each time."""

from __future__ import annotations

import asyncio
import inspect
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tests.plugins.hand_clock import HandClock

Work = Callable[[], Any]
Doing = Callable[[Work, "asyncio.Future[Any]"], Awaitable[Any]]


class _Selector(selectors.SelectSelector):
    """Where the loop would wait for the next thing to do, the clock goes on to it instead."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits for ever"
        self._clock.time += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of `clock`.

    `doing(work, future)` does what the code under test has given to a thread: it may take (virtual) time before
    `work()` takes effect, and `future` is cancelled when nobody waits for it any more. What `work` returns is awaited
    if it can be.
    """

    def __init__(self, clock: HandClock, doing: Doing) -> None:
        super().__init__(_Selector(clock))
        self._clock_of_test = clock
        self._doing = doing
        self._works: set[asyncio.Task[None]] = set()

    def time(self) -> float:
        return self._clock_of_test.time

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Do `func` as `doing` has it, on this loop."""
        future: asyncio.Future[Any] = self.create_future()
        task = self.create_task(self._work(lambda: func(*args), future))
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return future

    async def _work(self, work: Work, future: asyncio.Future[Any]) -> None:
        try:
            result = await self._doing(work, future)
            if inspect.isawaitable(result):
                result = await result
        except Exception as problem:  # as a thread does, whatever it is
            if not future.done():
                future.set_exception(problem)
        else:
            if not future.done():
                future.set_result(result)


def play(clock: HandClock, doing: Doing, scene: Coroutine[Any, Any, None]) -> None:
    """Play `scene` on a loop of virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock, doing)) as runner:
        runner.run(scene)
