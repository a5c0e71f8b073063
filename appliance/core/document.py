"""A reader for JSON documents from outside: the peer, a client of the control socket, a spoilt state file.

Python's own reader accepts numbers of thousands of digits, NaN, and nesting as deep as the interpreter's
stack, which then fails far from the place where the text came in. Everything that is read from outside goes
through `parse_json`, so that any defect of a text is one exception, at the edge.
"""

from __future__ import annotations

import json
import math
from typing import Any

_DEPTH = 32
_DIGITS = 25
# A value can take 70 bytes of memory for the two bytes of text in which it is written.
_VALUES = 100_000


def parse_json(text: bytes | str, *, depth: int = _DEPTH) -> Any:
    """Return the value that the JSON document `text` stands for.

    Args:
        text: The whole document; bytes are UTF-8. The caller has bounded its length.
        depth: How deep lists and objects may be nested.

    Raises:
        ValueError: The text is no JSON, is nested deeper than `depth`, has more than 100,000 commas and
            brackets, or holds a number of more than 25 digits, an infinite number, or NaN. No sender of
            asha's own writes any of these.
    """
    if _most_values(text) > _VALUES:
        raise ValueError("the document holds too many values")
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_real, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None
    _check_depth(value, depth)
    return value


def parse_object(text: bytes | str, *, depth: int = _DEPTH) -> dict[str, Any]:
    """Return the JSON object `text`, read as `parse_json` does.

    Raises ValueError also when the document is not an object.
    """
    value = parse_json(text, depth=depth)
    if not isinstance(value, dict):
        raise ValueError("the document is no object")  # noqa: TRY004 - one exception for every bad text
    return value


def _most_values(text: bytes | str) -> int:
    """Return the number of commas and opening brackets in `text`, a measure of how many values it holds."""
    if isinstance(text, str):
        return text.count(",") + text.count("[") + text.count("{")
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _check_depth(value: Any, depth: int) -> None:
    """Raise ValueError when `value` is nested deeper than `depth`.

    The check goes level by level, so that it cannot run out of stack itself.
    """
    level = _inside([value])
    for _ in range(depth):
        level = [item for holder in level for item in _inside(holder)]
        if not level:
            return
    raise ValueError(f"the document is nested more than {depth} deep")


def _inside(value: Any) -> list[Any]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict | list)]
