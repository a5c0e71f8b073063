"""Values for the peer: taken, refused or out of reach, it is said by name; what is one node's own is not sent."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.core.answers import PeerSaid
from appliance.core.errors import AshaError
from appliance.sync import peer_link
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.peer_link import apply_at_peer
from appliance.sync.ssh import Ssh

PEER = Ssh("10.0.0.2", 22)


def answered(
    monkeypatch: pytest.MonkeyPatch, answer: Any, values: dict[str, str]
) -> tuple[dict[str, Any], list[Any]]:
    """How it ended, and what the peer was asked."""
    heard: list[Any] = []

    def ask_once(ssh: Ssh, verb: str, document: Any) -> Any:
        heard.append((verb, document))
        if isinstance(answer, AshaError):
            raise answer
        return answer

    monkeypatch.setattr(peer_link, "ask_once", ask_once)
    return apply_at_peer(PEER, "pbx2", values, "anna"), heard


def test_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found, heard = answered(monkeypatch, {"says": "Saved."}, {"HADEADTIME": "10", "HAMEDIA": "bcast eth0"})
    assert found == PeerSaid(True, "pbx2: Saved.")
    assert heard == [("conf", {"values": {"HADEADTIME": "10", "HAMEDIA": "bcast eth0"}, "by": "anna"})]


def test_out_of_reach_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = SyncProblem(Fault.UNREACHABLE, "10.0.0.2: Connection refused.")
    found, _ = answered(monkeypatch, problem, {"HADEADTIME": "10"})
    assert not found.ok
    assert found.says.startswith(
        "pbx2 does not have it, and has what it had before: 10.0.0.2: Connection refused."
    )


@pytest.mark.parametrize("media", ["ucast eth0 10.0.0.2", "bcast eth0, UCAST eth1 10.1.0.2"])
def test_a_way_to_itself_is_not_sent(monkeypatch: pytest.MonkeyPatch, media: str) -> None:
    found, heard = answered(monkeypatch, {"says": "Saved."}, {"HADEADTIME": "10", "HAMEDIA": media})
    assert not found.ok and "set it on pbx2 itself" in found.says
    assert heard == [("conf", {"values": {"HADEADTIME": "10"}, "by": "anna"})]
    alone, heard = answered(monkeypatch, {"says": "Saved."}, {"HAMEDIA": media})
    assert not alone.ok and heard == []
