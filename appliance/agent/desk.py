"""The order desk: it hands orders to threads, one of each kind at a time, and remembers how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from appliance.agent.actuator import Actuator
from appliance.agent.journal import Journal
from appliance.core.errors import AshaError, HostError
from appliance.core.model import Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.transfer import Order
from appliance.host.clock import Clock

_RELAY = {Order.ENERGISE: Relay.ENERGISED, Order.RELEASE: Relay.RELEASED}
_STARTS = frozenset({Order.START_PBX, Order.RESTART_PBX})


class _NotWanted(AshaError):
    """The order waited too long: its grant has ended."""


class Desk:
    """The orders under way and done.

    The card has a thread of its own, so that its commands keep their order and a tool that hangs holds up
    nothing else. `commanded` is what the card last accepted: it does not prove where the line is.
    """

    def __init__(
        self, actuator: Actuator, journal: Journal, clock: Clock, done: Callable[[Order, str], None]
    ) -> None:
        self._actuator = actuator
        self._journal = journal
        self._clock = clock
        self._done = done
        self._card = ThreadPoolExecutor(1, "card")
        self._others = ThreadPoolExecutor(4, "order")
        self._tasks: dict[Order, asyncio.Task[None]] = {}
        self.commanded: Reading[Relay] = Unknown("the card was not commanded yet", clock.now())
        self.failed: dict[Order, str] = {}
        self.start_failed_at: float | None = None
        self.start_failure = ""  # kept longer than `failed`: a standby says for a minute why it is not fit

    @property
    def busy(self) -> frozenset[Order]:
        """The orders that are being carried out."""
        return frozenset(self._tasks)

    def give(self, order: Order, reason: str, generation: int, still_wanted: Callable[[], bool]) -> None:
        """Have `order` carried out, unless the same order is under way.

        `still_wanted` is called again when the order's turn comes: an order to energise that waited behind
        another command must not be carried out after its grant has ended.
        """
        if order in self._tasks:
            return
        self._journal.note("order", order=order.name, reason=reason, generation=generation)
        task = asyncio.create_task(self._carry_out(order, generation, still_wanted))
        self._tasks[order] = task

    async def do(self, order: Order, reason: str, generation: int) -> None:
        """Give `order` and wait for its end. Raises HostError with what went wrong."""
        self.give(order, reason, generation, lambda: True)
        await self._tasks[order]
        if problem := self.failed.get(order, ""):
            raise HostError(problem)

    def forget_relay(self, why: str) -> None:
        """Forget what the card was told, because the card went away or came back.

        The earlier command says nothing any more about the relay.
        """
        self.commanded = Unknown(why, self._clock.now())

    def forget_failures(self) -> None:
        """Forget all failures: a new transfer begins without them."""
        self.failed.clear()

    async def reset_card(self) -> None:
        """Reset the card; done at the start of an agent that holds no grant."""
        await asyncio.get_running_loop().run_in_executor(self._card, self._actuator.reset_card)

    async def settle(self) -> None:
        """Wait for all orders under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    def close(self) -> None:
        """Take no more orders, and close the card."""
        self._card.shutdown(wait=False, cancel_futures=True)
        self._others.shutdown(wait=False, cancel_futures=True)
        self._actuator.close()

    async def _carry_out(self, order: Order, generation: int, still_wanted: Callable[[], bool]) -> None:
        pool = self._card if order in _RELAY else self._others
        began = self._clock.now()
        problem = ""
        try:
            await asyncio.get_running_loop().run_in_executor(pool, self._perform, order, still_wanted)
        except _NotWanted:
            self._journal.note("skipped", order=order.name, under=generation)
            return
        except (
            AshaError,
            OSError,
        ) as error:  # any failure is the failure of this order, which is then tried again
            problem = str(error)
        finally:
            del self._tasks[order]
        self._conclude(order, generation, began, problem)

    def _perform(self, order: Order, still_wanted: Callable[[], bool]) -> None:
        if not still_wanted():
            raise _NotWanted("it is no longer wanted")
        self._actuator.perform(order)

    def _conclude(self, order: Order, generation: int, began: float, problem: str) -> None:
        now = self._clock.now()
        took = round((now - began) * 1000, 1)
        # The key is `under`, not `generation`, because the order may end after the grant it was given under.
        self._journal.note("done", order=order.name, under=generation, ms=took, problem=problem)
        if problem:
            self.failed[order] = problem
        else:
            self.failed.pop(order, None)
        if order in _RELAY:
            self.commanded = Unknown(problem, now) if problem else Known(_RELAY[order], now)
        if order in _STARTS:
            self.start_failed_at, self.start_failure = (now, problem) if problem else (None, "")
        self._done(order, problem)
