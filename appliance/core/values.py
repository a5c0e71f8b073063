"""Values that are changed by making a new one, many times a second.

A turn of the controller leaves nearly everything as it is. So a value of which nothing changes is kept, which also lets
whoever drives the controller see that nothing has (`after is before`); and a copy costs a tenth of what
`dataclasses.replace` takes, which looks at each field by itself.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


def changed(value: _T, **fields: object) -> _T:
    """Return the frozen dataclass `value` with other `fields`; `value` itself when they are what they were."""
    key = (type(value), *fields)
    change = _CHANGES.get(key)
    if change is None:
        return _changed_by_name(value, key, fields)
    made: _T = change(value, **fields)
    return made


# The functions written so far, by the dataclass and the names of the fields that they change. To write one takes about
# 1 ms, and a failover, which changes many fields for the first time in the agent's life, must not wait for that. So one
# is written only for what is changed often.
_OFTEN = 50
_CHANGES: dict[tuple[object, ...], Callable[..., Any]] = {}
_changed_so_far: Counter[tuple[object, ...]] = Counter()


def _changed_by_name(value: _T, key: tuple[object, ...], fields: dict[str, object]) -> _T:
    """Change `value` without a function of its own for `key`; write one once it has been asked for often."""
    _changed_so_far[key] += 1
    if _changed_so_far[key] > _OFTEN:
        _CHANGES[key] = _change_of(type(value), *fields)
        del _changed_so_far[key]
    if all(getattr(value, name) == new for name, new in fields.items()):
        return value
    made: _T = dataclasses.replace(value, **fields)  # type: ignore[type-var]
    return made


def _change_of(kind: Any, *names: str) -> Callable[..., Any]:
    """Return the function that changes the fields `names` of a `kind`.

    It is written out, as `dataclasses` writes `__init__`: one that goes through the names takes three times as long,
    and a compiler that watches the program (PyPy) can make nothing of it.
    """
    same = " and ".join(f"(old.{name} is {name} or old.{name} == {name})" for name in names)
    made = ", ".join(
        one.name if one.name in names else f"old.{one.name}" for one in dataclasses.fields(kind) if one.init
    )
    scope: dict[str, Any] = {"kind": kind}
    text = f"def change(old, {', '.join(names)}):\n return old if {same} else kind({made})"
    exec(text, scope)  # noqa: S102 - of names that stand in this program
    change: Callable[..., Any] = scope["change"]
    return change


def held_since(before: float | None, now: float, holds: bool) -> float | None:
    """Return since when something holds without a break; None when it does not hold now.

    Args:
        before: What this returned last.
        now: Monotonic seconds.
        holds: Whether it holds now.
    """
    if not holds:
        return None
    return now if before is None else before
