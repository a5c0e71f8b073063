"""The state counts the messages that merges have brought, from pass to pass."""

from __future__ import annotations

from pathlib import Path

from appliance.config import Conf
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync.session import SyncSession
from appliance.sync.state import read_state
from appliance.sync.store import Store
from appliance.sync.sync_pass import PassResult, Request


def test_each_pass_adds_what_it_brought(tmp_path: Path) -> None:
    places = SyncPaths(tmp_path, tmp_path, tmp_path)
    session = SyncSession(
        Conf(), Node.PRIMARY, SystemClock(), lambda: None, lambda *_: None, frozenset(), places
    )
    for came in (3, 0, 2):
        session._went_well(Store(places.store), Request("a test"), PassResult(messages=came), 0.0)
    assert read_state(places.state).merged == 5
