"""An agent that says what a test has it say, on a real control socket."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.control.protocol import ControlRequest
from appliance.control.server import ControlServer
from appliance.core.as_json import to_json
from appliance.core.errors import UserError
from appliance.core.operator_actions import OperatorAction
from appliance.core.pair_state import pair_state
from appliance.core.status import (
    AddressStatus,
    AgentUsage,
    DataStatus,
    EngineStatus,
    NodeNames,
    NotifyStatus,
    PbxStatus,
    PeerStatus,
    PermitStatus,
    ProbeStatus,
    RelayStatus,
    SpanStatus,
    Status,
    StatusValue,
    TransferStatus,
    from_json,
)

Document = dict[str, Any]


def known(value: object) -> Document:
    return {"value": value, "why": ""}


def unknown(why: str) -> Document:
    return {"value": None, "why": why}


def permits(*allowed: str) -> Document:
    """Every wish forbidden but those."""
    wishes = {wish.value for wish in OperatorAction} | {"maintenance on", "maintenance off", "failback"}
    return {wish: {"allowed": wish in allowed, "says": f"{wish} it is"} for wish in sorted(wishes)}


def span(number: int, *alarms: str) -> Document:
    line = "absent" if alarms else "clear"
    return {
        "number": number,
        "name": f"R1T1/0/{number}",
        "kind": "E1",
        "alarms": list(alarms),
        "line": line,
        "channels": 31,
        "in_use": 2,
    }


STATUS: Document = to_json(
    Status(
        version="2.0.0",
        node="primary",
        names=NodeNames("pbx1.example.com", "pbx2.example.com"),
        role="active",
        headline="This node (primary) is active: the line is here, the D-channel is up.",
        granted=True,
        generation=7,
        fit=True,
        engine=EngineStatus(StatusValue(True, ""), StatusValue("all", "")),
        peer=PeerStatus(
            node="secondary",
            name="pbx2.example.com",
            alive=StatusValue(True, ""),
            fit=StatusValue(True, ""),
            granted=StatusValue(False, ""),
            role="standby",
            line=StatusValue("absent", ""),
            relay=StatusValue(None, "it has no card"),
            maintenance=False,
            generation=6,
            version="2.0.0",
            data_age=3.0,
            heard=0.4,
            links={"eth0": "up", "eth1": "up", "/dev/ttyS0": "up"},
        ),
        address=AddressStatus("192.168.1.5", StatusValue(True, "")),
        relay=RelayStatus(StatusValue(True, ""), "/dev/ttyUSB0", StatusValue("energised", "")),
        line=StatusValue("clear", ""),
        dchannel=StatusValue("up", ""),
        spans=StatusValue((SpanStatus(1, "R1T1/0/1", "E1", (), "clear", 31, 2),), ""),
        probes={"ami": ProbeStatus(1.4)},
        pbx=PbxStatus(StatusValue("running", ""), 4242),
        transfer=TransferStatus("acquire", "done", "", "granted by Heartbeat", 7, 3600.0, 3595.0),
        data=DataStatus(why="this node serves", generation=12),
        permits={
            name: PermitStatus(**permit)
            for name, permit in permits(
                "ha stop", "pbx stop", "standby", "maintenance on", "pbx start"
            ).items()
        },
        agent=AgentUsage(12.5, 24_000_000, 3600.0),
        notify=NotifyStatus(0),
    )
)
HISTORY: list[Document] = [
    {
        "began": 1_790_000_000.0,
        "node": "primary",
        "goal": "acquire",
        "reason": "granted by Heartbeat",
        "generation": 7,
        "phases": [
            {"phase": "settling", "after": 0.031, "note": ""},
            {"phase": "linking", "after": 5.04, "note": "waiting for the D-channel"},
            {"phase": "done", "after": 5.081, "note": ""},
        ],
        "ended": "done",
        "took": 5.081,
    }
]
JOURNAL: list[Document] = [
    {"at": 1.0, "wall": 1_790_000_000.0, "kind": "agent", "says": "started", "version": "2.0.0", "pid": 4},
    {
        "at": 2.0,
        "wall": 1_790_000_001.0,
        "kind": "grant",
        "held": True,
        "verdict": "accepted",
        "reason": "the resource script said start",
        "generation": 7,
    },
    {
        "at": 2.1,
        "wall": 1_790_000_001.1,
        "kind": "order",
        "order": "ENERGISE",
        "reason": "granted by Heartbeat",
        "generation": 7,
    },
]
TRENDS: Document = {
    "step": 60,
    "end": 1_790_000_000.0,
    "data_age": [None] * 1000 + [3.0] * 400 + [55.0] * 40,
    "probes": {"ami": [1.5] * 1440, "sip": [None] * 1440},
    "line": ["clear"] * 1440,
}
CONF: Document = {
    "path": "/etc/asha.conf",
    "keys": [
        {
            "name": "HACLUSTERIP",
            "label": "HA IP Address",
            "group": "The pair and its address",
            "value": "192.168.1.5",
            "default": "",
            "example": "192.168.1.5",
            "comment": ["virtual IP of the HA cluster"],
            "choices": None,
            "tab": True,
        },
        {
            "name": "HASYNCH",
            "label": "HA Synch Mode",
            "group": "Data kept in step",
            "value": "LAZY",
            "default": "LAZY",
            "example": "LOOSE",
            "comment": ["sync mode (LAZY or LOOSE)"],
            "choices": ["LAZY", "LOOSE"],
            "tab": True,
        },
        {
            "name": "POSTSYNC",
            "label": "POSTSYNC",
            "group": "Data kept in step",
            "value": "/opt/sark/scripts/srkgenAst",
            "default": "",
            "example": "",
            "comment": [],
            "choices": None,
            "tab": False,
        },
    ],
    "problems": [],
}


class AgentStandIn:
    """Answers by the table `says`: a value, or a function of the request. `asked` has every request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[dict[str, object]] = []
        self.says: dict[str, Any] = {
            "status": copy.deepcopy(STATUS),
            "history": HISTORY,
            "journal": JOURNAL,
            "journal page": {"entries": JOURNAL[::-1], "last": "", "more": False},
            "events": [],
            "trends": TRENDS,
            "relay list": {"ports": []},
            "meters": {
                "since": 0.0,
                "transfers": {},
                "phases": {},
                "relay_moves": 3,
                "orders_failed": 0,
                "alerts": 1,
            },
            "conf": copy.deepcopy(CONF),
            "panel note": {},
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: ControlServer | None = None

    @property
    def status(self) -> Document:
        """The status document it gives, to be changed."""
        status: Document = self.says["status"]
        return status

    def verbs(self, *but: str) -> list[str]:
        """What it was asked to do, without the looks."""
        looks = {
            "status",
            "history",
            "journal",
            "journal page",
            "events",
            "trends",
            "meters",
            "conf",
            "relay list",
            *but,
        }
        return [str(request["verb"]) for request in self.asked if request["verb"] not in looks]

    def start(self) -> None:
        """Listen."""
        if not self._thread.is_alive():
            self._thread.start()
        self._server = ControlServer(self.path, self._answer)
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(5)

    def stop(self) -> None:
        """Be an agent that is gone."""
        if self._server is not None:
            asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(5)
            self._server = None

    def close(self) -> None:
        """End the thread too."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _answer(self, request: ControlRequest) -> Any:
        self.asked.append(request.to_json())
        verb = request.verb
        if verb not in self.says:
            raise UserError(f"The agent knows no verb '{verb}'.")
        answer = self.says[verb]
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            return answer(request.to_json())
        return self._with_state(answer) if verb == "status" and "role" in answer else answer

    @staticmethod
    def _with_state(document: Document) -> Document:
        """Return a status document with the state of the pair that follows from it, as an agent gives it."""
        return {**document, "state": to_json(pair_state(from_json(document)))}
