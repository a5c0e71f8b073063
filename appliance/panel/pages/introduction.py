"""The two nodes get to know each other without a shell: what the one says of itself is pasted into the other's page."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.panel.pages.access import Access, answers, by
from appliance.panel.parts import parts

room = Blueprint("introduction", __name__, url_prefix="/introduction")


@room.get("")
@answers(Access.OPERATOR)
def introduction() -> str:
    """This node's text, and the place for the other's."""
    return render_template("introduction.html", found=parts().agent.do("introduction", by()))


@room.post("")
@answers(Access.OPERATOR)
def take() -> Response:
    """Take the other node's text."""
    text = "".join(request.form.get("text", "").split())
    answer = parts().agent.do("introduction take", by(), text=text)
    flash(str(answer["says"]))
    return redirect(url_for("introduction.introduction"))
