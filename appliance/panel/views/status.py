"""First page: a picture of what is true now, what may be done, and what happened last; it updates itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Blueprint, Response, g, render_template
from werkzeug.exceptions import ServiceUnavailable

from appliance.panel.auth.users import User
from appliance.panel.context import PanelContext, parts
from appliance.panel.render import timeline
from appliance.panel.server.webserver import STREAMS
from appliance.panel.views.access import Access, Cookie, answers, brought

blueprint = Blueprint("status", __name__)
# Seconds. A stream ends after _STREAM, and the browser connects again. While nothing changes, a sign of life
# is sent every _PULSE.
_STREAM = 600.0
_PULSE = 5.0


@blueprint.get("/")
@answers(Access.VIEWER)
def home() -> str:
    """Return the first page."""
    sections = parts().press.sections(parts().feed.view(), operator=g.user.role == "operator")
    return render_template("status.html", sections=sections)


@blueprint.get("/live")
@answers(Access.VIEWER)
def live() -> Response:
    """Stream server-sent events: each time something has changed, the sections that changed."""
    if parts().feed.viewers >= STREAMS:
        raise ServiceUnavailable("Too many pages follow already; this one reloads on its own.")
    stream = _stream(parts(), g.user, brought(Cookie.SESSION))
    return Response(stream, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _stream(parts: PanelContext, user: User, token: str) -> Iterator[str]:
    """Yield the events of one viewer until the login has ended, or the browser is to connect again."""
    spoken = parts.clock.now()
    end, number = spoken + _STREAM, 0
    shown: dict[str, str] = {}
    with parts.feed.watched():
        while parts.clock.now() < end and _still_in(parts, user, token):
            view = parts.feed.after(number, _PULSE)
            fresh, number = view.number > number, view.number
            sections = parts.press.sections(view, operator=user.role == "operator")
            news = {name: html for name, html in sections.items() if shown.get(name) != html}
            shown = sections
            # A sign of life is sent only for a new look at the agent: the page must not seem live when it is
            # not.
            if news or (fresh and parts.clock.now() - spoken >= _PULSE):
                spoken = parts.clock.now()
                yield (
                    f"event: sections\ndata: {json.dumps(news)}\n\n" if news else "event: alive\ndata: 1\n\n"
                )


def _still_in(parts: PanelContext, user: User, token: str) -> bool:
    """Return whether the session lasts and its user is unchanged. This check does not prolong the session.

    A user whom the site's proxy has logged in has no session here: when the stream ends, the proxy is heard again.
    """
    if user.of_the_site:
        return True
    session = parts.sessions.get(token, used=False)
    return session is not None and session.stamp == user.stamp and parts.users.get(user.name) == user


# The page with the transfers, further back than the first page shows.


records_blueprint = Blueprint("records", __name__)
_MOVES = 50


@records_blueprint.get("/moves")
@answers(Access.VIEWER)
def moves() -> str:
    """Return the page of the last transfers of service."""
    return render_template("moves.html", moves=timeline.moves(parts().agent.history(_MOVES)))
