"""Hints of the status: what makes no pair degraded today, and leaves somebody without help on the night it matters.

The rules are those of `asha check` (core/host_check). No alert is made of a hint: with no way for alerts nobody would
get it, and nobody is to be woken by the age of a library.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.core.host_check.finding import Finding
from appliance.core.host_check.machine import judge_runtime
from appliance.core.host_check.own import hints, judge_ways
from appliance.core.status import Status
from appliance.host.release import has_runtime, release_age
from appliance.notify.notice import way_names


class Hints(Component):
    """Judges the conf in use and the age of the release whenever the status is asked for."""

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._clock = context.clock

    def report(self, status: Status) -> Status:
        """Return `status` with its hints."""
        return status._replace(hints=hints(self._findings()))

    def _findings(self) -> Iterator[Finding]:
        yield judge_ways(way_names(self._this_node.conf))
        if has_runtime():
            yield judge_runtime(*release_age(self._clock.wall()))
