"""Who may see and do what: every page says it of itself, and one that says nothing is the operators' alone."""

from __future__ import annotations

import enum
import hmac
from collections.abc import Callable
from typing import TypeVar

from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from appliance.panel.entry.sessions import Session
from appliance.panel.entry.users import User
from appliance.panel.parts import parts

View = TypeVar("View", bound=Callable[..., object])
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(enum.Enum):
    """Whom a page answers."""

    ANYBODY = "anybody"
    VIEWER = "viewer"
    OPERATOR = "operator"


def answers(access: Access) -> Callable[[View], View]:
    """Say of a page whom it answers."""

    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]
        return view

    return mark


def admit() -> AnyResponse | None:
    """Before every request: find out who asks, and turn away whoever may not. None: go on.

    Aborts with 401 or 403 where a program asks, and with 400 when a form is not from our own page.
    """
    g.user, g.session = _who()
    access = _access()
    if access is not Access.ANYBODY:
        if g.user is None:
            return _to_login()
        if access is Access.OPERATOR and g.user.role != "operator":
            abort(403, "Only an operator may do that. You are logged in as a viewer.")
    if request.method not in _READS:
        _refuse_forged(g.session)
    return None


def by() -> str:
    """Who asks and from where, for the journal."""
    return f"{g.user.name if g.user else 'nobody'} at {address()} (panel)"


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or "?"


def csrf() -> str:
    """What a form of this session must bring along."""
    return g.session.csrf if g.get("session") else ""


def cookie_name() -> str:
    """The browser itself holds to what these names promise: only by TLS, only from this host."""
    return "__Secure-asha" if request.root_path else "__Host-asha"


def give_cookie(response: Response, token: str) -> None:
    """Have the browser keep the session's token."""
    response.set_cookie(
        cookie_name(), token, path=request.root_path or "/", secure=True, httponly=True, samesite="Strict"
    )


def take_cookie(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(
        cookie_name(), path=request.root_path or "/", secure=True, httponly=True, samesite="Strict"
    )


def token() -> str:
    """The session's token, as the browser brings it."""
    return request.cookies.get(cookie_name(), "")


def wants_page() -> bool:
    """A person asks, by a browser."""
    return not request.path.startswith("/api/") and request.endpoint not in ("home.live", "measure.metrics")


def _who() -> tuple[User | None, Session | None]:
    session = parts().sessions.get(token())
    if session is None:
        return None, None
    user = parts().users.get(session.user)
    if user is None or user.stamp != session.stamp:
        parts().sessions.end(token())
        return None, None
    return user, session


def _access() -> Access:
    if request.endpoint is None:
        return Access.VIEWER  # what is there and what is not, is nobody's business who has not logged in
    if request.endpoint == "static":
        return Access.ANYBODY
    view = current_app.view_functions.get(request.endpoint)
    return getattr(view, "access", Access.OPERATOR)


def _to_login() -> AnyResponse:
    if not wants_page() or request.method not in _READS:
        abort(401, "Log in first.")
    return redirect(url_for("login.login"))


def _refuse_forged(session: Session | None) -> None:
    """What changes something comes from our own page: by the browser's word, and by what only our page knows."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(400, "This form is from another site. Nothing was done.")
    if session is None:
        return  # only logging in, which proves itself
    brought = request.headers.get(CSRF_HEADER, "") or request.form.get(CSRF_FIELD, "")
    if not hmac.compare_digest(brought.encode(), session.csrf.encode()):
        abort(400, "This form is not from this page, or is too old. Nothing was done; load the page again.")
