"""The status document: whatever a Status holds survives the wire, and another version's document is read or refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core import status as status_module
from appliance.core.as_json import to_json
from appliance.core.held_back import HeldBack
from appliance.core.status import (
    AgentUsage,
    DataStatus,
    FileTrouble,
    JobStatus,
    MaintenanceStatus,
    PermitStatus,
    ProbeStatus,
    SpanStatus,
    Status,
    StatusValue,
    TransferStatus,
    from_json,
)

words = st.text(max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)


def built(
    kind: type, *values: st.SearchStrategy[Any], **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Values of `kind`; what is not given takes its default, which `st.builds` does not do for named tuples."""
    given = st.tuples(st.tuples(*values), st.fixed_dictionaries(fields))
    return given.map(lambda found: kind(*found[0], **found[1]))


spans = built(SpanStatus, st.integers(), words, words, st.lists(words, max_size=2).map(tuple), words)


def values(of: st.SearchStrategy[Any]) -> st.SearchStrategy[StatusValue[Any]]:
    return built(StatusValue, st.none() | of, words)


statuses = built(
    Status,
    version=words,
    role=words,
    problems=st.lists(words, max_size=3).map(tuple),
    hints=st.lists(words, max_size=2).map(tuple),
    line=st.none() | values(words),
    spans=st.none() | values(st.lists(spans, max_size=2).map(tuple)),
    probes=st.dictionaries(words, built(ProbeStatus, st.none() | numbers, st.integers(), words), max_size=2),
    transfer=st.none() | built(TransferStatus, words, words, began=numbers),
    maintenance=st.none() | built(MaintenanceStatus, numbers, numbers, words, words),
    data=built(
        DataStatus,
        age=st.none() | numbers,
        stale=st.booleans(),
        held_back=st.lists(built(HeldBack, words, words), max_size=2).map(tuple),
    ),
    permits=st.dictionaries(words, built(PermitStatus, st.booleans(), words), max_size=2),
    agent=st.none() | built(AgentUsage, numbers, st.integers(), numbers),
    job=st.none() | built(JobStatus, words, lines=st.lists(words, max_size=2).map(tuple)),
    files=st.lists(built(FileTrouble, words, words), max_size=2).map(tuple),
)


@settings(max_examples=50)
@given(statuses)
def test_whatever_it_holds_survives_the_wire(status: Status) -> None:
    document = json.loads(json.dumps(to_json(status)))
    assert from_json(document) == status
    assert from_json({**document, "of tomorrow": {"deep": [1]}}) == status


def test_no_class_of_it_is_a_dataclass() -> None:
    """Every `asha status` makes them anew, and as dataclasses they took a fifth of its time (ADR 19)."""
    own = [
        one
        for one in vars(status_module).values()
        if getattr(one, "__module__", "") == status_module.__name__
    ]
    assert Status in own
    assert [one for one in own if dataclasses.is_dataclass(one)] == []


def test_what_is_missing_says_nothing_and_what_is_there_counts() -> None:
    status = from_json(
        {"role": "standby", "peer": {"name": "pbx2", "of tomorrow": 1}, "line": {"value": "clear"}}
    )
    assert (status.role, status.peer.name, status.fit) == ("standby", "pbx2", False)
    assert status.peer.alive == StatusValue(None, "it was not said")
    assert status.line == StatusValue("clear", "it was not said")
    assert not status.permit("takeover").allowed


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "no status document"),
        ({"version": "9"}, "no status document"),
        ({"role": 7}, r"role is 7"),
        ({"role": "off", "fit": "yes"}, r"fit is 'yes'"),
        ({"role": "off", "granted": None}, r"granted is None"),
        ({"role": "off", "generation": True}, r"generation is True"),
        ({"role": "off", "generation": 1.5}, r"generation is 1.5"),
        ({"role": "off", "problems": "one"}, r"problems is 'one'"),
        ({"role": "off", "problems": [1]}, r"problems is 1"),
        ({"role": "off", "peer": []}, r"peer is \[\]"),
        ({"role": "off", "data": {"age": "old"}}, r"data\.age is 'old'"),
        ({"role": "off", "spans": {"value": [{"name": "no number"}]}}, r"spans\.value is not whole"),
        ({"role": "off", "probes": {"ami": {"ms": True}}}, r"probes\.ami\.ms is True"),
        ({"role": "off", "transfer": {"goal": "acquire"}}, r"transfer is not whole"),
    ],
)
def test_what_is_no_status_is_refused_and_named(document: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_json(document)
