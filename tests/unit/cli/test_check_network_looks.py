"""The looks of `asha check` at the network: what they make of interfaces, the LAN's answers, rules and the agent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.cli.checks import network
from appliance.cli.checks.look import Scene
from appliance.config import Conf, Medium
from appliance.control.client import AgentAbsent
from appliance.core.errors import HostError
from appliance.core.host_check.finding import Level
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown
from appliance.core.status import AddressStatus, EngineStatus, PeerStatus, Status, StatusValue
from appliance.host.clock import SystemClock
from appliance.host.process import Finished
from appliance.net import address, neighbours
from appliance.net.links import NetLink

IP, OWN, PEER = "10.77.0.100", "10.77.0.1", "10.77.0.2"
BOTH = (Medium("ucast", "eth0", OWN), Medium("ucast", "eth0", PEER))
DROPPING = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"


class Machine:
    """What the looks see; a test says what is other than on a node that stands by."""

    def __init__(self, root: Path) -> None:
        self.links = {"lo": NetLink("lo", True), "eth0": NetLink("eth0", True, "", (f"{OWN}/24",))}
        self.macs: dict[str, str] = {}
        self.programs: dict[str, Finished] = {}
        self.status: Status | None = None
        self.root = root

    def scene(self, **values: object) -> Scene:
        conf = Conf(**{"cluster_ip": IP, "media": BOTH, **values})  # type: ignore[arg-type]
        return Scene(conf, Node.PRIMARY, "haprimary", SystemClock(), self.root)

    def interface(self, name: str) -> address.Interface:
        link = self.links[name]
        return address.Interface(name, link.up, link.up, link.addresses)

    def says(self, program: str, output: str, code: int = 0) -> None:
        self.programs[program] = Finished((program,), code, output, "")

    def find(self, name: str) -> Path:
        if name not in self.programs:
            raise HostError(f"The program '{name}' was not found.")
        return Path(name)

    def run(self, argv: Sequence[Path | str], *, deadline: float) -> Finished:
        return self.programs[str(argv[0])]

    def ask_status(self) -> Status:
        if self.status is None:
            raise AgentAbsent("The agent is not running.")
        return self.status


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    seen = Machine(tmp_path)
    monkeypatch.setattr(network, "read_links", lambda: seen.links)
    monkeypatch.setattr(address, "read_interface", seen.interface)
    monkeypatch.setattr(network, "find_program", seen.find)
    monkeypatch.setattr(network, "run", seen.run)
    monkeypatch.setattr(Scene, "status", lambda scene: seen.ask_status())
    monkeypatch.setattr(
        neighbours, "duplicated", lambda device, ip, now, *, clock: Known(seen.macs.get(ip), now)
    )
    return seen


def standing_by(links: dict[str, str], *, role: str = "active") -> Status:
    return Status(
        engine=EngineStatus(running=StatusValue(True)),
        peer=PeerStatus(role=role, alive=StatusValue("up" in links.values()), links=links),
        address=AddressStatus(here=StatusValue(False)),
    )


@pytest.mark.parametrize("prefix", [8, 16, 25, 32])
def test_a_wrong_prefix(machine: Machine, prefix: int) -> None:
    found = network.address(machine.scene())
    assert (found.level, found.says) == (
        Level.OK,
        f"{IP}/24 on eth0, which is up and has {OWN}/24",
    )
    assert network.address(machine.scene(prefix=prefix)).level == Level.ERROR


def test_an_interface_that_cannot_carry_the_address(machine: Machine) -> None:
    assert network.address(machine.scene(cluster_ip="")).level == Level.ERROR
    machine.links["eth0"] = NetLink("eth0", False, "", (f"{OWN}/24",))
    with pytest.raises(HostError, match="down or has no carrier"):
        network.address(machine.scene(prefix=16))


def test_a_renamed_interface_is_named_by_its_new_name(machine: Machine) -> None:
    machine.links = {"ens192": NetLink("ens192", True, "", (f"{OWN}/24",))}
    with pytest.raises(HostError) as raised:
        network.address(machine.scene())
    assert "no network interface eth0" in str(raised.value)
    assert raised.value.todo == f"ens192 is in the network of {IP}: asha conf set HADEV ens192."


@pytest.mark.parametrize(
    ("macs", "role", "level"),
    [
        ({}, "active", Level.OK),
        ({IP: "aa", PEER: "aa"}, "active", Level.OK),
        ({IP: "bb", PEER: "aa"}, "active", Level.ERROR),
        ({IP: "bb"}, "standby", Level.ERROR),  # the peer does not serve, and something answers
        ({IP: "bb"}, "", Level.UNKNOWN),
    ],
)
def test_who_has_the_cluster_address(machine: Machine, macs: dict[str, str], role: str, level: Level) -> None:
    machine.macs = macs
    machine.status = standing_by({"eth0": "up"}, role=role)
    assert network.holder(machine.scene()).level == level


def test_without_an_answer_of_the_kernel_it_is_not_known(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "duplicated", lambda *given, **named: Unknown("not permitted", 0.0))
    assert network.holder(machine.scene()).level == Level.UNKNOWN


def test_the_peers_address_is_the_one_that_is_not_ours(machine: Machine) -> None:
    conf = machine.scene().conf
    assert network.peer_address(conf, Node.PRIMARY, "eth0") == PEER
    assert network.peer_address(conf, Node.PRIMARY, "eth1") == ""
    named = Conf(secondary_addr="10.77.0.9", primary_addr="pbx1.example.com", media=BOTH)
    assert network.peer_address(named, Node.PRIMARY, "eth0") == "10.77.0.9"
    assert network.peer_address(named, Node.SECONDARY, "eth0") == PEER  # a name is no address


def test_the_paths(machine: Machine) -> None:
    assert network.paths(machine.scene()).level == Level.WARNING  # one wire alone
    two = (*BOTH, Medium("bcast", "eth1"), Medium("serial", "/dev/ttyS0"))
    found = network.paths(machine.scene(media=two))
    assert found.level == Level.ERROR
    assert "bcast eth1: there is no such device." in found.says and "/dev/ttyS0: there is no" in found.says
    machine.links["eth1"] = NetLink("eth1", False)
    assert "down or has no carrier" in network.paths(machine.scene(media=two[:3])).says
    machine.links["eth1"] = NetLink("eth1", True)
    assert network.paths(machine.scene(media=two[:3])).level == Level.OK


def test_the_hearing_is_the_agents_word(machine: Machine) -> None:
    assert network.hearing(machine.scene()).level == Level.UNKNOWN
    machine.status = standing_by({"eth0": "up"})
    assert network.hearing(machine.scene()).level == Level.OK
    machine.status = standing_by({"eth0": "dead"})
    assert network.hearing(machine.scene()).level == Level.ERROR


def test_what_keeps_the_engine_from_its_work_is_the_agents_word(machine: Machine) -> None:
    assert network.troubles(machine.scene()).level == Level.UNKNOWN
    machine.status = standing_by({"eth0": "up"})
    assert network.troubles(machine.scene()).level == Level.OK
    engine = machine.status.engine._replace(troubles=("a stranger speaks (10.77.0.9): send it away",))
    machine.status = machine.status._replace(engine=engine)
    found = network.troubles(machine.scene())
    assert (found.level, found.says, found.remedy) == (
        Level.WARNING,
        "A stranger speaks (10.77.0.9).",
        "send it away.",
    )


def test_the_firewall(machine: Machine) -> None:
    assert network.firewall(machine.scene()).level == Level.OK  # no program that could have made rules
    machine.says("iptables-save", DROPPING)
    assert network.firewall(machine.scene()).level == Level.ERROR
    machine.status = standing_by({"eth0": "up"})
    assert network.firewall(machine.scene()).level == Level.OK  # it is heard
    machine.status = standing_by({"eth0": "dead"})
    assert network.firewall(machine.scene()).level == Level.ERROR


@pytest.mark.parametrize(
    ("output", "code"), [("", 1), ("no JSON", 0), ('{"nftables": [{"rule": {"family": "ip"}}]}', 0)]
)
def test_rules_that_cannot_be_read(machine: Machine, output: str, code: int) -> None:
    machine.says("nft", output, code)
    assert network.firewall(machine.scene()).level == Level.UNKNOWN


def test_rules_of_the_kernel_without_a_program_to_read_them(machine: Machine) -> None:
    (machine.root / "proc/net").mkdir(parents=True)
    (machine.root / "proc/net/ip_tables_names").write_text("nat\nfilter\n")
    assert network.firewall(machine.scene()).level == Level.UNKNOWN


IP6, OWN6, PEER6 = "2001:db8::100", "2001:db8::1", "2001:db8::2"


def test_two_addresses_are_both_looked_at(machine: Machine) -> None:
    machine.links["eth0"] = NetLink("eth0", True, "", (f"{OWN}/24", f"{OWN6}/64"))
    both = machine.scene(cluster_ipv6=f"{IP6}/64")
    found = network.address(both)
    assert found.level == Level.OK
    assert (
        f"{IP}/24 on eth0" in found.says and f"{IP6}/64 on eth0, which is up and has {OWN6}/64" in found.says
    )
    wrong = network.address(machine.scene(cluster_ipv6=f"{IP6}/56"))
    assert (wrong.level, wrong.remedy) == (
        Level.ERROR,
        f"Set it: asha conf set HACLUSTERIP6 {IP6}/64, on both nodes.",
    )
    machine.macs, machine.status = {IP6: "bb", PEER: "aa"}, standing_by({"eth0": "up"})
    held = network.holder(both)
    assert held.level == Level.ERROR and held.remedy.endswith(
        "or set HACLUSTERIP6 to a free one on both nodes."
    )


def test_the_rules_of_ipv6_are_read_for_paths_by_ipv6_only(machine: Machine) -> None:
    by_ipv6 = machine.scene(media=(Medium("ucast", "eth0", PEER6),))
    machine.says("iptables-save", DROPPING)
    assert network.firewall(by_ipv6).level == Level.OK, "those of IPv4 are none of theirs"
    machine.says("ip6tables-save", DROPPING)
    assert network.firewall(by_ipv6).level == Level.ERROR
    machine.says("iptables-save", "")
    assert network.firewall(machine.scene()).level == Level.OK
    machine.says("ip6tables-save", "", 1)
    assert network.firewall(by_ipv6).level == Level.UNKNOWN
    assert network.firewall(machine.scene()).level == Level.OK
    machine.status = standing_by({"eth0": "up"})
    assert network.firewall(by_ipv6).level == Level.OK, "it is heard"
