"""Pages behind the buttons: each says what will happen and asks for confirmation; the agent acts."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.core.answers import Said
from appliance.core.errors import UserError
from appliance.panel.context import parts
from appliance.panel.render.action_list import BY_SLUG, Action
from appliance.panel.views.access import Access, answers, by

blueprint = Blueprint("actions", __name__, url_prefix="/do")
# Durations of maintenance that the page offers, in seconds. Maintenance always ends by itself, so it cannot
# be forgotten for longer.
SPANS = {"15 minutes": 900, "1 hour": 3600, "4 hours": 4 * 3600, "24 hours": 24 * 3600}
_WHY_LENGTH = 200


@blueprint.get("/<slug>")
@answers(Access.OPERATOR)
def asked(slug: str) -> str:
    """Return the page that asks for confirmation of the action."""
    action = _action_named(slug)
    status = parts().agent.status()
    permit = status.permit(action.wish)
    return render_template("action.html", action=action, permit=permit, spans=SPANS, status=status)


@blueprint.post("/<slug>")
@answers(Access.OPERATOR)
def done(slug: str) -> Response:
    """Carry out the confirmed action. The agent decides whether it is allowed, whatever the page showed."""
    action = _action_named(slug)
    flash(carry_out(action, dict(request.form.items())))
    return redirect(url_for("status.home"))


def carry_out(action: Action, more: dict[str, str]) -> str:
    """Have the agent carry out `action`, and return what the agent says.

    `more` holds the other fields of the form. Raises AshaError.
    """
    agent = parts().agent
    match action.wish:
        case "maintenance on":
            answer = agent.do(
                Said, action.wish, by(), seconds=_seconds(more), why=more.get("why", "")[:_WHY_LENGTH]
            )
        case "failback":
            answer = agent.do(Said, "job start", by(), name="failback")
        case _:
            answer = agent.do(Said, action.wish, by())
    return answer.says


@blueprint.post("/job")
@answers(Access.OPERATOR)
def job() -> Response:
    """Have the agent run one of its jobs: a dry run of the failback, a pass of the data, or a check."""
    answer = parts().agent.do(Said, "job start", by(), name=request.form.get("name", ""))
    flash(answer.says)
    back = request.form.get("back", "")
    return redirect(url_for("actions.asked", slug=back) if back in BY_SLUG else url_for("status.home"))


def _action_named(slug: str) -> Action:
    action = BY_SLUG.get(slug)
    if action is None:
        abort(404)
    return action


def _seconds(more: dict[str, str]) -> int:
    text = more.get("seconds", "")
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise UserError("For how long? Choose one of the times offered.")
    return int(text)
