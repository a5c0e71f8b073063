"""Access control of the pages: each view declares who may use it, and only operators may use all others."""

from __future__ import annotations

import enum
import hmac
import secrets
from collections.abc import Callable
from typing import TypeVar

from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from appliance.panel.auth.seal import DEVICE_VALID_FOR
from appliance.panel.auth.sessions import Session
from appliance.panel.auth.users import OF_THE_SITE, User
from appliance.panel.context import parts
from appliance.panel.server.single_sign_on import ProxyWord, proxy_word

ViewFunction = TypeVar("ViewFunction", bound=Callable[..., object])
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(enum.Enum):
    """Group of clients that a view answers."""

    ANYBODY = "anybody"
    VIEWER = "viewer"
    OPERATOR = "operator"


def answers(access: Access) -> Callable[[ViewFunction], ViewFunction]:
    """Return a decorator that declares which clients the view answers."""

    def mark(view: ViewFunction) -> ViewFunction:
        view.access = access  # type: ignore[attr-defined]
        return view

    return mark


def admit() -> AnyResponse | None:
    """Find out who asks, and turn away a client that may not; Flask calls this before every request.

    Return None to let the request go on, or a redirect to the login page. Aborts with 401 when nobody is
    logged in and a redirect would not help (a program, or a request that changes something), with 403 when a
    viewer asks for what only an operator may do or the site's proxy says what does not count, and with 400 when
    a form does not come from the panel's own page.
    """
    g.user = g.session = None
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
    """Return who makes the request, and from where, for the journal."""
    return f"{g.user.name if g.user else 'nobody'} at {address()} (panel)"


def address() -> str:
    """Return the address from which the request comes, or "?"."""
    return request.remote_addr or "?"


def csrf() -> str:
    """Return the token that a form must bring back.

    The token belongs to the session, or to the browser that gets the form when nobody is logged in yet.
    """
    if g.get("session"):
        return str(g.session.csrf)
    if not brought(Cookie.FORM) and not g.get("form_cookie"):
        g.form_cookie = secrets.token_urlsafe(16)
    return parts().seal.form(brought(Cookie.FORM) or g.form_cookie)


class Cookie(enum.Enum):
    """Cookie that a browser keeps for the panel: its name, and its lifetime in seconds.

    A lifetime of None lasts until the browser is closed.

    SESSION: who is logged in. FORM: that a login form was given to this very browser. DEVICE: that its user
    has logged in with this browser before, which gives a better place in the queue when many try to log in,
    and nothing else.
    """

    SESSION = ("asha", None)
    FORM = ("asha-form", None)
    DEVICE = ("asha-device", DEVICE_VALID_FOR)

    @property
    def in_browser(self) -> str:
        """The cookie's full name in the browser.

        The browser itself enforces what the prefixes `__Secure-` and `__Host-` promise: the cookie is sent by
        TLS only, and with `__Host-` to this host only. `__Host-` requires the path /, so it is not used under
        a path prefix.
        """
        return f"__{'Secure' if request.root_path else 'Host'}-{self.value[0]}"


def give_cookie(response: Response, cookie: Cookie, value: str) -> None:
    """Set `cookie` to `value` in the browser."""
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
    """Delete `cookie` in the browser."""
    response.delete_cookie(
        cookie.in_browser, path=request.root_path or "/", secure=True, httponly=True, samesite="Strict"
    )


def brought(cookie: Cookie) -> str:
    """Return the value of `cookie` that the browser sends, or ""."""
    return request.cookies.get(cookie.in_browser, "")


def give_form_cookie(response: Response) -> Response:
    """Set the FORM cookie if a form was made in this request for a browser that is not logged in.

    Flask calls this after every request.
    """
    if g.get("form_cookie"):
        give_cookie(response, Cookie.FORM, g.form_cookie)
    return response


def wants_page() -> bool:
    """Return whether the client is a person with a browser, not a program that asks for data."""
    return not request.path.startswith("/api/") and request.endpoint not in ("status.live", "metrics.metrics")


def _who() -> tuple[User | None, Session | None]:
    word = proxy_word(request.environ)
    if word is not None:
        return _of_the_site(word)
    session = parts().sessions.get(brought(Cookie.SESSION))
    if session is None:
        return None, None
    user = parts().users.get(session.user)
    if user is None or user.stamp != session.stamp:
        parts().sessions.end(brought(Cookie.SESSION))
        return None, None
    return user, session


def _of_the_site(word: ProxyWord) -> tuple[User, Session]:
    """Return the user whom the site's proxy names in this request, with a session that lasts no longer than it.

    A session of the page's own, which the browser may bring as well, does not count. Aborts with 403 when what the
    proxy says does not count.
    """
    if word.refusal:
        abort(403, word.refusal)
    user = User(word.name, word.role, OF_THE_SITE)
    return user, Session(user.name, user.stamp, parts().seal.single_sign_on(user), 0.0, 0.0)


def _access() -> Access:
    if request.endpoint is None:
        return Access.VIEWER  # which pages exist is told only to users who are logged in
    if request.endpoint == "static":
        return Access.ANYBODY
    view = current_app.view_functions.get(request.endpoint)
    return getattr(view, "access", Access.OPERATOR)


def _to_login() -> AnyResponse:
    if not wants_page() or request.method not in _READS:
        abort(401, "Log in first.")
    return redirect(url_for("login.login"))


def _refuse_forged(session: Session | None) -> None:
    """Abort with 400 unless a request that changes something comes from the panel's own page.

    The proof is a token that only the panel's page knows and, if the browser sends it, the header
    Sec-Fetch-Site. Logging in needs the proof too: otherwise another site could log a person in as that
    site's own user, and see what the person enters.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(400, "This form is from another site. Nothing was done.")
    carried = request.headers.get(CSRF_HEADER, "") or request.form.get(CSRF_FIELD, "")
    if session is None:
        ours = parts().seal.is_form(brought(Cookie.FORM), carried)
    else:
        ours = hmac.compare_digest(carried.encode(errors="replace"), session.csrf.encode())
    if not ours:
        abort(400, "This form is not from this page, or is too old. Nothing was done; load the page again.")
