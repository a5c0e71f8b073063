"""The cluster's secret comes over ssh, or the advice to carry it by hand says why it did not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.agent import engine_control
from appliance.agent.active_conf import InstalledConf
from appliance.agent.engine_control import EngineControl
from appliance.agent.this_node import ThisNode
from appliance.cluster.heartbeat.config_files import made_key, place_key, read_key
from appliance.cluster.heartbeat.engine import HeartbeatEngine
from appliance.config import Conf
from appliance.core.errors import AshaError, ClusterError
from appliance.core.model import Node
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.ssh import Ssh
from tests.plugins.agent_context import node_context

CONF = Conf(cluster_ip="10.0.0.5", primary_name="pbx1", secondary_name="pbx2")


def install(ha_dir: Path, node: Node, monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[str]:
    """Prepare Heartbeat's files as `node`; what the peer was asked, which answers `answer` or raises it."""
    asked: list[str] = []

    def ask_once(ssh: Ssh, verb: str, document: dict[str, str]) -> Any:
        asked.append(f"{ssh.host} {verb} {document['engine']}")
        if isinstance(answer, AshaError):
            raise answer
        return answer

    monkeypatch.setattr(engine_control, "ask_once", ask_once)
    paths = SimpleNamespace(ha_dir=ha_dir, resource_dir=ha_dir)
    monkeypatch.setattr("appliance.cluster.heartbeat.engine.find_heartbeat", lambda: paths)
    context = node_context(ha_dir, ThisNode(CONF, node))
    EngineControl(context, HeartbeatEngine(), InstalledConf(ha_dir / "standing.json"))._install()
    return asked


def test_the_secondary_fetches_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"method": "md5", "secret": "s3cret"}
    assert install(tmp_path, Node.SECONDARY, monkeypatch, answer) == ["pbx1 secret heartbeat"]
    assert read_key(tmp_path / "authkeys") == ("md5", "s3cret")
    assert (tmp_path / "authkeys").stat().st_mode & 0o777 == 0o600
    assert install(tmp_path, Node.SECONDARY, monkeypatch, answer) == []


def test_the_primary_makes_it_and_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert install(tmp_path, Node.PRIMARY, monkeypatch, None) == []
    assert made_key(tmp_path) == read_key(tmp_path / "authkeys")


@pytest.mark.parametrize(
    "answer",
    [
        SyncProblem(Fault.KEY_REFUSED, "pbx1: Permission denied."),
        {"method": "sha1", "secret": "two words"},
        {"method": "sha1\n2", "secret": "x"},
        {"method": "sha1", "secret": "x\nauth 2"},
        {},
    ],
)
def test_otherwise_the_advice_stays_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    with pytest.raises(ClusterError, match=r"is missing.* could not be fetched over ssh: .*scp -p"):
        install(tmp_path, Node.SECONDARY, monkeypatch, answer)
    assert not (tmp_path / "authkeys").exists()


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    place_key(tmp_path, "sha1", "first")
    place_key(tmp_path, "sha1", "second")
    assert made_key(tmp_path) == ("sha1", "first")
    assert [path.name for path in tmp_path.iterdir()] == ["authkeys"]
