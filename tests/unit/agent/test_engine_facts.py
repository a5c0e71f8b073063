"""What is in the way of the other engine is found before anything is stopped: by the conf, both there and back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.agent import engine_facts
from appliance.agent.engine_facts import EngineFacts
from appliance.agent.this_node import ThisNode
from appliance.cluster.engine import ClusterEngine
from appliance.cluster.heartbeat import engine as heartbeat
from appliance.cluster.heartbeat.engine import HeartbeatEngine
from appliance.cluster.pacemaker import config_files as pacemaker
from appliance.cluster.pacemaker import engine as pacemaker_engine
from appliance.cluster.pacemaker.engine import PacemakerEngine
from appliance.config import Conf
from appliance.core.model import Node
from appliance.core.roles import Role
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock

BOTH: dict[str, ClusterEngine] = {"heartbeat": HeartbeatEngine(), "pacemaker": PacemakerEngine()}
CONF = """HACLUSTERIP=10.77.0.100
HAPRINODE=pbx1
HASECNODE=pbx2
HAMEDIA=ucast lo 10.77.0.2
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with both engines' places, none of which runs, and a Heartbeat without ucast6; its conf file."""
    places: Any = SimpleNamespace(
        ha_dir=tmp_path, conf_dir=tmp_path, daemon="heartbeat", pacemakerd="pacemakerd"
    )
    monkeypatch.setattr(heartbeat, "find_heartbeat", lambda: places)
    monkeypatch.setattr(heartbeat, "knows_medium", lambda kind: False)
    monkeypatch.setattr(pacemaker, "own_address", lambda device, peer: "10.77.0.1")
    monkeypatch.setattr(pacemaker_engine, "find_pacemaker", lambda: places)
    monkeypatch.setattr(engine_facts, "installed_engine", BOTH.__getitem__)
    monkeypatch.setattr(engine_facts, "engines", lambda: tuple(BOTH.values()))
    for engine in (HeartbeatEngine, PacemakerEngine):
        monkeypatch.setattr(engine, "version", lambda self: "1")
        monkeypatch.setattr(engine, "identity", lambda self: "")
    path = tmp_path / "asha.conf"
    path.write_text(CONF)
    return path


def found(path: Path, runs: str, to: str) -> tuple[str, ...]:
    context = node_context(path.parent, ThisNode(Conf(), Node.PRIMARY), HandClock())
    cycle: Any = SimpleNamespace(
        state=SimpleNamespace(role=Role.STANDBY), unfit=lambda now: (), maintenance=SimpleNamespace(on=False)
    )
    object.__setattr__(context, "conf_path", path)
    return asyncio.run(EngineFacts(context, BOTH[runs], cycle).report(to)).hindrances


@pytest.mark.parametrize(("runs", "to"), [("heartbeat", "pacemaker"), ("pacemaker", "heartbeat")])
def test_nothing_is_in_the_way(site: Path, runs: str, to: str) -> None:
    assert found(site, runs, to) == ()


def test_a_conf_that_the_engine_of_now_refuses_is_in_the_way_of_the_way_back(site: Path) -> None:
    site.write_text(CONF + "HAENGINE=auto\nHASTONITH=YES\n")
    (said,) = found(site, "heartbeat", "pacemaker")
    assert "the way back to Heartbeat" in said and "HASTONITH" in said


def test_a_path_by_ipv6_is_in_the_way_of_a_heartbeat_without_it(site: Path) -> None:
    site.write_text(CONF.replace("10.77.0.2", "fd77::2"))
    (said,) = found(site, "pacemaker", "heartbeat")
    assert "no ucast6" in said


def test_a_path_on_which_nobody_is_reached_is_in_the_way_of_pacemaker(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacemaker, "own_address", lambda device, peer: "10.77.0.100")
    (said,) = found(site, "heartbeat", "pacemaker")
    assert "which moves" in said
