"""Formatting of values for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import g
from werkzeug.exceptions import HTTPException

from appliance.core.text import format_duration
from appliance.panel.context import parts
from appliance.panel.render.alarms import slug

_REFUSALS = {
    404: "There is no such page.",
    405: "That cannot be done this way.",
    413: "That is too much at once.",
    415: "That is not in a form this page understands.",
    500: "The page itself has failed. The telephone service is not concerned; 'asha status' tells.",
}


def is_operator() -> bool:
    """Return whether the client is logged in as an operator."""
    user = g.get("user")
    return user is not None and user.role == "operator"


def refusal(problem: HTTPException) -> str:
    """Return why a request was refused, in plain words where the library's text is meant for programmers."""
    return _REFUSALS.get(problem.code or 500) or str(problem.description or problem.name)


def shortened(text: object, length: int) -> str:
    """Return `text` cut to `length` characters, the last of them an ellipsis if anything was cut."""
    words = str(text)
    return words if len(words) <= length else words[: length - 1] + "…"


def clock(wall: float) -> str:
    """Return `wall` (epoch seconds) as local time, preceded by the date unless it is today."""
    then = time.localtime(wall)
    return time.strftime("%H:%M:%S", then) if _is_today(then) else time.strftime("%b %d %H:%M:%S", then)


def milliseconds(seconds: float | None) -> str:
    """Return a duration, given in seconds, as milliseconds, or as seconds from 10 s on."""
    if seconds is None:
        return "…"
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def reading(said: Mapping[str, Any] | None) -> str:
    """Return a reading of the status document in words."""
    if said is None:
        return "none"
    if said["value"] is None:
        return f"unknown ({said['why']})"
    if isinstance(said["value"], bool):
        return "yes" if said["value"] else "no"
    return str(said["value"])


def sentences(comment: Sequence[str]) -> str:
    """Return a key's comment as text: its first line becomes a sentence, the other lines follow."""
    if not comment:
        return ""
    heading = comment[0][:1].upper() + comment[0][1:]
    end = "" if heading.endswith((".", "?")) else "."
    return " ".join([heading + end, *comment[1:]])


def _is_today(then: time.struct_time) -> bool:
    return then[:3] == time.localtime(parts().clock.wall())[:3]


FILTERS: Mapping[str, Callable[..., str]] = {
    "shortened": shortened,
    "clock": clock,
    "ms": milliseconds,
    "age": format_duration,
    "reading": reading,
    "slug": slug,
    "sentences": sentences,
}
