"""The table of states of the pair, as docs/pair-states.md shows it.

`python -m appliance.core.pair_reference >docs/pair-states.md` writes the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core import cluster_address, stray
from appliance.core.alert_rules import problems
from appliance.core.controller import LOST_GRANT_DWELL
from appliance.core.engine_requests import ENGINE_SETTLES, STANDBY_GIVEN_UP
from appliance.core.pair_watch import RULES, FaultRule
from appliance.core.roles import Role
from appliance.core.status import AddressStatus, LanStatus, PeerStatus, Status, StatusValue
from appliance.core.stray import Strays

_HEAD = """\
# States of the pair that do not last

<!-- Written by `python -m appliance.core.pair_reference >docs/pair-states.md` from core/pair_watch.py; do not edit. -->

The cluster engine decides which node serves. After some ordinary events it never does: two nodes that were started
behind cut cables both serve forever, an order is lost and nobody serves, a request is lost and every later one is
dropped for an hour (docs/facts/heartbeat.md). The agents of both nodes hear each other over the engine's links, compute
the same from the same words, and end such a state where that is possible. When it is not, or does not help in time,
both nodes show it in `asha status` and on the page, and send an alert of the kind *pair troubled*.

What is not known counts as no fault: a node that hears nothing of the other node concludes nothing here.
"""
_ALONE = """\
# States that one node ends on its own

They need no word of the other node.
"""


@dataclass(frozen=True, slots=True)
class NodeState:
    """A state that one node ends by itself, with the modules that do it.

    `by`: where that is decided. `told`: a status in which people are told of it, and what they do then.
    """

    name: str
    wrong: str
    after: str
    done: str
    by: str
    told: Status | None = None
    todo: str = ""


_SERVES = Role.ACTIVE.value
_STATES = (
    NodeState(
        "The engine has this node serve, and no grant is here",
        "the grant's file was lost, or its script",
        f"{LOST_GRANT_DWELL:g} s, while the other node holds no grant",
        "the node serves by the engine's word",
        "core/controller.py",
    ),
    NodeState(
        "Service was handed over and nobody takes it",
        "the engine has lost the request, or the other node has",
        f"{STANDBY_GIVEN_UP:g} s, while the other node holds no grant",
        "the node that handed over serves again; one that cannot serve has its engine ended, and the other node takes "
        "over",
        "core/lost_request.py",
        todo="see *A request to the engine was lost*",
    ),
    NodeState(
        "Service was let go to a peer that serves no longer",
        "the engine left it here, or the other node died",
        f"{ENGINE_SETTLES:g} s",
        "the node serves again, and puts the cluster address back if it has taken it off",
        "core/controller.py",
    ),
    NodeState(
        "The cluster address is gone from the node that serves",
        cluster_address.TAKEN,
        "at once",
        "it is put back at once, and each time that it goes again within a minute after a longer while, at most "
        "60 s, unless another machine has it by now",
        "core/cluster_address.py",
        Status(role=_SERVES, address=AddressStatus(trouble=cluster_address.TAKEN)),
        "find what removes it (NetworkManager, networkd, a script), or hand service over by 'asha standby'",
    ),
    NodeState(
        "The cluster address is elsewhere too",
        "another machine answers for it; the alert ends when it answers no more",
        "",
        "if that is the other node and both serve, one of them lets go as above; nothing else is done",
        "agent/sensors/lan.py",
        Status(role=_SERVES, address=AddressStatus(duplicate="another machine")),
        "find the machine by the hardware address in the alert, and take the address off it",
    ),
    NodeState(
        "Asterisk runs without a grant",
        "something else than asha has started it",
        f"{stray.STRAY_DWELL:g} s; {stray.BESIDE_DWELL:g} s where the other node serves",
        "it is ended, as often as it comes back",
        "core/leftovers.py",
        Status(role=Role.STANDBY.value, strays=Strays(running=True)),
        "switch off whatever starts Asterisk there",
    ),
    NodeState(
        "The cluster address is on a node whose engine is gone",
        "the engine has died, and the agent, with the file that holds its grant, was lost too",
        "at once, unless an operator has stopped the engine or works on the node",
        "Asterisk is stopped and the address is taken off",
        "core/leftovers.py",
    ),
    NodeState(
        "The node that serves is cut off from the LAN",
        "its interface has no carrier, or nobody of HAPING answers",
        "LANDWELL",
        "service moves to a peer that is known to reach the LAN and to be fit; else it stays",
        "core/decide.py",
        Status(role=_SERVES, trouble="cut off", lan=LanStatus(reached=StatusValue(False))),
        "see the cable and the switch",
    ),
    NodeState(
        "The node that serves cannot be called",
        "seen from the standby, SIP does not answer at the cluster address",
        "",
        "nothing by this alone: what the node itself sees decides",
        "core/lan.py",
        Status(role=_SERVES, peer=PeerStatus(calls=StatusValue(False))),
        "see Asterisk, the address and the switch",
    ),
)


def document() -> str:
    """Return the text of docs/pair-states.md."""
    ours = [*map(_section, RULES)]
    return "\n".join([_HEAD, *ours, _ALONE, *map(_state, _STATES)])


def _section(rule: FaultRule) -> str:
    remedies = ", then ".join(remedy.value for remedy in rule.remedies)
    rows = [
        ("what is wrong", rule.says),
        ("acted on after", _seconds(rule.dwell)),
        ("who acts", rule.who.rstrip(",")),
        ("what is done", remedies),
        ("tried again after", _seconds(rule.patience)),
        ("alert when it still stands after", _seconds(rule.bound)),
        ("what to do then", rule.todo),
    ]
    return _table(f"{rule.fault.value[0].upper()}{rule.fault.value[1:]}", rows)


def _state(state: NodeState) -> str:
    alerts = [] if state.told is None else [found.dwell for found in problems(state.told)]
    told = (("alert when it still stands after", _seconds(min(alerts))),) if alerts else ()
    rows = [
        ("what is wrong", state.wrong),
        ("acted on after", state.after),
        ("what is done", state.done),
        ("decided in", f"`{state.by}`"),
        *told,
        ("what to do then", state.todo),
    ]
    return _table(state.name, [(name, text) for name, text in rows if text])


def _table(name: str, rows: Sequence[tuple[str, str]]) -> str:
    table = "\n".join(f"| {name} | {text} |" for name, text in rows)
    return f"## {name}\n\n| | |\n|---|---|\n{table}\n"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds else "at once"


if __name__ == "__main__":
    print(document(), end="")
