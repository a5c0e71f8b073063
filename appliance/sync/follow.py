"""Continuous synchronisation: a pass for every change the peer reports, and one every period in any case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.core.document import parse_object
from appliance.host.clock import Clock
from appliance.host.stream import Stream
from appliance.sync.errors import SyncProblem, understood
from appliance.sync.peer_link import PeerLink
from appliance.sync.ssh import Ssh
from appliance.sync.sync_pass import Request

Pass = Callable[[PeerLink, Request], bool]
"""Makes a pass; whether it went well."""
# ACLs and extended attributes are compared at the beginning and then once in this many seconds, because
# comparing them takes twice as long. A change of one is reported at once by the watch, like any other change.
_DEEP_PERIOD = 3600.0
# Seconds until the next try after a failure of a pass or of the link. Doubled up to the period of passes.
_AGAIN = 2.0


class Follower:
    """The loop that runs `one_pass` over one standing connection to the peer until the process is killed.

    `period`: seconds between passes over everything. `failed` is called with every failure of the link.
    """

    def __init__(
        self, ssh: Ssh, clock: Clock, period: float, one_pass: Pass, failed: Callable[[SyncProblem], None]
    ) -> None:
        self._ssh = ssh
        self._clock = clock
        self._period = period
        self._pass = one_pass
        self._failed = failed
        self._deep_at = float("-inf")

    def run(self) -> None:
        """Run passes for ever, connecting again after every failure. Never returns."""
        again = _AGAIN
        while True:
            began = self._clock.now()
            try:
                self._follow()
            except SyncProblem as problem:
                self._failed(problem)
            again = _AGAIN if self._clock.now() - began > self._period else min(2 * again, self._period)
            self._clock.sleep(again)

    def _follow(self) -> None:
        with PeerLink(self._ssh) as peer, Stream(self._ssh.argv("asha-source", "watch")) as watch:
            self._await_watching(watch)
            self._deep_at = float("-inf")  # changes made while nobody watched were not reported
            again = _AGAIN
            while True:
                well = self._pass(peer, Request("the period is over", deep=self._is_deep()))
                again = _AGAIN if well else min(2 * again, self._period)
                self._follow_changes(peer, watch, self._period if well else again, again)

    def _is_deep(self) -> bool:
        now = self._clock.now()
        due = now - self._deep_at >= _DEEP_PERIOD
        self._deep_at = now if due else self._deep_at
        return due

    def _await_watching(self, watch: Stream) -> None:
        """Wait until the peer watches its files, for one period at the most.

        A later change is reported by the watch; an earlier one is seen by the first pass.
        """
        if watch.line(self._period) == b"":
            raise self._lost(watch)

    def _follow_changes(self, peer: PeerLink, watch: Stream, seconds: float, again: float) -> None:
        """Make a pass for every reported change, for `seconds`.

        After a pass that failed only `again` seconds are left, since its change still has to be fetched.
        """
        until = self._clock.now() + seconds
        while (left := until - self._clock.now()) > 0:
            line = watch.line(left)
            if line == b"":
                raise self._lost(watch)
            if line is None:
                continue
            with understood(self._ssh.host):
                request = _wanted(parse_object(line))
            if request is None:
                continue
            if not self._pass(peer, request):
                until = min(until, self._clock.now() + again)

    def _lost(self, watch: Stream) -> SyncProblem:
        code = watch.end(1.0)
        return self._ssh.diagnose(watch.complaint(), -1 if code is None else code)


def _wanted(news: dict[str, Any]) -> Request | None:
    """Return the pass that the peer's `news` call for, or None when they report no change."""
    if "dirs" not in news:
        return None
    directories = news["dirs"]
    if directories is None:
        return Request("many changes")
    if not directories and not news["databases"]:
        return None
    return Request("a change", scope=tuple(map(str, directories)))
