"""The execution of orders: one blocking function for each order.

The agent runs the functions in threads; the resource script runs them when it works without an agent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.agent.before_service import before_service
from appliance.agent.site import Site
from appliance.config import Conf
from appliance.core.errors import HardwareError, HostError
from appliance.core.model import Relay
from appliance.core.transfer import Order
from appliance.host.clock import Clock
from appliance.hw.drivers import open_card
from appliance.hw.relay import RelayCard
from appliance.net.address import remove_address
from appliance.pbx import service
from appliance.pbx.dchannel import restart_spans


class Actuator:
    """The executor of orders; every order is bounded by its conf deadline and raises AshaError on failure.

    `owed`: tells whether the peer has data that must be merged before Asterisk starts.
    """

    def __init__(self, site: Site, clock: Clock, owed: Callable[[], bool] = lambda: False) -> None:
        self._site = site
        self._owed = owed
        self._clock = clock
        self._card: RelayCard | None = None
        self._deeds: Mapping[Order, Callable[[], None]] = {
            Order.ENERGISE: lambda: self._move(Relay.ENERGISED),
            Order.RELEASE: lambda: self._move(Relay.RELEASED),
            Order.START_PBX: self._start_pbx,
            Order.STOP_PBX: self._stop_pbx,
            Order.KILL_PBX: self._kill_pbx,
            Order.RESTART_SPANS: self._restart_spans,
            Order.RESTART_PBX: self._restart_pbx,
            Order.REMOVE_ADDRESS: self._remove_address,
        }

    @property
    def _conf(self) -> Conf:
        return self._site.conf

    def perform(self, order: Order) -> None:
        """Carry out `order`, and return when it is done as far as the thing ordered can tell."""
        self._deeds[order]()

    def reset_card(self) -> None:
        """Reset the card, which also releases the relay; done only when no grant is held."""
        self._with_card(lambda card: card.reset())

    def close(self) -> None:
        """Close the card."""
        if self._card is not None:
            self._card.close()
            self._card = None

    def _move(self, relay: Relay) -> None:
        self._with_card(lambda card: card.move(relay))

    def _with_card(self, deed: Callable[[RelayCard], None]) -> None:
        if self._card is None:
            self._card = open_card(self._conf, self._clock)
        try:
            deed(self._card)
        except HardwareError:
            # The card may have been plugged in again under another name: search for it the next time.
            self.close()
            raise

    def _start_pbx(self) -> None:
        before_service(self._site, self._clock, owed=self._owed())
        service.start(self._conf, self._clock)
        if not service.wait_booted(self._conf, self._clock, self._conf.pbx_start_deadline):
            raise HostError(f"Asterisk was not fully booted within {self._conf.pbx_start_deadline:g} s.")

    def _stop_pbx(self) -> None:
        service.stop(self._conf, self._clock, self._conf.pbx_stop_deadline)

    def _kill_pbx(self) -> None:
        service.stop(self._conf, self._clock, self._conf.pbx_stop_deadline, hung=True)

    def _restart_pbx(self) -> None:
        self._stop_pbx()
        self._start_pbx()

    def _restart_spans(self) -> None:
        restart_spans(self._conf, self._conf.pbx_stop_deadline)

    def _remove_address(self) -> None:
        remove_address(self._conf.device, self._conf.cluster_ip)
