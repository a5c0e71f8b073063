"""Introduction of the nodes without a shell: the text of one node is pasted into the other's page."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.core.answers import OwnIntroduction, Said
from appliance.panel.context import parts
from appliance.panel.views.access import Access, answers, by

blueprint = Blueprint("introduction", __name__, url_prefix="/introduction")


@blueprint.get("")
@answers(Access.OPERATOR)
def introduction() -> str:
    """Return the page with this node's introduction text and a field for the other node's."""
    return render_template("introduction.html", found=parts().agent.do(OwnIntroduction, "introduction", by()))


@blueprint.post("")
@answers(Access.OPERATOR)
def take() -> Response:
    """Take the other node's introduction text."""
    text = "".join(request.form.get("text", "").split())
    answer = parts().agent.do(Said, "introduction take", by(), text=text)
    flash(answer.says)
    return redirect(url_for("introduction.introduction"))
