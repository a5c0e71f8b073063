"""Buttons that are safe now, and why the others are missing.

The rules of the agent decide, see appliance/core/operator_actions.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.status import Status


@dataclass(frozen=True, slots=True)
class Action:
    """Action that an operator can start from the page.

    `wish` is the agent's verb, and `slug` names the page that asks for confirmation. `disruptive`: callers may
    notice it.
    """

    slug: str
    wish: str
    label: str
    disruptive: bool = False


ACTIONS = (
    Action("start-ha", "ha start", "Start HA"),
    Action("stop-ha", "ha stop", "Stop HA", disruptive=True),
    Action("start-asterisk", "pbx start", "Start Asterisk"),
    Action("stop-asterisk", "pbx stop", "Stop Asterisk", disruptive=True),
    Action("hand-over", "standby", "Fail over now", disruptive=True),
    Action("take-over", "takeover", "Fail over to here now", disruptive=True),
    Action("fail-back", "failback", "Fail back", disruptive=True),
    Action("maintenance-on", "maintenance on", "Maintenance on"),
    Action("maintenance-off", "maintenance off", "Maintenance off"),
    Action("cleanup", "cleanup", "Acknowledge the moves"),
)
BY_SLUG = {action.slug: action for action in ACTIONS}
_RUNNING = frozenset({"running", "starting"})


@dataclass(frozen=True, slots=True)
class Button:
    """Action that may be done now; `says` tells what will follow."""

    action: Action
    says: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Action that may not be done now, and why."""

    action: Action
    why: str


def buttons(status: Status) -> tuple[tuple[Button, ...], tuple[Absent, ...]]:
    """Return the actions that may be done now, and those that may not."""
    offered: list[Button] = []
    absent: list[Absent] = []
    for action in ACTIONS:
        permit = status.permits.get(action.wish)
        if permit is None:
            continue
        if pointless := _pointless(action, status):
            absent.append(Absent(action, pointless))
        elif permit.allowed:
            offered.append(Button(action, permit.says))
        else:
            absent.append(Absent(action, permit.says))
    return tuple(offered), tuple(absent)


def _pointless(action: Action, status: Status) -> str:
    """Return why an allowed action would be of no use now, or ""."""
    runs = status.pbx.state.value in _RUNNING
    match action.wish:
        case "pbx start" if runs:
            return "Asterisk runs already"
        case "pbx stop" if status.pbx.state.value == "dead":
            return "Asterisk does not run"
        case "maintenance on" if status.maintenance:
            return "it is on already"
        case "cleanup" if not status.moves.held:
            return "service may still move automatically (MOVELIMIT)"
        case "takeover" if status.permit("failback").allowed:
            return "on this node, 'Fail back' does it, and brings the data first"
    return ""
