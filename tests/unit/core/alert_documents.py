"""A status as alerts are decided by, with nothing wrong in it; and journal entries."""

from __future__ import annotations

from typing import Any

from appliance.core.status import Status, from_json


def reading(value: object, why: str = "") -> dict[str, Any]:
    return {"value": value, "why": why}


def status(role: str = "active", **changes: Any) -> Status:
    """Nothing is wrong. `changes`: a part anew, or for a dict what is different in it."""
    whole: dict[str, Any] = {
        "role": role,
        "fit": True,
        "unfit_because": [],
        "trouble": "",
        "strays": {},
        "engine": {},
        "transfer": {"goal": "acquire", "phase": "done", "note": ""},
        "address": {"duplicate": "", "trouble": ""},
        "lan": {"device": "eth0", "reached": reading(True), "calls": reading(None)},
        "relay": {"card": reading(True)},
        "peer": {
            "node": "secondary",
            "name": "hastandby",
            "alive": reading(True),
            "fit": reading(True),
            "granted": reading(False),
            "lan": reading(True),
            "calls": reading(True),
            "links": {"eth0": "up", "eth1": "up"},
        },
        "data": {
            "problem": "",
            "kind": "",
            "stale": False,
            "telephony": "",
            "unsettled": "",
            "postsync": "",
            "conflicts": 0,
            "held_back": [],
            "held_back_more": 0,
        },
        "maintenance": None,
        "files": [],
    }
    for name, change in changes.items():
        whole[name] = {**(whole.get(name) or {}), **change} if isinstance(change, dict) else change
    return from_json(whole)


def role(was: str, event: str, now: str) -> dict[str, Any]:
    return {"kind": "role", "was": was, "event": event, "role": now}


def transfer(goal: str, reason: str) -> dict[str, Any]:
    return {"kind": "transfer", "goal": goal, "reason": reason}


def phase(name: str, after: float, note: str = "", goal: str = "acquire") -> dict[str, Any]:
    return {"kind": "phase", "goal": goal, "phase": name, "note": note, "after": after}
