"""The watchdogs of init, machine and relay device, fed by completed cycles alone (`core/feeding.py`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from appliance.agent.this_node import ThisNode
from appliance.core.errors import AshaError
from appliance.core.feeding import CompletedCycle, why_not_fed
from appliance.host.service_manager import ServiceManager
from appliance.hw.watchdog import LinuxWatchdog, WatchdogTimer


class Watchdogs:
    """All watchdogs.

    `tell` gets what becomes of the machine's timer, "" when nothing is wrong with it any more. `feed_relay` feeds
    that of the relay device.
    """

    def __init__(
        self,
        this_node: ThisNode,
        init: ServiceManager,
        tell: Callable[[str], None],
        feed_relay: Callable[[], None] = lambda: None,
    ) -> None:
        self._this_node = this_node
        self._feed_relay = feed_relay
        self._init = init
        self._tell = tell
        self._timer: WatchdogTimer | None = None

    def arm(self) -> None:
        """Start the machine's timer, if the conf file names one."""
        if device := self._this_node.conf.watchdog:
            try:
                self._timer = LinuxWatchdog(Path(device))
            except AshaError as problem:
                self._tell(str(problem))

    def begun(self) -> None:
        """Feed init's and the machine's after a stage of the agent's start is done: no cycle has turned yet."""
        self._feed()

    def completed(self, done: CompletedCycle) -> bool:
        """Feed all after a whole cycle; the machine's and the relay's only if nothing hangs that their ends would free.

        Returns True unless something hangs so. Init ends an agent by a signal, which a thread that hangs in the kernel
        outlives, so init is not told of one.
        """
        conf = self._this_node.conf
        longest = (
            max(conf.pbx_start_deadline, conf.pbx_stop_deadline, conf.card_deadline) + conf.merge_deadline
        )
        why = why_not_fed(done, longest)
        if self._timer is not None:
            self._tell(
                f"The watchdog timer is not fed, so that it resets this machine: {why}." if why else ""
            )
        if why:
            self._init.alive()
            return False
        self._feed()
        if done.relay_holds:
            self._feed_relay()
        return True

    def disarm(self) -> None:
        """Stop the machine's timer on purpose: the agent ends, and service goes on without it."""
        if self._timer is not None:
            with contextlib.suppress(AshaError):
                self._timer.disarm()

    def _feed(self) -> None:
        self._init.alive()
        if self._timer is not None:
            with contextlib.suppress(AshaError):  # a timer that takes no food shows it by its reset
                self._timer.feed()
