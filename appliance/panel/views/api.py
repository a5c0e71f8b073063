"""JSON API for programs, with the same functions as the pages; /api/openapi.json describes it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from appliance.core.answers import ConfSaved
from appliance.core.as_json import to_json
from appliance.core.errors import UserError
from appliance.panel.context import parts
from appliance.panel.render.action_list import BY_SLUG
from appliance.panel.views.access import Access, answers, by, csrf
from appliance.panel.views.actions import carry_out
from appliance.panel.views.openapi import document

blueprint = Blueprint("api", __name__, url_prefix="/api")
_MOST_VALUES, _LONGEST_VALUE = 100, 1000


def problem(code: int, says: str, todo: str) -> Response:
    """Return a failure as JSON."""
    response = jsonify({"error": says, "todo": todo})
    response.status_code = code
    return response


@blueprint.get("/openapi.json")
@answers(Access.VIEWER)
def openapi() -> Response:
    """Return the description of the API."""
    return jsonify(document(request.root_path))


@blueprint.get("/me")
@answers(Access.VIEWER)
def me() -> Response:
    """Return who is logged in, and the token that a request which changes something must bring along."""
    return jsonify({"name": g.user.name, "role": g.user.role, "csrf": csrf()})


@blueprint.get("/status")
@answers(Access.VIEWER)
def status() -> Response:
    """Return the status document."""
    return jsonify(parts().agent.look("status"))


@blueprint.get("/journal")
@answers(Access.VIEWER)
def journal() -> Response:
    """Return the newest entries of the journal."""
    return jsonify(parts().agent.look("journal", newest=_newest(500)))


@blueprint.get("/history")
@answers(Access.VIEWER)
def history() -> Response:
    """Return the last transfers of service."""
    return jsonify(parts().agent.look("history", newest=_newest(50)))


@blueprint.get("/trends")
@answers(Access.VIEWER)
def trends() -> Response:
    """Return one day of the age of the data and of the latency of the probes."""
    return jsonify(parts().agent.look("trends"))


@blueprint.get("/conf")
@answers(Access.VIEWER)
def conf() -> Response:
    """Return the settings."""
    return jsonify(parts().agent.look("conf"))


@blueprint.post("/conf/preview")
@answers(Access.OPERATOR)
def preview() -> Response:
    """Return what a change of settings would write."""
    return jsonify(parts().agent.look("conf preview", values=_values(_body())))


@blueprint.post("/conf")
@answers(Access.OPERATOR)
def save() -> Response:
    """Change settings here and, if `peer` is true, on the other node."""
    body = _body()
    peer = body.get("peer", False)
    if not isinstance(peer, bool):
        raise UserError("'peer' is true or false.")
    saved = parts().agent.do(ConfSaved, "conf set", by(), values=_values(body), peer=peer)
    return jsonify(to_json(saved))


@blueprint.post("/do/<slug>")
@answers(Access.OPERATOR)
def do(slug: str) -> Response:
    """Carry out the action named `slug`, as the button of the page does."""
    action = BY_SLUG.get(slug)
    if action is None:
        raise UserError(
            f"There is nothing called {slug[:40]!r} to do.", todo=f"One of: {', '.join(BY_SLUG)}."
        )
    more = {name: str(value) for name, value in _body().items() if isinstance(value, str | int)}
    return jsonify({"says": carry_out(action, more)})


def _newest(most: int) -> int:
    text = request.args.get("newest", str(most))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= most):
        raise UserError(f"'newest' is a number from 1 to {most}.")
    return int(text)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise UserError("A JSON object is wanted.", todo="Content-Type: application/json.")
    return body


def _values(body: dict[str, Any]) -> dict[str, str]:
    values = body.get("values")
    if not isinstance(values, dict) or len(values) > _MOST_VALUES:
        raise UserError("'values' is an object: the name of each key and its new value.")
    for value in values.values():
        if not isinstance(value, str) or len(value) > _LONGEST_VALUE:
            raise UserError("Every value is a text, as it stands in the file.")
    return values
