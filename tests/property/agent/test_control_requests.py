"""Whatever the panel's user asks, it gets an answer, and the conf file stays one that is right."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.agent import unconfigured
from appliance.agent.components.settings import Threads
from appliance.agent.end_order import EndOrder
from appliance.agent.unconfigured import UnconfiguredAgent
from appliance.config import load
from appliance.config.ha_tab import TAB_KEYS
from appliance.config.schema import KEY_BY_NAME
from appliance.control.access import PANEL_VERBS, AllowedUsers
from appliance.control.server import ControlServer
from appliance.host.clock import SystemClock
from appliance.host.service_manager import ServiceManager

PANEL = 46001
# Making an introduction makes a key on this machine.
VERBS = sorted(PANEL_VERBS - {"introduction"})
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
VALUES = st.dictionaries(
    st.one_of(st.sampled_from(sorted(KEY_BY_NAME)), st.text(max_size=8)),
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(["YES", "on", "10", "500ms", "10.0.0.9", "/dev/ttyS0", "1,2", "x\nPOSTSYNC=/bin/sh"]),
        JSON,
    ),
    max_size=4,
)
REQUESTS = st.fixed_dictionaries(
    {"verb": st.one_of(st.sampled_from(VERBS), JSON)},
    optional={
        "values": st.one_of(VALUES, JSON),
        "text": JSON,
        "says": JSON,
        "by": JSON,
        "name": JSON,
        "newest": JSON,
        "since": JSON,
        "seconds": JSON,
        "leave_data": JSON,
        "anew": JSON,
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(REQUESTS, min_size=1, max_size=4))
def test_every_request_is_answered_and_no_other_key_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requests: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(unconfigured, "JOURNAL", tmp_path / "journal")
    conf = tmp_path / "asha.conf"
    conf.write_text("# ours\nAMISECRET=hush\nPOSTSYNC=/opt/ours\n")
    conf.chmod(0o600)
    before = load(conf)

    async def ask() -> list[dict[str, Any]]:
        agent = UnconfiguredAgent(conf, SystemClock(), ServiceManager(""), Threads(), EndOrder())
        server = ControlServer(tmp_path / "control", agent.answer, AllowedUsers(os.geteuid(), PANEL))
        try:
            return [await server._reply(json.dumps(request).encode(), PANEL) for request in requests]
        finally:
            agent._journal.close()

    for request, answer in zip(requests, asyncio.run(ask()), strict=True):
        assert answer["ok"] is True or answer["error"], (request, answer)
        assert "hush" not in json.dumps(answer)
        assert answer["ok"] is False or request["verb"] in PANEL_VERBS
    after = load(conf)
    assert conf.read_text().startswith("# ours\nAMISECRET=hush\n")
    changed = [name for name, key in KEY_BY_NAME.items() if key.text(after) != key.text(before)]
    assert set(changed) <= set(TAB_KEYS)


def test_a_request_nested_too_deep_is_refused(tmp_path: Path) -> None:
    async def never(request: object) -> None:
        raise AssertionError("it was no request")

    server = ControlServer(tmp_path / "control", never, AllowedUsers(os.geteuid(), PANEL))
    answer = asyncio.run(server._reply(b"[" * 200_000, PANEL))
    assert answer["ok"] is False and "language" in answer["error"]
