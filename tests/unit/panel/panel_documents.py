"""Documents as the agent gives them to the panel: a primary in service, and one that is not set up yet."""

from __future__ import annotations

from typing import Any

from appliance.agent.unconfigured import blank_status
from appliance.core.answers import MetersAnswer, TrendsAnswer
from appliance.core.as_json import read_as
from appliance.core.status import NodeNames, Status, from_json


def reading(value: object, why: str = "") -> dict[str, Any]:
    return {"value": value, "why": why}


def status(**changes: Any) -> Status:
    whole = {
        "version": "2.0.0",
        "node": "primary",
        "role": "active",
        "fit": True,
        "problems": ["link of Heartbeat down: eth1"],
        "maintenance": {"until": 1.9e9, "left": 60, "by": "anna", "why": "a new card"},
        "relay": {"card": reading(True), "place": "/dev/ttyUSB0", "commanded": reading("energised")},
        "line": reading("clear"),
        "dchannel": reading("up"),
        "pbx": {"state": reading("running"), "pid": 1, "silent": []},
        "spans": reading(
            [
                span(1, "R1T1 0/1", []),
                span(2, 'odd "name"\n\udcff', ["RED", "YELLOW"]),
            ]
        ),
        "probes": {
            "ami": {"ms": 12.5, "silences": 0, "why": ""},
            "sip": {"ms": None, "silences": 3, "why": "no answer"},
        },
        "peer": {"alive": reading(True), "fit": reading(False), "links": {"eth0": "up", "eth1": "down"}},
        "data": {"age": 4.2, "stale": False, "conflicts": 2},
        "agent": {"cpu": 12.5, "memory": 25_000_000, "up": 3600.0},
        "notify": {"waiting": 1, "problems": {}},
    }
    return from_json({**whole, **changes})


def span(number: int, name: str, alarms: list[str]) -> dict[str, Any]:
    return {"number": number, "name": name, "alarms": alarms, "line": "clear", "channels": 24, "in_use": 3}


def nothing_known() -> Status:
    """An agent that waits to be set up."""
    return blank_status("pbx1", "it is neither node", NodeNames())


METERS = read_as(
    MetersAnswer,
    {
        "since": 1.7e9,
        "transfers": {"acquire": {"done": 3, "blocked": 1, "unverifiable": 0}, "release": {"done": 2}},
        "phases": {
            "acquire": {
                "settling": {"buckets": {"+Inf": 4, "5": 1, "10": 3, "0.5": 0}, "sum": 30.5, "count": 4}
            }
        },
        "relay_moves": 7,
        "orders_failed": 0,
        "alerts": 9,
    },
)
TRENDS = read_as(
    TrendsAnswer,
    {
        "step": 60,
        "end": 1.7e9,
        "data_age": [None, 1.0],
        "probes": {"ami": [9000.0] + [None] * 30 + [40.0, 250.0, None] + [10.0] * 27, "sip": [None] * 1440},
        "line": [],
    },
)
PANEL = {"viewers": 2.0, "memory": 4.1e7, "certificate_expires": 1.9e9}
