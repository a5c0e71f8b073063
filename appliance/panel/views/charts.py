"""Page of the charts: an hour, a day or a week of what was measured on this node, and where service moved."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.core.errors import UserError
from appliance.panel.context import parts
from appliance.panel.render import charts as render
from appliance.panel.views.access import Access, answers

blueprint = Blueprint("charts", __name__, url_prefix="/charts")


@blueprint.get("")
@answers(Access.VIEWER)
def charts() -> str:
    """Return the charts of the `span` that is asked for, a day unless it is."""
    period = render.PERIODS.get(request.args.get("span", "day"))
    if period is None:
        raise UserError("There is no such chart.", todo=f"One of: {', '.join(render.PERIODS)}.")
    view = parts().feed.view()
    found = render.charts(view.trends, period, view.moves) if view.trends else ()
    return render_template("charts.html", charts=found, span=period.name, spans=tuple(render.PERIODS))
