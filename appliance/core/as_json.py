"""Values as JSON and back: frozen dataclasses and named tuples, whose fields are the keys of an object.

What one asha tells another, or a person's script, is such a value: the status document (`core/status.py`), the answers
to requests (`core/answers.py`). Two versions of asha meet while a pair is upgraded, so a key that this version does not
know is left out when it is read, and a key that is missing takes the field's default. A value of another type is an
error that names its place (docs/adr/0019-the-status-is-a-type.md says why no library reads it).
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar

_T = TypeVar("_T")


def to_json(value: Any) -> Any:
    """Return `value` as what `json.dumps` takes: objects, lists, texts, numbers, null."""
    if (names := _fields(type(value))) is not None:
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {name: to_json(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(one) for one in value]
    return value


def _fields(kind: type) -> tuple[str, ...] | None:
    """Return the names of the fields of a frozen dataclass or named tuple; None for any other type."""
    return getattr(kind, "__match_args__", None)


def read_as(kind: type[_T], document: object) -> _T:
    """Read the value class `kind` from what `to_json` has made of one. Raises ValueError when it is none."""
    reader: _Reader = _reader(typing.cast(Any, kind))
    try:
        return typing.cast(_T, reader(document))
    except ValueError as problem:
        raise ValueError(str(problem).removeprefix(".")) from None


_Reader = Callable[[Any], Any]


@functools.cache
def _reader(kind: Any) -> _Reader:
    """Return what reads a value of JSON as a `kind`. It raises ValueError, whose text begins where the value stands.

    The page reads a status four times a second, so what the types say is looked up once.
    """
    origin, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        (of,) = (one for one in arguments if one is not NoneType)
        return _optional(_reader(of))
    if origin in (tuple, list):
        return _tuple_of(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping_of(_reader(arguments[1]))
    if typing.is_typeddict(origin):
        return _keys_of({name: _reader(hint) for name, hint in typing.get_type_hints(origin).items()})
    if _fields(origin) is not None:
        hints = typing.get_type_hints(origin)
        return _fields_of(origin, {name: _reader(_with(hint, arguments)) for name, hint in hints.items()})
    return _plain(origin)


def _with(hint: Any, arguments: tuple[Any, ...]) -> Any:
    """Return the `hint` of a field of a generic class with what stands for its type variable."""
    return hint if not arguments or not getattr(hint, "__parameters__", ()) else hint[arguments[0]]


def _optional(reader: _Reader) -> _Reader:
    return lambda value: None if value is None else reader(value)


def _tuple_of(reader: _Reader) -> _Reader:
    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _wrong(value, "list")
        return tuple(map(reader, value))

    return read


def _mapping_of(reader: _Reader) -> _Reader:
    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _wrong(value, "object")
        return {str(name): _below(str(name), reader, one) for name, one in value.items()}

    return read


def _fields_of(kind: Any, readers: Mapping[str, _Reader]) -> _Reader:
    """Fields that are missing take their defaults; one without a default makes the value none of the kind."""

    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            raise _wrong(value, "object")
        known = {name: _below(name, reader, value[name]) for name, reader in readers.items() if name in value}
        try:
            return kind(**known)
        except TypeError as missing:
            raise ValueError(f" is not whole: {missing}") from None

    return read


def _keys_of(readers: Mapping[str, _Reader]) -> _Reader:
    """Read an object all of whose keys are there: a `TypedDict`."""

    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            raise _wrong(value, "object")
        if missing := readers.keys() - value.keys():
            raise ValueError(f" is not whole: {', '.join(sorted(missing))} is missing")
        return {name: _below(name, reader, value[name]) for name, reader in readers.items()}

    return read


def _plain(kind: Any) -> _Reader:
    if kind is Any:
        return lambda value: value
    accepted = (int, float) if kind is float else (kind,)

    def read(value: object) -> object:
        # To Python a truth value is a number; in JSON it is none.
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind not in (bool, object)):
            raise _wrong(value, kind.__name__)
        return value

    return read


def _below(name: str, reader: _Reader, value: object) -> Any:
    try:
        return reader(value)
    except ValueError as problem:
        raise ValueError(f".{name}{problem}") from None


def _wrong(value: object, wanted: str) -> ValueError:
    return ValueError(f" is {value!r:.40}, which is no {wanted}")
