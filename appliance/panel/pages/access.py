"""Who may see and do what: every page says it of itself, and one that says nothing is the operators' alone."""

from __future__ import annotations

import enum
import hmac
import secrets
from collections.abc import Callable
from typing import TypeVar

from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from appliance.panel.entry.seal import DEVICE_VALID_FOR
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
    """What a form must bring along: of this session, or before there is one, of the browser that gets the form."""
    if g.get("session"):
        return str(g.session.csrf)
    if not brought(Cookie.FORM) and not g.get("form_cookie"):
        g.form_cookie = secrets.token_urlsafe(16)
    return parts().seal.form(brought(Cookie.FORM) or g.form_cookie)


class Cookie(enum.Enum):
    """What a browser keeps for us, and for how long, in seconds; None: until it is closed.

    SESSION: who is logged in. FORM: that a login form was given to this very browser. DEVICE: that its user has logged
    in here before, which is worth a better place among many that try to log in, and nothing else.
    """

    SESSION = ("asha", None)
    FORM = ("asha-form", None)
    DEVICE = ("asha-device", DEVICE_VALID_FOR)

    @property
    def in_browser(self) -> str:
        """The browser itself holds to what these names promise: only by TLS, only from this host."""
        return f"__{'Secure' if request.root_path else 'Host'}-{self.value[0]}"


def give_cookie(response: Response, cookie: Cookie, value: str) -> None:
    """Have the browser keep `value`."""
    response.set_cookie(
        cookie.in_browser,
        value,
        max_age=cookie.value[1],
        path=request.root_path or "/",
        secure=True,
        httponly=True,
        samesite="Strict",
    )


def take_cookie(response: Response, cookie: Cookie) -> None:
    """Have the browser forget it."""
    response.delete_cookie(
        cookie.in_browser, path=request.root_path or "/", secure=True, httponly=True, samesite="Strict"
    )


def brought(cookie: Cookie) -> str:
    """What the browser brings; "" for nothing."""
    return request.cookies.get(cookie.in_browser, "")


def give_form_cookie(response: Response) -> Response:
    """After every request: a browser that got a form before it is logged in keeps what the form was made for."""
    if g.get("form_cookie"):
        give_cookie(response, Cookie.FORM, g.form_cookie)
    return response


def wants_page() -> bool:
    """A person asks, by a browser."""
    return not request.path.startswith("/api/") and request.endpoint not in ("home.live", "measure.metrics")


def _who() -> tuple[User | None, Session | None]:
    session = parts().sessions.get(brought(Cookie.SESSION))
    if session is None:
        return None, None
    user = parts().users.get(session.user)
    if user is None or user.stamp != session.stamp:
        parts().sessions.end(brought(Cookie.SESSION))
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
    """What changes something comes from our own page: by what only our page knows; and by the browser's word, if it
    gives one. Logging in, too: else another site could log somebody in as its own user, and see what he enters."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(400, "This form is from another site. Nothing was done.")
    carried = request.headers.get(CSRF_HEADER, "") or request.form.get(CSRF_FIELD, "")
    if session is None:
        ours = parts().seal.is_form(brought(Cookie.FORM), carried)
    else:
        ours = hmac.compare_digest(carried.encode(errors="replace"), session.csrf.encode())
    if not ours:
        abort(400, "This form is not from this page, or is too old. Nothing was done; load the page again.")
