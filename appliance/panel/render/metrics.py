"""Metrics for Prometheus, made from the agent's documents.

An unknown value has no sample, and is never shown as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from appliance.core.answers import MetersAnswer, TrendsAnswer
from appliance.core.model import DChannel, Line, Pbx, Relay
from appliance.core.pair_state import PairState
from appliance.core.relay_facts import Contacts
from appliance.core.roles import Role
from appliance.core.status import NOT_SET_UP, SpanStatus, Status, StatusValue

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ROLES = (NOT_SET_UP, *(role.value for role in Role))
_HOUR = 60  # points of the trends
T = TypeVar("T")


def exposition(
    status: Status | None,
    trends: TrendsAnswer | None,
    meters: MetersAnswer | None,
    panel: Mapping[str, float | None],
) -> bytes:
    """Return the text that Prometheus reads, made from the agent's answers to status, trends and meters.

    An answer is None when the agent did not give it. `panel`: the panel's own `viewers`, `memory` in bytes,
    and `certificate_expires` in epoch seconds.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status, trends, meters, panel))
    return generate_latest(registry)


class _Collector:
    def __init__(
        self,
        status: Status | None,
        trends: TrendsAnswer | None,
        meters: MetersAnswer | None,
        panel: Mapping[str, float | None],
    ) -> None:
        self._status = status
        self._trends = trends
        self._meters = meters
        self._panel = panel

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, also those without a sample: it is known then that the metric exists."""
        yield _gauge("asha_agent_up", "1 when the agent answers.", self._status is not None)
        for metric in _of_status(self._status or Status()):
            if self._status is None:
                metric.samples.clear()
            yield metric
        yield _worst_latency(self._trends)
        yield from _transfers(self._meters)
        yield _gauge("asha_panel_viewers", "Pages that are open and told live.", self._panel.get("viewers"))
        yield _gauge("asha_panel_resident_bytes", "Memory of the panel's process.", self._panel.get("memory"))
        yield _gauge(
            "asha_panel_certificate_expires_seconds",
            "When the page's certificate expires, in seconds since the epoch.",
            self._panel.get("certificate_expires"),
        )


def _of_status(status: Status) -> Iterator[Metric]:
    for part in (_service, _line, _pair, _probes, _agent):
        yield from part(status)


def _service(status: Status) -> Iterator[Metric]:
    info = _family("asha_info", "Version of asha, and which node this is.", ["version", "node"])
    info.add_metric([_text(status.version), _text(status.node)], 1)
    yield info
    yield _states("asha_pair_state", "How the pair is.", "state", _values(PairState), status.state.name)
    yield _states("asha_role", "The role of this node.", "role", _ROLES, status.role)
    yield _states("asha_pbx", "Asterisk on this node.", "state", _values(Pbx), status.pbx.state.value)
    yield _gauge("asha_fit", "1 when this node could serve.", status.fit)
    yield _gauge("asha_problems", "What is wrong now, counted.", len(status.problems))
    maintenance = status.maintenance
    yield _gauge("asha_maintenance", "1 while automatic failover is paused.", maintenance is not None)
    yield _gauge(
        "asha_maintenance_until_seconds",
        "When it ends, in seconds since the epoch.",
        maintenance.until if maintenance else None,
    )


def _line(status: Status) -> Iterator[Metric]:
    line, relay = _value(status.line), status.relay
    commanded = _value(relay.commanded)
    yield _states("asha_relay", "What the relay was told last.", "state", _values(Relay), commanded)
    register, again = _value(relay.register), None if relay.register is None else relay.put_right
    yield _states(
        "asha_relay_register", "What the relay says of itself.", "state", _values(Contacts), register
    )
    yield _gauge("asha_relay_put_right", "Commands given again for what it said, in 10 min.", again)
    yield _gauge("asha_card_present", "1 when the relay card is there.", _value(relay.card))
    yield _states("asha_line", "What this node's spans say of the line.", "state", _values(Line), line)
    here = (
        None if line in (None, Line.UNVERIFIABLE.value) else line in (Line.SETTLING.value, Line.CLEAR.value)
    )
    yield _gauge("asha_line_here", "1 when the line's signal reaches this node.", here)
    channel = status.dchannel.value
    up = None if channel not in (DChannel.UP.value, DChannel.DOWN.value) else channel == DChannel.UP.value
    yield _gauge("asha_dchannel_up", "1 when the D-channel is up.", up)
    yield from _spans(_value(status.spans) or ())


def _spans(spans: Sequence[SpanStatus]) -> Iterator[Metric]:
    labels = ["span", "name"]
    count = _family("asha_span_alarms", "Alarms of a span, counted.", labels)
    alarms = _family("asha_span_alarm", "1 for an alarm that a span has.", [*labels, "alarm"])
    channels = _family("asha_span_channels", "Channels of a span.", labels)
    in_use = _family(
        "asha_span_channels_in_use",
        "Channels of a span that a program has open; Asterisk opens all it is set up for.",
        labels,
    )
    for span in spans:
        who = [_text(span.number), _text(span.name)]
        _sample(count, who, len(span.alarms))
        for alarm in dict.fromkeys(span.alarms):
            _sample(alarms, [*who, _text(alarm)], 1)
        _sample(channels, who, span.channels)
        _sample(in_use, who, span.in_use)
    yield from (count, alarms, channels, in_use)


def _pair(status: Status) -> Iterator[Metric]:
    peer, data = status.peer, status.data
    yield _gauge("asha_peer_alive", "1 when the other node is heard.", peer.alive.value)
    yield _gauge("asha_peer_fit", "1 when the other node could serve.", peer.fit.value)
    links = _family("asha_heartbeat_link_up", "1 when a link of the HA engine is up.", ["link"])
    for name, state in sorted(peer.links.items()):
        _sample(links, [_text(name)], state == "up" if state in ("up", "down") else None)
    yield links
    yield _gauge(
        "asha_data_age_seconds",
        "Since this node was last known to have all of the other node's data.",
        data.age,
    )
    yield _gauge("asha_data_stale", "1 when that is too long ago.", data.stale)
    yield _gauge("asha_data_conflicts", "Files that both nodes have changed.", data.conflicts)


def _probes(status: Status) -> Iterator[Metric]:
    last = _family("asha_probe_latency_seconds", "How long Asterisk's last answer took.", ["probe"])
    silences = _family("asha_probe_silences", "Probes in a row without an answer.", ["probe"])
    for name, probe in sorted(status.probes.items()):
        _sample(last, [_text(name)], _seconds(probe.ms))
        _sample(silences, [_text(name)], probe.silences)
    yield from (last, silences)


def _worst_latency(trends: TrendsAnswer | None) -> Metric:
    worst = _family(
        "asha_probe_latency_hour_max_seconds", "The worst minute of the last hour of it.", ["probe"]
    )
    for name, points in sorted(trends.probes.items() if trends is not None else ()):
        known = [point for point in points[-_HOUR:] if point is not None]
        _sample(worst, [_text(name)], _seconds(max(known, default=None)))
    return worst


def _agent(status: Status) -> Iterator[Metric]:
    agent = status.agent
    yield _counter("asha_agent_cpu_seconds", "Processor time of the agent.", agent.cpu if agent else None)
    yield _gauge("asha_agent_resident_bytes", "Memory of the agent.", agent.memory if agent else None)
    yield _gauge("asha_agent_uptime_seconds", "Since the agent was started.", agent.up if agent else None)
    yield _gauge("asha_alerts_waiting", "Alerts that have not gone out yet.", status.notify.waiting)


def _transfers(meters: MetersAnswer | None) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "asha_transfers", "Transfers of service that have ended.", labels=["goal", "outcome"]
    )
    for goal, outcomes in sorted(meters.transfers.items() if meters is not None else ()):
        for outcome, number in sorted(outcomes.items()):
            _sample(ended, [_text(goal), _text(outcome)], number)
    yield ended
    phases = HistogramMetricFamily(
        "asha_transfer_phase_seconds", "How long a phase of a transfer took.", labels=["goal", "phase"]
    )
    for goal, by_phase in sorted(meters.phases.items() if meters is not None else ()):
        for phase, measured in sorted(by_phase.items()):
            buckets = sorted(measured.buckets.items(), key=lambda bucket: float(bucket[0]))
            phases.add_metric([_text(goal), _text(phase)], buckets, measured.sum)
    yield phases
    yield _counter("asha_relay_moves", "Moves of the relay.", meters.relay_moves if meters else None)
    yield _counter("asha_orders_failed", "Orders that failed.", meters.orders_failed if meters else None)
    yield _counter("asha_alerts", "Alerts that were made.", meters.alerts if meters else None)


def _value(reading: StatusValue[T] | None) -> T | None:
    """Return the value of a reading, None when it is not known."""
    return None if reading is None else reading.value


def _values(kind: Iterable[Any]) -> tuple[str, ...]:
    return tuple(member.value for member in kind)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _gauge(name: str, says: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(name, says)
    _sample(family, [], value)
    return family


def _counter(name: str, says: str, value: float | None) -> Metric:
    family = CounterMetricFamily(name, says)
    _sample(family, [], value)
    return family


def _family(name: str, says: str, labels: Sequence[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=labels)


def _sample(
    family: GaugeMetricFamily | CounterMetricFamily, labels: Sequence[str], value: float | None
) -> None:
    if value is not None and math.isfinite(value):
        family.add_metric(labels, float(value))


def _states(name: str, says: str, label: str, states: Iterable[str], now: str | None) -> Metric:
    """Return a metric with a sample for each state, 1 for the state `now`; no sample if that is None."""
    family = _family(name, says, [label])
    for state in states if now is not None else ():
        family.add_metric([state], float(state == now))
    return family


def _text(value: object) -> str:
    """Return `value` as a label: encodable text of at most 100 characters, whatever a span was called."""
    return str(value).encode(errors="replace").decode()[:100]
