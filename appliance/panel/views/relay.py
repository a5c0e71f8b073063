"""Page of the relay: what drives it, what it says of itself, and what is plugged in that may be one."""

from __future__ import annotations

from flask import Blueprint, render_template

from appliance.core.answers import PortsAnswer
from appliance.core.errors import AshaError
from appliance.panel.context import parts
from appliance.panel.views.access import Access, answers

blueprint = Blueprint("relay", __name__, url_prefix="/relay")


@blueprint.get("")
@answers(Access.VIEWER)
def relay() -> str:
    """Return the page; what cannot be had of the agent is said on it."""
    agent, problem, ports = parts().agent, "", None
    try:
        ports = agent.read(PortsAnswer, "relay list").ports
    except AshaError as wrong:
        problem = str(wrong)
    status = parts().feed.view().status
    return render_template(
        "relay.html", relay=status.relay if status else None, ports=ports, problem=problem, status=status
    )
