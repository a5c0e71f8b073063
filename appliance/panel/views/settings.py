"""High Availability tab: the settings of the pair as the conf file has them, and a preview of each change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.config.ha_tab import FIRST_KEYS, TAB_KEYS
from appliance.core.answers import ConfAnswer, ConfKey, ConfPreview, ConfProblem, ConfSaved
from appliance.panel.context import parts
from appliance.panel.views.access import Access, answers, by

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
_PREFIX = "key-"
# The fields that the tab of asha 1.0.0-2 had, and the relay card, make the first group.
FIRST = "High Availability"


@dataclass(frozen=True, slots=True)
class Field:
    """Setting as the form shows it. `want` says what would be right when the value is wrong."""

    name: str
    label: str
    value: str
    comment: tuple[str, ...]
    example: str
    default: str
    choices: tuple[str, ...]
    want: str
    changed: bool


@blueprint.get("")
@answers(Access.VIEWER)
def settings() -> str:
    """Return the form; a viewer sees the values only."""
    conf = parts().agent.read(ConfAnswer, "conf")
    return _form(conf, {}, conf.problems)


@blueprint.post("/preview")
@answers(Access.OPERATOR)
def preview() -> tuple[str, int]:
    """Return what a change would write, or what is wrong with it. Nothing is changed yet."""
    conf = parts().agent.read(ConfAnswer, "conf")
    values = wanted(conf)
    found = parts().agent.read(ConfPreview, "conf preview", values=values)
    if found.problems:
        return _form(conf, values, found.problems), 400
    return render_template("preview.html", found=found, values=values), 200


@blueprint.post("/save")
@answers(Access.OPERATOR)
def save() -> Response:
    """Write the change here and, if wanted, on the other node."""
    values = _values()
    answer = parts().agent.do(
        ConfSaved, "conf set", by(), values=values, peer=request.form.get("peer") == "yes"
    )
    flash(answer.says)
    if answer.peer is not None:
        flash(f"The other node: {answer.peer.says}", "message" if answer.peer.ok else "error")
    return redirect(url_for("settings.settings"))


def _form(conf: ConfAnswer, values: dict[str, str], problems: Sequence[ConfProblem]) -> str:
    fields = groups(conf, values, problems)
    return render_template("settings.html", first=FIRST, groups=fields, path=conf.path, problems=problems)


def groups(
    conf: ConfAnswer, values: dict[str, str], problems: Sequence[ConfProblem]
) -> dict[str, list[Field]]:
    """Return the fields of the tab by group, with the values that were typed in and what is wrong with them.

    The first group has the fields that the tab of asha 1.0.0-2 had, in its order; the other groups follow.
    """
    wants = {problem.key: problem.want for problem in problems}
    offered = {key.name: key for key in conf.keys if key.tab}
    found: dict[str, list[Field]] = {FIRST: []}
    for name in (name for name in TAB_KEYS if name in offered):
        key = offered[name]
        found.setdefault(FIRST if name in FIRST_KEYS else key.group, []).append(_field(key, values, wants))
    return found


def wanted(conf: ConfAnswer) -> dict[str, str]:
    """Return those values of the form that differ from the file's."""
    have = {key.name: key.value for key in conf.keys}
    return {name: value for name, value in _values().items() if have.get(name) != value}


def _values() -> dict[str, str]:
    return {
        name.removeprefix(_PREFIX): value.strip()
        for name, value in request.form.items()
        if name.startswith(_PREFIX)
    }


def _field(key: ConfKey, values: dict[str, str], wants: dict[str, str]) -> Field:
    name = key.name
    return Field(
        name=name,
        label=key.label,
        value=values.get(name, key.value),
        comment=key.comment,
        example=key.example,
        default=key.default,
        choices=key.choices or (),
        want=wants.get(name, ""),
        changed=name in values and values[name] != key.value,
    )
