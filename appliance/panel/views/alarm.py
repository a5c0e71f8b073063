"""Page of one alarm, `/alarm/NAME`: what it means and what to do, as docs/alarms.md says it."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from appliance.panel.render.alarms import entries, in_html
from appliance.panel.views.access import Access, answers

blueprint = Blueprint("alarm", __name__, url_prefix="/alarm")


@blueprint.get("/<name>")
@answers(Access.VIEWER)
def alarm(name: str) -> str:
    """Return the entry called `name`, with dashes for spaces."""
    entry = entries().get(name.lower())
    if entry is None:
        abort(404, "There is no alarm of that name.")
    rows = [(title, in_html(text)) for title, text in entry.rows]
    return render_template("alarm.html", name=entry.name, rows=rows)
