"""The verb `relay list`: what is plugged in that may be a relay, for the page in the browser."""

from __future__ import annotations

from collections.abc import Callable

from appliance.agent.components.component import Component
from appliance.config import Conf
from appliance.control.protocol import ControlRequest
from appliance.core.answers import PortsAnswer
from appliance.host.worker_thread import WorkerThread
from appliance.hw.ports import relay_ports

# Seconds for the look: it reads a few small files of the kernel's.
_PATIENCE = 1.5


class RelayPorts(Component):
    """The component with the verb `relay list`. It sends nothing to any device."""

    def __init__(self, conf: Callable[[], Conf]) -> None:
        self._conf = conf
        self._look = WorkerThread("relay ports", "The look for relay boards")
        self.verbs = {"relay list": self._list}

    async def _list(self, request: ControlRequest) -> PortsAnswer:
        del request
        return PortsAnswer(await self._look.do(lambda: relay_ports(self._conf()), _PATIENCE))
