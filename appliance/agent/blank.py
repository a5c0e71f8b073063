"""The status document of a node that is not set up: every key of the full document, without values."""

from __future__ import annotations

from typing import Any

from appliance import __version__
from appliance.core.permits import Wish

NOT_SET_UP = "not set up"
LOOKS = ("errand", "history", "trends", "meters")
_GOALS = ("acquire", "release")
FILL_IN = "fill in the High Availability tab first"


def blank_document(machine: str, why: str, primary: str, secondary: str) -> dict[str, Any]:
    """Return the document for the machine named `machine`, which is neither node.

    `why`: the reason; `primary`, `secondary`: the node names in the conf file.
    """
    refused = {"allowed": False, "says": FILL_IN}
    unknown = {"value": None, "why": "this node is not set up"}
    return {
        "version": __version__,
        "set_up": False,
        "node": "",
        "names": {"primary": primary, "secondary": secondary},
        "role": NOT_SET_UP,
        "headline": f"This machine ({machine}) is not set up yet: {FILL_IN}, with the names of both nodes and "
        "the cluster's address.",
        "granted": False,
        "generation": 0,
        "fit": False,
        "unfit_because": ["this node is not set up"],
        "problems": [why],
        "trouble": "",
        "ungranted": False,
        "maintenance": None,
        "permits": {wish.value: dict(refused) for wish in Wish},
        "spans": None,
        "probes": {},
        "agent": None,
        "notify": {"waiting": 0, "problems": {}},
        "errand": None,
        "files": [],
        "engine": {"running": dict(unknown), "holds": dict(unknown), "waits_another": None},
        "peer": {
            "node": "",
            "name": "",
            "alive": dict(unknown),
            "fit": dict(unknown),
            "unfit_because": "",
            "granted": dict(unknown),
            "role": "",
            "line": dict(unknown),
            "version": "",
            "data_age": None,
            "heard": None,
            "links": {},
            "maintenance": None,
            "relay": dict(unknown),
            "generation": 0,
        },
        "address": {"ip": "", "here": dict(unknown), "duplicate": ""},
        "relay": {"card": None, "place": "", "commanded": None},
        "line": None,
        "dchannel": dict(unknown),
        "pbx": {"state": dict(unknown), "pid": None, "silent": []},
        "transfer": None,
        "busy": [],
        "data": _blank_data(),
    }


def blank_answer(verb: str, wall: float) -> Any:
    """Return an empty answer to `verb`, in the shape that a page expects; `wall`: epoch seconds.

    Raises KeyError for any verb but those in LOOKS.
    """
    answers: dict[str, Any] = {
        "errand": None,
        "history": [],
        "trends": {"step": 60, "end": round(wall, 3), "data_age": [], "probes": {}, "line": []},
        "meters": {
            "since": round(wall, 3),
            "transfers": {goal: {"done": 0, "blocked": 0, "unverifiable": 0} for goal in _GOALS},
            "phases": {goal: {} for goal in _GOALS},
            "relay_moves": 0,
            "orders_failed": 0,
            "alerts": 0,
        },
    }
    return answers[verb]


def _blank_data() -> dict[str, Any]:
    return {
        "duty": "none",
        "why": "this node is not set up",
        "age": None,
        "stale": False,
        "generation": 0,
        "problem": "",
        "kind": "",
        "unsettled": "",
        "warnings": [],
        "telephony": "",
        "postsync": "",
        "phase": "",
        "done": 0,
        "total": 0,
        "served": False,
        "newer": False,
        "peer_newer": False,
        "conflicts": 0,
        "held_back": [],
        "held_back_more": 0,
    }
