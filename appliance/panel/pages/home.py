"""The first page: what is true now, drawn; what may be done; what happened last. It follows the agent by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Blueprint, Response, g, render_template
from werkzeug.exceptions import ServiceUnavailable

from appliance.panel.entry.users import User
from appliance.panel.pages.access import Access, Cookie, answers, brought
from appliance.panel.parts import Parts, parts

room = Blueprint("home", __name__)
# More viewers than this would leave no thread for pages; they get a page that loads itself anew.
MOST_VIEWERS = 64
# A stream ends after so long and the browser comes back; while nothing is new, a sign of life goes out. Seconds.
_STREAM = 600.0
_PULSE = 5.0


@room.get("/")
@answers(Access.VIEWER)
def home() -> str:
    """The page."""
    sections = parts().press.sections(parts().feed.view(), operator=g.user.role == "operator")
    return render_template("home.html", sections=sections)


@room.get("/live")
@answers(Access.VIEWER)
def live() -> Response:
    """Server-sent events: each time something has changed, the sections that did."""
    if parts().feed.viewers >= MOST_VIEWERS:
        raise ServiceUnavailable("Too many pages follow already; this one loads itself anew.")
    stream = _stream(parts(), g.user, brought(Cookie.SESSION))
    return Response(stream, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _stream(parts: Parts, user: User, token: str) -> Iterator[str]:
    """Until the login has ended, or the browser is to come back."""
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
            # A sign of life is given for a new look at the agent only: the page must not seem live when it is not.
            if news or (fresh and parts.clock.now() - spoken >= _PULSE):
                spoken = parts.clock.now()
                yield (
                    f"event: sections\ndata: {json.dumps(news)}\n\n" if news else "event: alive\ndata: 1\n\n"
                )


def _still_in(parts: Parts, user: User, token: str) -> bool:
    """The session lasts, and its user is who he was. To look at the page does not prolong it."""
    session = parts.sessions.get(token, used=False)
    return session is not None and session.stamp == user.stamp and parts.users.get(user.name) == user
