"""A time that notes for how long what it was compared with would come out the same.

An agent takes a turn every second, and nearly every one of them changes nothing. The controller is a function of its
state, of what is seen and of the time, and the time reaches its decisions by comparisons (`now - since >= dwell`). So a
turn that has changed nothing goes on changing nothing until one of the comparisons it made comes out otherwise, or
something else is seen: the turns before that may be left out. Nobody need list these comparisons: the time that is
handed in notes them itself, whoever writes the next deadline.

What is not a comparison (rounding a duration, putting it into a sentence) may come out otherwise at any moment, and is
noted as that: nothing is left out after it.
"""

from __future__ import annotations

from typing import SupportsIndex


class Turn:
    """One turn of an agent. `lasts`: for so many seconds its comparisons come out as they did."""

    __slots__ = ("lasts",)

    def __init__(self) -> None:
        self.lasts = float("inf")


class Now(float):
    """A time, or a duration up to now, that grows by a second each second, as everything of the same turn does.

    One of an earlier turn that was kept is a plain number: what it notes nobody reads.
    """

    __slots__ = ("turn",)
    turn: Turn

    def __sub__(self, other: float) -> float:
        if type(other) is Now:
            if other.turn is self.turn:
                return float.__sub__(self, other)
            other.turn.lasts = 0.0
        return _grows(float.__sub__(self, other), self.turn)

    def __add__(self, other: float) -> float:
        if type(other) is Now:
            self.turn.lasts = other.turn.lasts = 0.0
        return _grows(float.__add__(self, other), self.turn)

    __radd__ = __add__

    def __ge__(self, other: float) -> bool:
        return not _is_less(self, other)

    def __lt__(self, other: float) -> bool:
        return _is_less(self, other)

    def __gt__(self, other: float) -> bool:
        return not _is_less(self, other, or_equal=True)

    def __le__(self, other: float) -> bool:
        return _is_less(self, other, or_equal=True)

    # -- what is not followed: it may come out otherwise at any moment ------------------------------------

    def __rsub__(self, other: float) -> float:
        self.turn.lasts = 0.0
        return float.__rsub__(self, other)

    def __mul__(self, other: float) -> float:
        self.turn.lasts = 0.0
        return float.__mul__(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> float:
        self.turn.lasts = 0.0
        return float.__truediv__(self, other)

    def __floordiv__(self, other: float) -> float:
        self.turn.lasts = 0.0
        return float.__floordiv__(self, other)

    def __mod__(self, other: float) -> float:
        self.turn.lasts = 0.0
        return float.__mod__(self, other)

    def __neg__(self) -> float:
        self.turn.lasts = 0.0
        return float.__neg__(self)

    def __int__(self) -> int:
        self.turn.lasts = 0.0
        return float.__int__(self)

    def __round__(self, digits: SupportsIndex | None = None) -> float:  # type: ignore[override]
        self.turn.lasts = 0.0
        return float.__round__(self, digits)

    def __format__(self, spec: str) -> str:
        self.turn.lasts = 0.0
        return float.__format__(self, spec)


def now_of(at: float, turn: Turn) -> Now:
    """Return `at` as a time of `turn`."""
    return _grows(at, turn)


def _grows(value: float, turn: Turn) -> Now:
    grows = Now(value)
    grows.turn = turn
    return grows


def _is_less(one: Now, other: float, *, or_equal: bool = False) -> bool:
    """Tell whether `one` is less than `other`, and note when it is not any more; or that it will be for ever."""
    if type(other) is Now:
        if other.turn is one.turn:
            return float.__le__(one, other) if or_equal else float.__lt__(one, other)
        _note(other.turn, float.__sub__(one, other))
    left = float.__rsub__(one, other)
    _note(one.turn, left)
    return left >= 0.0 if or_equal else left > 0.0


def _note(turn: Turn, left: float) -> None:
    if 0.0 <= left < turn.lasts:
        turn.lasts = left
