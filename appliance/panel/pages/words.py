"""Values as people read them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import g
from werkzeug.exceptions import HTTPException

from appliance.core.words import spell
from appliance.panel.parts import parts

_REFUSALS = {
    404: "There is no such page.",
    405: "That cannot be done this way.",
    413: "That is too much at once.",
    415: "That is not in a form this page understands.",
    500: "The page itself has failed. The telephone service is not concerned; 'asha status' tells.",
}


def is_operator() -> bool:
    """Whoever asks may steer."""
    user = g.get("user")
    return user is not None and user.role == "operator"


def refusal(problem: HTTPException) -> str:
    """Why a request was refused, in our own words where the library's are for programmers."""
    return _REFUSALS.get(problem.code or 500) or str(problem.description or problem.name)


def shortened(text: object, length: int) -> str:
    """`text`, cut with an ellipsis."""
    words = str(text)
    return words if len(words) <= length else words[: length - 1] + "…"


def clock(wall: float) -> str:
    """A time of today, or a day and a time."""
    then = time.localtime(wall)
    return time.strftime("%H:%M:%S", then) if _is_today(then) else time.strftime("%b %d %H:%M:%S", then)


def milliseconds(seconds: float | None) -> str:
    """How long something took."""
    if seconds is None:
        return "…"
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def reading(said: Mapping[str, Any] | None) -> str:
    """A reading of the status document."""
    if said is None:
        return "none"
    if said["value"] is None:
        return f"unknown ({said['why']})"
    if isinstance(said["value"], bool):
        return "yes" if said["value"] else "no"
    return str(said["value"])


def sentences(comment: Sequence[str]) -> str:
    """A key's comment: its first line is a heading, the rest is text in lines."""
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
    "age": spell,
    "reading": reading,
    "sentences": sentences,
}
