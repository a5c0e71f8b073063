"""When the agent has this node speak to the LAN from the cluster address, and what it says when it cannot."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent import lan_routes
from appliance.agent.components import lan_source
from appliance.agent.components.lan_source import LanSource
from appliance.config.media import Medium
from appliance.core.errors import HostError
from appliance.core.reading import Known, Reading, Unknown

OWN, PEER, IP = "10.77.0.1", "10.77.0.2", "10.77.0.100"


class Routes:
    """The kernel's routes: what was asked for, and whether it is so already."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.refuses = ""
        self.set = False
        monkeypatch.setattr(lan_routes, "own_address", lambda device, ip, prefix: OWN)
        monkeypatch.setattr(lan_routes, "prefer_source", self._prefer)
        monkeypatch.setattr(lan_source, "forget_source", self._forget)

    def _prefer(self, device: str, ip: str, own: str, apart: set[str]) -> bool:
        self.asked.append((device, ip, own, *sorted(apart)))
        return self._be(true=True)

    def _forget(self, device: str) -> bool:
        self.asked.append((device,))
        return self._be(true=False)

    def _be(self, *, true: bool) -> bool:
        if self.refuses:
            raise HostError(self.refuses)
        before, self.set = self.set, true
        return before is not true


class Source:
    """The component on a bench of its own; `look` has it look once while the address reads as given."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **conf: object) -> None:
        self.routes = Routes(monkeypatch)
        self.bench = Bench(folder, **conf)
        self.component = LanSource(self.bench.context)

    def look(self, address: Reading[bool]) -> None:
        self.bench.observations.address = address
        asyncio.run(self.component.look())

    def said(self) -> list[object]:
        return [entry.fields["says"] for entry in self.bench.journal.since(0) if entry.kind == "source"]


HERE, ELSEWHERE = Known(True, 0.0), Known(False, 0.0)


def test_routes_follow_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(tmp_path, monkeypatch)
    for address in (HERE, HERE, Unknown("the kernel does not tell", 0.0), ELSEWHERE, ELSEWHERE):
        source.look(address)
    assert source.routes.asked == [("eth0", IP, OWN), ("eth0", IP, OWN), ("eth0",), ("eth0",)]
    assert source.said() == [
        f"this node speaks to the LAN from {IP}",
        "this node speaks from its own address",
    ]


def test_the_other_node_is_known_by_the_conf_and_by_its_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = (
        Medium("ucast", "eth0", OWN),
        Medium("ucast", "eth0", "10.77.0.3"),
        Medium("ucast", "eth0", "fd00::2"),
        Medium("serial", "/dev/ttyS0"),
    )
    source = Source(
        tmp_path, monkeypatch, media=media, secondary_addr="10.77.0.4", primary_addr="pbx1.example.com"
    )
    source.look(HERE)
    assert source.routes.asked[-1] == ("eth0", IP, OWN, "10.77.0.3", "10.77.0.4")
    report = source.bench.observations.report
    assert report is not None
    source.bench.observations.report = replace(report, lan_address=PEER)
    source.look(HERE)
    assert source.routes.asked[-1] == ("eth0", IP, OWN, PEER, "10.77.0.3", "10.77.0.4")


@pytest.mark.parametrize("choice", ["bind", "off"])
def test_nothing_is_set_where_it_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    source = Source(tmp_path, monkeypatch, lan_source=choice)
    source.look(HERE)
    assert source.routes.asked == [("eth0",)], "what an earlier choice has set is taken back"


def test_a_cluster_without_ipv4_has_no_such_routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(tmp_path, monkeypatch)
    source.bench.this_node.conf = replace(
        source.bench.this_node.conf, cluster_ip="", cluster_ipv6="2001:db8::5/64"
    )
    source.look(HERE)
    assert source.routes.asked == []


def test_a_kernel_that_refuses_is_told_until_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(tmp_path, monkeypatch)
    source.routes.refuses = "Packets to the LAN cannot be given the source: only root may do that."
    source.look(HERE)
    source.look(HERE)
    assert source.component.problems() == [f"telephones: {source.routes.refuses}"]
    source.routes.refuses = ""
    source.look(HERE)
    assert source.component.problems() == []
    assert source.said() == [
        "Packets to the LAN cannot be given the source: only root may do that.",
        "the routes to the LAN are set again",
        f"this node speaks to the LAN from {IP}",
    ]
