"""A JSON document from outside is a value or one ValueError."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.document import parse_json, parse_object

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_a_sender_of_ours_writes_is_read(value: object) -> None:
    assert parse_json(json.dumps(value)) == value


@given(st.binary() | st.text())
def test_anything_else_is_a_value_or_a_value_error(text: bytes | str) -> None:
    with contextlib.suppress(ValueError):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"1" * 26,
        b"-" + b"1" * 5000,
        b"1e999",
        b"NaN",
        b"-Infinity",
        b"\xff\xfe",
        b"",
        b"{} {}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_nobody_of_ours_writes_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_the_allowed_depth_is_exact() -> None:
    assert parse_json("[" * 3 + "]" * 3, depth=3) == [[[]]]
    with pytest.raises(ValueError, match="more than 2 deep"):
        parse_json("[" * 3 + "]" * 3, depth=2)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"'])
def test_an_object_is_asked_for(text: str) -> None:
    with pytest.raises(ValueError, match="no object"):
        parse_object(text)
    assert parse_object("{}") == {}
