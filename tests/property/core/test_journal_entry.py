"""An entry of the journal, whatever it holds: everybody who reads one bears it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.agent.journal import JournalFile
from appliance.cli.events import entry_line
from appliance.core.alert_rules import FailoverTracker, read_on
from appliance.core.counters import Meters
from appliance.core.journal_entry import DETAILS, JournalEntry, read_entries
from appliance.core.journal_rules import audit_journal
from appliance.core.transfer_history import past_transfers
from appliance.panel.render import timeline

_SHARED = ("kind", "at", "wall", "number", "generation", "hash")
KEYS = st.sampled_from([*_SHARED, *sorted({name for kind in DETAILS.values() for name in kind.__slots__})])
WORDS = st.sampled_from([*DETAILS, "acquire", "done", "started", "ENERGISE"])
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=5)
VALUES = (
    WORDS
    | SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.text(max_size=2), SCALARS, max_size=2)
)
FIELDS = st.dictionaries(KEYS | st.text(max_size=3), VALUES, max_size=12)
KINDS = st.fixed_dictionaries({"kind": st.sampled_from([*DETAILS])})
OBJECTS = FIELDS | st.builds(lambda fields, kind: {**fields, **kind}, FIELDS, KINDS)


@given(st.lists(OBJECTS, max_size=8))
def test_no_reader_of_the_journal_is_ended_by_an_entry(objects: list[dict[str, Any]]) -> None:
    entries = read_entries(objects)
    assert [entry.fields for entry in entries] == objects
    told = [entry_line(entry) for entry in entries]
    assert len(told) == len(objects) and all(told)
    assert len(timeline.entries(entries)) == sum(entry.kind != "skipped" for entry in entries)
    meters = Meters(0.0)
    meters.read_on(entries)
    story, _ = read_on(FailoverTracker("primary"), entries)
    assert isinstance(story.was + story.event + story.reason, str)
    assert all(isinstance(broken.at, float) for broken in audit_journal(entries))
    assert len(past_transfers(entries, "primary")) == sum(entry.kind == "transfer" for entry in entries)


@given(OBJECTS)
def test_a_field_of_the_wrong_type_reads_as_if_it_were_missing(fields: dict[str, Any]) -> None:
    entry = JournalEntry(fields)
    detail = entry.detail
    if detail is None:
        assert entry.kind not in DETAILS
        return
    nothing = DETAILS[entry.kind]()
    for name in type(detail).__slots__:
        assert getattr(detail, name) in (fields.get(name, getattr(nothing, name)), getattr(nothing, name))


@given(OBJECTS)
def test_an_entry_comes_back_from_the_file_as_it_was_written(fields: dict[str, Any]) -> None:
    sent = json.loads(
        json.dumps(fields).replace("NaN", "0").replace("-Infinity", "0").replace("Infinity", "0")
    )
    sent = {name: value for name, value in sent.items() if name not in ("hash", "prev")}
    with tempfile.TemporaryDirectory() as folder:
        file = JournalFile(Path(folder) / "journal")
        written = file.append(sent)
        (read,) = file.entries()
        assert read == written and file.check() is None
    assert {name: value for name, value in read.fields.items() if name not in ("hash", "prev")} == sent


def test_what_is_no_list_of_entries_holds_none() -> None:
    assert read_entries({"kind": "order"}) == read_entries(None) == read_entries([1, "a", None]) == []
