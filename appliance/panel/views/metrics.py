"""Metrics page `/metrics` for Prometheus: needs the token of `asha panel token`, or a logged-in user."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, request

from appliance.core.answers import MetersAnswer
from appliance.core.errors import AshaError
from appliance.host.process import own_usage
from appliance.panel.context import parts
from appliance.panel.render.metrics import CONTENT_TYPE, exposition
from appliance.panel.views.access import Access, answers

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@answers(Access.ANYBODY)
def metrics() -> Response:
    """Return the metrics. Without an agent, asha_agent_up is 0."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if g.user is None and not (scheme == "Bearer" and parts().metrics_token.is_right(given)):
        abort(401, "A bearer token is wanted: 'asha panel token' makes one.")
    view = parts().feed.view()
    own = {
        "viewers": parts().feed.viewers,
        "memory": own_usage().resident,
        "certificate_expires": parts().certificate_expires,
    }
    return Response(exposition(view.status, view.trends, _meters(), own), content_type=CONTENT_TYPE)


def _meters() -> MetersAnswer | None:
    try:
        return parts().agent.read(MetersAnswer, "meters")
    except AshaError:
        return None
