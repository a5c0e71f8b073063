"""Logging in and out, the first login of all, and one's own password."""

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

from appliance.core.errors import AshaError, UserError
from appliance.panel.entry.door import Knock
from appliance.panel.entry.users import User
from appliance.panel.pages.access import Access, address, answers, by, give_cookie, take_cookie, token
from appliance.panel.parts import parts

room = Blueprint("login", __name__)
_WRONG = "That name and password do not go together."
# Names and passwords are shorter; what is longer is somebody's attempt.
_LONGEST = 300


@room.get("/login")
@answers(Access.ANYBODY)
def login() -> str | AnyResponse:
    """The form; or the way in, for who is in already; or the first login, while nobody is known."""
    if g.user is not None:
        return redirect(url_for("home.home"))
    if parts().first_login.is_open():
        return redirect(url_for("login.first"))
    return render_template("login.html", problem="")


@room.post("/login")
@answers(Access.ANYBODY)
def enter() -> AnyResponse:
    """Log in. Every failure counts against the address and the name, and is in the journal."""
    name, password = _field("name"), _field("password")
    knock = _knock(name)
    user = parts().users.verify(name, password)
    if user is None:
        _tell(f"a login as {name!r} was refused")
        return make_response(render_template("login.html", problem=_WRONG), 401)
    parts().door.entered(knock)
    return _let_in(user, "logged in")


@room.post("/logout")
@answers(Access.VIEWER)
def leave() -> AnyResponse:
    """Log out."""
    parts().sessions.end(token())
    _tell("logged out")
    response = make_response(redirect(url_for("login.login")))
    take_cookie(response)
    return response


@room.get("/first")
@answers(Access.ANYBODY)
def first() -> str:
    """The form of the first login: the code of the installation makes the first operator."""
    if not parts().first_login.is_open():
        abort(404)
    return render_template("first.html", problem="", name="")


@room.post("/first")
@answers(Access.ANYBODY)
def make_first() -> AnyResponse:
    """Make the first operator, who is then logged in."""
    if not parts().first_login.is_open():
        abort(404)
    name = _field("name")
    knock = _knock("")
    try:
        user = parts().first_login.use_code(_field("code"), name, _new_password())
    except UserError as problem:
        return make_response(render_template("first.html", problem=str(problem), name=name), 400)
    parts().door.entered(knock)
    return _let_in(user, "logged in as the first operator")


@room.get("/account")
@answers(Access.VIEWER)
def account() -> str:
    """The form to change one's own password."""
    return render_template("account.html", problem="")


@room.post("/account")
@answers(Access.VIEWER)
def change() -> AnyResponse:
    """Change one's own password; every other session of the user ends."""
    user: User = g.user
    knock = _knock(user.name)
    if parts().users.verify(user.name, _field("old")) is None:
        return make_response(render_template("account.html", problem="That is not your password."), 403)
    try:
        parts().users.change_password(user.name, _new_password())
    except UserError as problem:
        return make_response(render_template("account.html", problem=str(problem)), 400)
    parts().sessions.end_all_of(user.name)
    parts().door.forget(user.name)
    parts().door.entered(knock)
    changed = parts().users.get(user.name)
    if changed is None:
        abort(403)
    flash("Your password is changed; wherever else you were logged in, you are not any more.")
    return _let_in(changed, "changed the password")


def _let_in(user: User, what: str) -> AnyResponse:
    """A session of its own, whatever the browser brought along."""
    parts().sessions.end(token())
    response: Response = make_response(redirect(url_for("home.home")))
    give_cookie(response, parts().sessions.begin(user.name, user.stamp))
    g.user = user
    _tell(what)
    return response


def _knock(name: str) -> Knock:
    """Aborts with 429 when it is too early for another try."""
    knock = parts().door.knock(address(), name)
    if knock.wait > 0:
        abort(429, f"Too many failed logins. Try again in {max(1.0, knock.wait):.0f} seconds.")
    return knock


def _new_password() -> str:
    new = _field("new")
    if new != _field("again"):
        raise UserError("The new password was not typed the same twice.")
    return new


def _field(name: str) -> str:
    return request.form.get(name, "")[:_LONGEST]


def _tell(what: str) -> None:
    """In the journal, if there is an agent to write it."""
    with contextlib.suppress(AshaError):  # without one there is no journal; logging in must still be possible
        parts().agent.do("panel note", by(), says=what)
