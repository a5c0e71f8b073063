"""The execution of orders: what each does, and the threads that carry them out, one of each kind at a time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from appliance.agent.context import NodeContext
from appliance.agent.lan_routes import speak_from_cluster_address
from appliance.agent.pre_start import before_service
from appliance.agent.repeated_failures import RepeatedFailures
from appliance.agent.this_node import ThisNode
from appliance.config import Conf
from appliance.core.errors import AshaError, HardwareError, HostError, attempt
from appliance.core.ip_address import ClusterAddress
from appliance.core.lan import why_not_settable
from appliance.core.model import Relay
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.stuck_line import LINE_AWAY
from appliance.core.transfer import Order
from appliance.dahdi.restart import restart_carriers
from appliance.host.clock import Clock
from appliance.hw.drivers import open_card
from appliance.hw.relay import RelayCard
from appliance.net.address import put_address, read_address, read_lan_interface, remove_addresses
from appliance.net.neighbours import announce, duplicated
from appliance.pbx import service
from appliance.pbx.dchannel import restart_spans

# For so long the network is asked whether another machine has the address before it is put back, in seconds.
_ARP_WAIT = 0.5
# So often the relay's own watchdog is fed within the time that it waits: one feeding that is lost is no harm.
_FEEDINGS = 5


class Actuator:
    """One blocking function for each order, bounded by its conf deadline; each raises AshaError on failure.

    The agent runs the functions in the threads of an `Executor`; the resource script runs them itself when it works
    without an agent.

    `owed`: tells whether the peer has data that must be merged before Asterisk starts. `mended`: what had to be mended
    for Asterisk's sake or could not be, in sentences, until somebody takes it. `feeds`: the caller lives on, and feeds
    the watchdog of a relay device that has one.
    """

    def __init__(
        self,
        this_node: ThisNode,
        clock: Clock,
        owed: Callable[[], bool] = lambda: False,
        *,
        feeds: bool = True,
    ) -> None:
        self._this_node = this_node
        self._feeds = feeds
        self._owed = owed
        self.mended: list[str] = []
        self._clock = clock
        self._card: RelayCard | None = None
        self._actions: Mapping[Order, Callable[[], None]] = {
            Order.ENERGISE: lambda: self._with_card(self._energise),
            Order.RELEASE: lambda: self._with_card(lambda card: card.move(Relay.RELEASED)),
            Order.START_PBX: self._start_pbx,
            Order.STOP_PBX: self._stop_pbx,
            Order.KILL_PBX: self._kill_pbx,
            Order.RESTART_SPANS: self._restart_spans,
            Order.RESTART_PBX: self._restart_pbx,
            Order.REMOVE_ADDRESS: self._remove_address,
            Order.PUT_ADDRESS: self._put_address,
        }

    @property
    def _conf(self) -> Conf:
        return self._this_node.conf

    def perform(self, order: Order) -> None:
        """Carry out `order`, and return when it is done as far as the thing ordered can tell."""
        self._actions[order]()

    def reset_card(self) -> None:
        """Reset the card, which also releases the relay; done only when no grant is held."""
        self._with_card(lambda card: card.reset())

    def announce(self, still_wanted: Callable[[], bool]) -> None:
        """Tell the LAN which of the cluster's addresses are here, each if it is `still_wanted`. Raises HostError."""
        device = self._conf.device
        for address in self._conf.addresses:
            if is_known(read_address(device, address.ip, self._clock.now()), True) and still_wanted():
                announce(device, address.ip)

    def close(self) -> None:
        """Close the card."""
        if self._card is not None:
            self._card.close()
            self._card = None

    @property
    def guarded(self) -> float:
        """Seconds within which the relay's own watchdog must be fed; 0 when there is none."""
        return self._conf.relay_freed_after if self._feeds else 0.0

    def feed_relay(self) -> None:
        """Feed the relay's own watchdog. Raises HardwareError."""
        self._with_card(lambda card: card.feed())

    def stop_relay_watchdog(self) -> None:
        """Stop the relay's own watchdog, which moves nothing. Raises HardwareError."""
        self._with_card(lambda card: card.guard(0))

    def _energise(self, card: RelayCard) -> None:
        """Start the device's watchdog, if it has one, before the line may hang on it."""
        if card.facts.watchdog:
            card.guard(self._conf.relay_watchdog if self._feeds else 0)
        card.move(Relay.ENERGISED)

    def _with_card(self, action: Callable[[RelayCard], None]) -> None:
        if self._card is None:
            self._card = open_card(self._conf, self._clock)
        try:
            action(self._card)
        except HardwareError:
            # The card may have been plugged in again under another name: search for it the next time.
            self.close()
            raise

    def _start_pbx(self) -> None:
        before_service(self._this_node, self._clock, owed=self._owed())
        # Before it answers anybody; where this fails, the component that looks at the routes says so.
        attempt(lambda: speak_from_cluster_address(self._conf))
        service.start(self._conf, self._clock, self.mended.append)
        if not service.wait_booted(self._conf, self._clock, self._conf.pbx_start_deadline):
            raise HostError(f"Asterisk was not fully booted within {self._conf.pbx_start_deadline:g} s.")

    def _stop_pbx(self) -> None:
        service.stop(self._conf, self._clock, self._conf.pbx_stop_deadline)

    def _kill_pbx(self) -> None:
        service.stop(self._conf, self._clock, self._conf.pbx_stop_deadline, hung=True)

    def _restart_pbx(self) -> None:
        """Restart Asterisk for the sake of its D-channel: with the spans down in between."""
        self._stop_pbx()
        problem = attempt(lambda: restart_carriers(self._conf.dahdi_root, self._clock, LINE_AWAY))
        self._start_pbx()
        if problem:
            raise HostError(problem)

    def _restart_spans(self) -> None:
        restart_spans(self._conf, self._conf.pbx_stop_deadline)

    def _remove_address(self) -> None:
        remove_addresses(self._conf.device, [address.ip for address in self._conf.addresses])

    def _put_address(self) -> None:
        """Set those of the cluster's addresses again that are not here, each in spite of trouble with another."""
        device, now = self._conf.device, self._clock.now()
        missing = [
            address
            for address in self._conf.addresses
            if not is_known(read_address(device, address.ip, now), True)
        ]
        if problems := [
            problem for each in missing if (problem := attempt(functools.partial(self._put, each)))
        ]:
            raise HostError(" ".join(problems))

    def _put(self, address: ClusterAddress) -> None:
        """Set `address` again, unless another machine has it by now, and announce it."""
        device, ip, prefix = self._conf.device, address.ip, address.prefix
        interface = read_lan_interface(device, ip, prefix, self._clock.now())
        if wrong := why_not_settable(interface, ip):
            raise HostError(f"{wrong}.")
        other = duplicated(device, ip, self._clock.now(), timeout=_ARP_WAIT, clock=self._clock)
        if isinstance(other, Known) and other.value:
            raise HostError(f"{ip} is at {other.value} by now, so it is not set here.")
        put_address(device, ip, prefix)
        announce(device, ip)


_RELAY = {Order.ENERGISE: Relay.ENERGISED, Order.RELEASE: Relay.RELEASED}
_STARTS = frozenset({Order.START_PBX, Order.RESTART_PBX})


class _NotWanted(AshaError):
    """The order waited too long: its grant has ended."""


class Executor:
    """The orders under way and done.

    The card has a thread of its own, so that its commands keep their order and a tool that hangs holds up
    nothing else. `commanded` is what the card last accepted: it does not prove where the line is.
    """

    def __init__(self, context: NodeContext, actuator: Actuator, done: Callable[[Order, str], None]) -> None:
        self._actuator = actuator
        self._journal = context.journal
        self._clock = context.clock
        self._done = done
        self._card = ThreadPoolExecutor(1, "card")
        self._others = ThreadPoolExecutor(4, "order")
        self._tasks: dict[Order, asyncio.Task[None]] = {}
        self._given_at: dict[Order, float] = {}
        self._reset: asyncio.Task[None] | None = None
        self.commanded: Reading[Relay] = Unknown("the card was not commanded yet", context.clock.now())
        self.failed: dict[Order, str] = {}
        self._feeding: asyncio.Future[str] | None = None
        self._fed_at = float("-inf")
        self._repeated = RepeatedFailures()
        self.start_failed_at: float | None = None
        self.start_failure = ""  # kept longer than `failed`: a standby says for a minute why it is not fit

    @property
    def busy(self) -> frozenset[Order]:
        """The orders that are being carried out."""
        return frozenset(self._tasks)

    def under_way(self, now: float) -> dict[Order, float]:
        """Return for how many seconds each order has been under way at `now`."""
        return {order: now - self._given_at[order] for order in self._tasks}

    def give(self, order: Order, reason: str, generation: int, still_wanted: Callable[[], bool]) -> None:
        """Have `order` carried out, unless the same order is under way.

        `still_wanted` is called again when the order's turn comes: an order to energise that waited behind
        another command must not be carried out after its grant has ended.
        """
        if order in self._tasks:
            return
        if self._repeated.tells(order, reason, generation, self._clock.now()):
            self._journal.note("order", order=order.name, reason=reason, generation=generation)
        task = asyncio.create_task(self._carry_out(order, reason, generation, still_wanted))
        self._tasks[order], self._given_at[order] = task, self._clock.now()

    async def do(self, order: Order, reason: str, generation: int) -> None:
        """Give `order` and wait for its end. Raises HostError with what went wrong."""
        self.give(order, reason, generation, lambda: True)
        await self._tasks[order]
        if problem := self.failed.get(order, ""):
            raise HostError(problem)

    def feed_relay(self) -> None:
        """Have the relay's own watchdog fed by the card's thread, if that is due and nothing is being fed."""
        now = self._clock.now()
        due = now - self._fed_at >= self._actuator.guarded / _FEEDINGS
        if not due or (self._feeding is not None and not self._feeding.done()):
            return
        self._fed_at = now
        loop = asyncio.get_running_loop()
        self._feeding = loop.run_in_executor(self._card, attempt, self._actuator.feed_relay)
        self._feeding.add_done_callback(self._fed)

    def _fed(self, feeding: asyncio.Future[str]) -> None:
        if not feeding.cancelled():
            says = feeding.result() and f"the relay's own watchdog was not fed: {feeding.result()}"
            self._journal.note_once("card", "feeding", says, over="the relay's own watchdog is fed again")

    async def stop_relay_watchdog(self) -> None:
        """Stop the relay's own watchdog if this node's relay holds the line: the agent ends, and service goes on."""
        if self._actuator.guarded and is_known(self.commanded, Relay.ENERGISED):
            stop = self._actuator.stop_relay_watchdog
            if problem := await asyncio.get_running_loop().run_in_executor(self._card, attempt, stop):
                self._journal.note("card", says=f"the relay's own watchdog could not be stopped: {problem}")

    def forget_relay(self, why: str) -> None:
        """Forget what the card was told: the earlier command says nothing any more about the relay.

        Args:
            why: What has happened since: the card went away or came back, or another process has commanded it.
        """
        self.commanded = Unknown(why, self._clock.now())

    def forget_failures(self) -> None:
        """Forget all failures: a new transfer begins without them."""
        self.failed.clear()

    def reset_card(self) -> None:
        """Have the card reset."""
        self._reset = asyncio.create_task(self._reset_card())

    def announce(self, why: str, still_wanted: Callable[[], bool]) -> None:
        """Have the cluster address announced to the LAN, unless it is not `still_wanted` when its turn comes.

        The journal says of a schedule when it began and `why`; of what follows ("") only whether it fails.
        """
        announcing = functools.partial(self._actuator.announce, still_wanted)
        told = asyncio.get_running_loop().run_in_executor(self._others, attempt, announcing)
        told.add_done_callback(functools.partial(self._announced, why))

    def _announced(self, why: str, told: asyncio.Future[str]) -> None:
        if told.cancelled():
            return
        problem = told.result()
        if why:
            self._journal.note("address", says="announced, for a minute from now", why=why)
        self._journal.note_once("address", "announcing", problem, over="announced again")

    async def settle(self) -> None:
        """Wait for all orders under way, and for the card's reset."""
        if self._reset is not None:
            await self._reset
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    def close(self) -> None:
        """Take no more orders, and close the card."""
        self._card.shutdown(wait=False, cancel_futures=True)
        self._others.shutdown(wait=False, cancel_futures=True)
        self._actuator.close()

    async def _reset_card(self) -> None:
        # Whatever goes wrong, the agent goes on: one that ended here would be started again, and end here again.
        reset = self._actuator.reset_card
        if problem := await asyncio.get_running_loop().run_in_executor(self._card, attempt, reset):
            self._journal.note("card", says=f"it could not be reset: {problem}")

    async def _carry_out(
        self, order: Order, reason: str, generation: int, still_wanted: Callable[[], bool]
    ) -> None:
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
        self._conclude(order, reason, generation, began, problem)
        if order in _STARTS and problem and not still_wanted():
            # A start that this node has ended itself, because its grant ended, says nothing against it.
            self.failed.pop(order, None)
        elif order in _STARTS:
            self.start_failed_at, self.start_failure = (self._clock.now(), problem) if problem else (None, "")
        self._done(order, problem)

    def _perform(self, order: Order, still_wanted: Callable[[], bool]) -> None:
        if not still_wanted():
            raise _NotWanted("it is no longer wanted")
        self._actuator.perform(order)

    def _conclude(self, order: Order, reason: str, generation: int, began: float, problem: str) -> None:
        now = self._clock.now()
        took = round((now - began) * 1000, 1)
        while self._actuator.mended:
            self._journal.note("pbx", says=self._actuator.mended.pop(0))
        if tries := self._repeated.ended(order, reason, generation, problem, now):
            # The key is `under`, not `generation`, because the order may end after the grant it was given under.
            more = {"tries": tries} if tries > 1 else {}
            self._journal.note("done", order=order.name, under=generation, ms=took, problem=problem, **more)
        if problem:
            self.failed[order] = problem
        else:
            self.failed.pop(order, None)
        if order in _RELAY:
            self.commanded = Unknown(problem, now) if problem else Known(_RELAY[order], now)
