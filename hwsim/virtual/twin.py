"""A world copied in the middle of its life, so that what is common to a hundred thousand stories is played once.

What cannot change is shared by both worlds: the frozen values of the product, which are nearly everything that a world
is made of. What can change is copied, once, however many lead to it. `pickle` does the same for more than a tenth of a
story's time, in an interpreter in which it is written in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import partial
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any, TypeVar

_T = TypeVar("_T")
_VALUES = (str, bytes, int, float, bool, type(None), frozenset, type, FunctionType, Enum)


def twin(original: _T, instead: Mapping[Any, Any]) -> _T:
    """Return a copy of `original` that goes its own way. `instead`: what the copy gets in the place of an object.

    Raises TypeError for what it does not know how to copy.
    """
    copy: _T = _Copying({id(one): other for one, other in instead.items()}).of(original)
    return copy


# Whether an object of a kind never changes, for each kind that was met.
_IS_VALUE: dict[Any, bool] = {}


def _is_value(kind: Any) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return issubclass(kind, _VALUES) or (parameters is not None and parameters.frozen)


class _Copying:
    """One copy under way. `copies`: what was copied, by the identity of the original."""

    def __init__(self, copies: dict[int, Any]) -> None:
        self._copies = copies

    def of(self, original: Any) -> Any:
        kind: Any = type(original)
        value = _IS_VALUE.get(kind)
        if value is None:
            value = _IS_VALUE[kind] = _is_value(kind)
        if value:
            return original
        found = self._copies.get(id(original))
        return self._copy(original, kind) if found is None else found

    def _copy(self, original: Any, kind: Any) -> Any:
        if issubclass(kind, tuple):
            parts = [self.of(part) for part in original]
            same = all(new is old for new, old in zip(parts, original, strict=True))
            return original if same else tuple(parts) if kind is tuple else kind(*parts)
        if kind in (MethodType, BuiltinMethodType, partial):
            return self._call(original, kind)
        if kind is dict:
            copy = self._copies[id(original)] = {}
            copy.update((self.of(key), self.of(part)) for key, part in original.items())
            return copy
        if kind in (list, set):
            copy = self._copies[id(original)] = kind(map(self.of, original))
            return copy
        return self._object(original, kind)

    def _call(self, original: Any, kind: Any) -> Any:
        if kind is partial:
            return partial(self.of(original.func), *map(self.of, original.args), **original.keywords)
        return getattr(self.of(original.__self__), original.__name__)

    def _object(self, original: Any, kind: Any) -> Any:
        if kind.__module__.split(".")[0] not in ("appliance", "hwsim"):
            raise TypeError(
                f"{kind.__module__}.{kind.__name__} in a world: hwsim/virtual/twin.py cannot copy it"
            )
        copy = self._copies[id(original)] = object.__new__(kind)
        for name, part in vars(original).items():
            setattr(copy, name, self.of(part))
        return copy
