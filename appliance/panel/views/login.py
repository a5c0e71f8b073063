"""Login and logout, the very first login, and the change of one's own password."""

from __future__ import annotations

import contextlib

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from appliance.core.answers import Noted
from appliance.core.errors import AshaError, UserError
from appliance.panel.auth.rate_limit import TooEarly
from appliance.panel.auth.users import User
from appliance.panel.context import parts
from appliance.panel.views.access import (
    Access,
    Cookie,
    address,
    answers,
    brought,
    by,
    give_cookie,
    take_cookie,
)

blueprint = Blueprint("login", __name__)
_WRONG = "That name and password do not go together."
# It does not tell which of the three is wrong.
_WRONG_OF_THREE = "That name, password and code do not go together. A code is good once: wait for the next."
# Longest form field that is read, in characters. Names and passwords are shorter; a longer field is an
# attempt to do harm.
_LONGEST = 300


@blueprint.get("/login")
@answers(Access.ANYBODY)
def login() -> Response | AnyResponse:
    """Return the login form, or redirect.

    The redirect leads home when the browser is logged in already, and to the first login while a first-login
    code is open.
    """
    if g.user is not None:
        return redirect(url_for("status.home"))
    if parts().first_login.is_open():
        return redirect(url_for("login.first"))
    return _form(200)


@blueprint.post("/login")
@answers(Access.ANYBODY)
def enter() -> AnyResponse:
    """Log in. Every failure counts against the browser or the address, and is noted in the journal."""
    name = _field("name")
    unlocked = parts().unlock.is_right(name, _field("code"))
    try:
        with parts().door.turn(address(), f"unlocked {name}" if unlocked else _device(name)) as one_try:
            user = parts().users.verify_login(name, _field("password"), _field("totp"), parts().clock.wall())
            one_try.right = user is not None
    except TooEarly as early:
        return _too_early(_form(429, str(early)), early)
    if user is None:
        _tell(f"a login as {name!r} was refused")
        return _form(401, _WRONG_OF_THREE if _some_need_codes() else _WRONG)
    if unlocked:
        parts().unlock.use_up()
    return _let_in(user, "logged in")


@blueprint.post("/logout")
@answers(Access.VIEWER)
def leave() -> AnyResponse:
    """Log out."""
    parts().sessions.end(brought(Cookie.SESSION))
    _tell("logged out")
    response = make_response(redirect(url_for("login.login")))
    take_cookie(response, Cookie.SESSION)
    return response


@blueprint.get("/first")
@answers(Access.ANYBODY)
def first() -> str:
    """Return the form of the first login, where the code from the installation makes the first operator."""
    if not parts().first_login.is_open():
        abort(404)
    return render_template("first.html", problem="", name="")


@blueprint.post("/first")
@answers(Access.ANYBODY)
def make_first() -> AnyResponse:
    """Make the first operator and log in as that user.

    A code costs nothing to check, so this page needs no queue against a flood of attempts.
    """
    if not parts().first_login.is_open():
        abort(404)
    name = _field("name")
    try:
        user = parts().first_login.use_code(_field("code"), name, _new_password())
    except UserError as problem:
        return make_response(render_template("first.html", problem=str(problem), name=name), 400)
    return _let_in(user, "logged in as the first operator")


@blueprint.get("/account")
@answers(Access.VIEWER)
def account() -> str:
    """Return the form to change one's own password."""
    return render_template("account.html", problem="")


@blueprint.post("/account")
@answers(Access.VIEWER)
def change() -> AnyResponse:
    """Change one's own password; every other session of the user ends."""
    user: User = g.user
    if user.of_the_site:
        abort(403, "The site's own login has your password, not this page.")
    try:
        with parts().door.turn(address(), f"account {user.name}") as one_try:
            one_try.right = parts().users.verify(user.name, _field("old")) is not None
        if not one_try.right:
            return make_response(render_template("account.html", problem="That is not your password."), 403)
        parts().users.change_password(user.name, _new_password())
    except TooEarly as early:
        return _too_early(make_response(render_template("account.html", problem=str(early)), 429), early)
    except UserError as problem:
        return make_response(render_template("account.html", problem=str(problem)), 400)
    parts().sessions.end_all_of(user.name)
    changed = parts().users.get(user.name)
    if changed is None:
        abort(403)
    flash("Your password is changed; wherever else you were logged in, you are not any more.")
    return _let_in(changed, "changed the password")


def _let_in(user: User, what: str) -> AnyResponse:
    """Log `user` in with a new session, whatever cookie the browser sent, and make the browser known."""
    parts().sessions.end(brought(Cookie.SESSION))
    response: Response = make_response(redirect(url_for("status.home")))
    give_cookie(response, Cookie.SESSION, parts().sessions.begin(user.name, user.stamp))
    give_cookie(response, Cookie.DEVICE, parts().seal.device(user))
    take_cookie(response, Cookie.FORM)
    g.user = user
    _tell(what)
    return response


def _device(name: str) -> str:
    """Return the name of the browser when it is known for the user `name`, else ""."""
    device = parts().seal.known_device(brought(Cookie.DEVICE), parts().users.get(name))
    return f"device {device}" if device else ""


def _form(code: int, problem: str = "") -> Response:
    shown = {"problem": problem, "name": _field("name"), "unlock": parts().unlock.is_open()}
    return make_response(render_template("login.html", **shown, totp=_some_need_codes()), code)


def _some_need_codes() -> bool:
    """Return whether any user has a second factor: the form does not tell who."""
    return any(user.second_factor for user in parts().users.all())


def _too_early(response: Response, early: TooEarly) -> Response:
    response.headers["Retry-After"] = str(early.wait)
    return response


def _new_password() -> str:
    new = _field("new")
    if new != _field("again"):
        raise UserError("The new password was not typed the same twice.")
    return new


def _field(name: str) -> str:
    return request.form.get(name, "")[:_LONGEST]


def _tell(what: str) -> None:
    """Note `what` in the journal, if an agent runs to write it."""
    with contextlib.suppress(AshaError):  # without an agent there is no journal; login must still be possible
        parts().agent.do(Noted, "panel note", by(), says=what)
