"""A request is checked where it comes in: any JSON is either one, or an answer that says what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.control.protocol import ControlRequest, encode, failure, read_request, unwrap
from appliance.core.errors import AshaError, ClusterError, UserError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
)
JSON = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=2) | st.dictionaries(st.text(max_size=3), one)
)
NAMES = st.sampled_from(["by", "leave_data", "seconds", "newest", "text"])
ARGUMENTS = st.dictionaries(NAMES, JSON | st.just(True) | st.just("anna"), max_size=5)


@given(st.text(min_size=1), ARGUMENTS)
def test_a_request_comes_back_as_it_was_sent(verb: str, arguments: dict[str, Any]) -> None:
    finite = json.loads(json.dumps(arguments), parse_constant=lambda _: 0)
    sent = ControlRequest(verb, finite)
    assert read_request(encode(sent.to_json())) == sent


@given(ARGUMENTS)
def test_each_argument_is_of_the_type_asked_for_or_the_asker_hears_its_name(
    arguments: dict[str, Any],
) -> None:
    request = ControlRequest("standby", arguments)
    readers = {
        "text": (request.text, str),
        "leave_data": (request.flag, bool),
        "seconds": (lambda name: request.number(name, 1.0), float),
        "newest": (lambda name: request.whole(name, 1), int),
    }
    assert isinstance(request.by, str)
    for name, (read, kind) in readers.items():
        try:
            value = read(name)
        except UserError as problem:
            assert name in arguments and f"'{name}' must be" in str(problem)
        else:
            assert type(value) is kind


@given(JSON)
def test_any_json_is_a_request_or_an_error_for_the_asker(document: Any) -> None:
    try:
        request = read_request(json.dumps(document).encode())
    except AshaError as problem:
        assert failure(problem)["error"]
    else:
        assert document["verb"] == request.verb


@pytest.mark.parametrize("verb", [None, 7, ["status"], {"status": 1}])
def test_a_verb_is_a_text(verb: object) -> None:
    with pytest.raises(UserError, match="names a 'verb'"):
        read_request(json.dumps({"verb": verb}).encode())
    with pytest.raises(UserError, match="names a 'verb'"):
        read_request(b"{}")


@pytest.mark.parametrize("code", [None, "5", [4], 99])
def test_an_answer_with_a_strange_exit_code_is_still_an_error(code: object) -> None:
    with pytest.raises(AshaError, match="it broke"):
        unwrap({"ok": False, "error": "it broke", "exit_code": code})
    with pytest.raises(ClusterError, match="it broke"):
        unwrap(failure(ClusterError("it broke")))
