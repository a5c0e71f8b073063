"""The answers of an agent on a machine that is no node yet: a whole status, with nothing in it."""

from __future__ import annotations

from typing import Any

from appliance import __version__
from appliance.core.permits import Wish
from appliance.core.status import (
    AddressStatus,
    DataStatus,
    EngineStatus,
    NodeNames,
    NotifyStatus,
    PbxStatus,
    PeerStatus,
    PermitStatus,
    Status,
    StatusValue,
)

LOOKS = ("errand", "history", "trends", "meters")
_GOALS = ("acquire", "release")
FILL_IN = "fill in the High Availability tab first"


def blank_status(machine: str, why: str, names: NodeNames) -> Status:
    """Return the status of the machine named `machine`, which is neither node; `why` it is none."""
    unset: StatusValue[Any] = StatusValue(None, "this node is not set up")
    return Status(
        version=__version__,
        set_up=False,
        names=names,
        headline=f"This machine ({machine}) is not set up yet: {FILL_IN}, with the names of both nodes and "
        "the cluster's address.",
        unfit_because=(unset.why,),
        problems=(why,),
        permits={wish.value: PermitStatus(False, FILL_IN) for wish in Wish},
        notify=NotifyStatus(waiting=0),
        engine=EngineStatus(unset, unset),
        peer=PeerStatus(alive=unset, fit=unset, granted=unset, line=unset, relay=unset),
        address=AddressStatus(here=unset),
        dchannel=unset,
        pbx=PbxStatus(unset),
        data=DataStatus(why=unset.why),
    )


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
