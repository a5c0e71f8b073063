"""The sensor for the LAN: who is asked and how, and an address elsewhere that is told for as long as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from test_agent_cycle import Bench
from test_agent_stale import shown

from appliance.agent.peer_message import hear
from appliance.agent.sensors import lan
from appliance.agent.sensors.lan import LanSensor
from appliance.core.errors import HostError
from appliance.core.lan import LanInterface
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.net.arp import Arp

IP, OWN, PEER, GATEWAY = "10.77.0.100", "10.77.0.1", "10.77.0.2", "10.77.0.50"
OWN_MAC, PEER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
ETH0 = LanInterface("eth0", True, True, True, ((OWN, 24),))


class Lan:
    """The LAN: which hardware addresses answer for which address, and what was asked."""

    def __init__(self) -> None:
        self.interface: Reading[LanInterface] = Known(ETH0, 0.0)
        self.has: dict[str, str] = {PEER: PEER_MAC}
        self.asked: list[tuple[str, str, str]] = []
        self.broken = False
        self._answers: list[Arp] = []

    def ask(self, ip: str, own: str, mac: str = "") -> None:
        if self.broken:
            raise HostError("ARP on eth0 is not possible: Network is down.")
        self.asked.append((ip, own, mac))
        if ip in self.has:
            self.say(ip, self.has[ip])

    def say(self, ip: str, mac: str, *, reply: bool = True) -> None:
        self._answers.append(Arp(reply, bytes.fromhex(mac.replace(":", "")), ip, b"\0" * 6, OWN))

    def heard(self) -> list[Arp]:
        answers, self._answers = self._answers, []
        return answers

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass


class Rounds:
    """A sensor whose rounds are taken by hand, on a node with the cluster address unless said otherwise."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, here: bool = True, **conf: object
    ) -> None:
        self.lan = Lan()
        monkeypatch.setattr(lan, "open_link", lambda device, ip: self.lan)
        monkeypatch.setattr(lan, "read_lan_interface", lambda *words: self.lan.interface)
        monkeypatch.setattr(lan, "own_macs", lambda: frozenset({OWN_MAC}))
        self.bench = Bench(folder, **conf)
        self.sensor = LanSensor(self.bench.context)
        self.seen = self.bench.observations
        self.seen.address = Known(here, 0.0)
        assert self.seen.report is not None
        self.seen.report = replace(self.seen.report, lan_address=PEER)
        self.sensor.look()

    def take(self, times: int = 1) -> None:
        asyncio.run(self._take(times))

    async def _take(self, times: int) -> None:
        for _ in range(times):
            self.bench.clock.time += 1.0
            self.sensor._hear()
            self.sensor._take_round()


def test_the_peer_and_the_hosts_of_the_conf_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch, here=False, ping=(GATEWAY, OWN))
    rounds.take(2)
    assert sorted(rounds.lan.asked[-3:]) == [(IP, OWN, ""), (PEER, OWN, ""), (GATEWAY, OWN, "")]
    rounds.take(2)
    assert (PEER, OWN, PEER_MAC) in rounds.lan.asked[-3:], "who answers is asked alone, and not everybody"
    assert is_known(rounds.seen.lan, True)
    assert rounds.seen.lan_address == OWN


def test_the_interface_is_read_when_it_has_changed_and_seldom_besides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[float] = []

    def read(*words: object) -> Reading[LanInterface]:
        reads.append(float(words[-1]))  # type: ignore[arg-type]
        return Known(ETH0, reads[-1])

    rounds = Rounds(tmp_path, monkeypatch, here=False)
    monkeypatch.setattr(lan, "read_lan_interface", read)
    rounds.sensor.look()
    rounds.take(12)
    assert len(reads) == 3, "two of them because it was not read for long"
    assert is_known(rounds.seen.lan, True)
    rounds.sensor.look()  # the kernel has reported a change
    assert len(reads) == 4


def test_an_address_that_is_here_is_asked_for_without_a_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch)
    rounds.take(2)
    assert (IP, "", "") in rounds.lan.asked
    assert (IP, OWN, "") not in rounds.lan.asked


@pytest.mark.parametrize("reply", [True, False])
def test_an_address_that_another_machine_claimed_for_a_moment_is_announced_once_it_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: bool
) -> None:
    rounds = Rounds(tmp_path, monkeypatch)
    rounds.take(2)

    def over() -> bool:
        rounds.take()
        return rounds.sensor._claim_is_over()

    rounds.lan.say(IP, PEER_MAC, reply=reply)
    assert [over() for _ in range(6)] == [False, False, False, True, False, False]
    rounds.lan.has[IP] = PEER_MAC  # another that keeps it is told of, and nobody fights
    assert not any(over() for _ in range(9))
    assert rounds.seen.duplicate == PEER_MAC


def test_the_lan_that_comes_back_is_noted_with_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch, lan_dwell=3.0)
    rounds.take(2)
    assert rounds.seen.lan_back_at == float("-inf"), "what was never away has not come back"
    for gone in (replace(ETH0, carrier=False), replace(ETH0, up=False), LanInterface("eth0", False)):
        rounds.lan.interface = Known(gone, 0.0)
        rounds.sensor.look()
        rounds.bench.clock.time += 1.0
        rounds.lan.interface = Known(ETH0, 0.0)
        rounds.sensor.look()
        assert rounds.seen.lan_back_at == rounds.bench.clock.now()
    rounds.bench.clock.time += 1.0
    rounds.lan.interface = Known(replace(ETH0, mac="02:00:00:00:00:77"), 0.0)
    rounds.sensor.look()
    back = rounds.seen.lan_back_at
    assert back == rounds.bench.clock.now(), "another half of a bond has taken over"
    rounds.lan.interface = Known(replace(ETH0, addresses=()), 0.0)
    rounds.sensor.look()
    rounds.take(5)
    assert is_known(rounds.seen.lan, False)
    rounds.lan.interface = Known(ETH0, 0.0)
    rounds.sensor.look()
    rounds.take(5)
    assert is_known(rounds.seen.lan, True) and rounds.seen.lan_back_at > back, "reached again, with carrier"


@pytest.mark.parametrize("said", ["", "10.99.0.2", IP, OWN, "10.77.0.2; reboot", "224.0.0.1"])
def test_no_word_of_the_peer_makes_it_ask_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    rounds = Rounds(tmp_path, monkeypatch)
    rounds.seen.report = hear({"ip": said}, rounds.bench.clock.now())
    rounds.take(3)
    assert {ip for ip, _, _ in rounds.lan.asked} == {IP}


def test_a_peer_that_is_cut_off_itself_is_no_witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two nodes alone on a LAN: the one that keeps its carrier is the better one, though nobody answers it."""
    rounds = Rounds(tmp_path, monkeypatch, here=False)
    rounds.take(2)
    rounds.lan.has.clear()
    rounds.take(9)
    assert isinstance(rounds.seen.lan, Unknown)
    assert rounds.seen.report is not None
    rounds.seen.report = replace(rounds.seen.report, lan=Known(False, rounds.bench.clock.now()))
    rounds.take()
    assert is_known(rounds.seen.lan, True)
    rounds.take(9)  # what the peer said is too old now
    assert isinstance(rounds.seen.lan, Unknown)


def test_whoever_is_heard_shows_that_the_lan_carries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = Rounds(tmp_path, monkeypatch, here=False)
    rounds.lan.has.clear()
    rounds.take(2)
    rounds.lan.say("10.77.0.99", "02:00:00:00:00:63", reply=False)
    rounds.take()
    assert is_known(rounds.seen.lan, True)
    rounds.lan.say("10.77.0.99", OWN_MAC, reply=False)  # an interface of this node's own proves nothing
    rounds.take(6)
    assert isinstance(rounds.seen.lan, Unknown)


def test_an_address_elsewhere_is_told_until_it_is_there_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch)
    rounds.take(2)
    rounds.lan.has[IP] = PEER_MAC
    rounds.take(3)
    assert rounds.seen.duplicate == PEER_MAC
    assert f"the cluster address is also at {PEER_MAC}" in shown(rounds.bench)["problems"]
    del rounds.lan.has[IP]
    rounds.take(5)
    assert rounds.seen.duplicate == ""
    rounds.lan.has[IP] = PEER_MAC
    rounds.take(4)
    assert rounds.seen.duplicate == PEER_MAC
    rounds.seen.address = Known(False, 0.0)
    rounds.take()
    assert rounds.seen.duplicate == "", "an address that is not here is not here too"


@pytest.mark.parametrize("lost", ["the interface", "the question"])
def test_an_address_elsewhere_ends_when_nobody_can_ask_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """It was told for ever when the interface was renamed or went down: the LAN that is lost is told instead."""
    rounds = Rounds(tmp_path, monkeypatch)
    rounds.lan.has[IP] = PEER_MAC
    rounds.take(4)
    assert rounds.seen.duplicate == PEER_MAC
    if lost == "the interface":
        rounds.lan.interface = Known(LanInterface("eth0", False), 0.0)
    else:
        rounds.lan.broken = True
    rounds.take(5)
    assert rounds.seen.duplicate == ""


def test_one_stale_answer_and_this_nodes_own_are_no_duplicate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch)
    rounds.take(2)
    rounds.lan.say(IP, PEER_MAC)  # the last answer of a peer that is giving the address up
    rounds.take(3)
    assert rounds.seen.duplicate == ""
    rounds.lan.has[IP] = OWN_MAC  # another interface of this node on the same LAN
    rounds.take(4)
    assert rounds.seen.duplicate == ""
    del rounds.lan.has[IP]
    for _ in range(4):  # announcements are no answers
        rounds.lan.say(IP, PEER_MAC, reply=False)
        rounds.take()
    assert rounds.seen.duplicate == ""


def test_who_had_the_address_before_it_came_here_is_no_duplicate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch, here=False)
    rounds.lan.has[IP] = PEER_MAC
    rounds.take(5)
    rounds.seen.address = Known(True, 0.0)
    del rounds.lan.has[IP]
    for _ in range(4):
        rounds.take()
        assert rounds.seen.duplicate == ""


def test_a_renamed_interface_makes_the_node_unfit_at_once_and_cut_off_after_the_dwell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch, here=False)
    rounds.take(4)
    rounds.lan.interface = Known(LanInterface("eth0", False, elsewhere="ens192"), 0.0)
    rounds.take()
    told = shown(rounds.bench)
    assert not told["fit"] and "ens192" in str(told["unfit_because"])
    assert told["lan"]["reached"]["value"] is None
    rounds.take(6)
    assert shown(rounds.bench)["lan"]["reached"]["value"] is False


def test_without_a_cluster_address_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = Rounds(tmp_path, monkeypatch)
    rounds.bench.this_node.adopt(replace(rounds.bench.this_node.conf, cluster_ip=""))
    rounds.take(2)
    assert rounds.lan.asked == []
    assert isinstance(rounds.seen.lan, Unknown) and "HACLUSTERIP" in rounds.seen.lan.reason


IP6, OWN6, PHONE6 = "2001:db8::100", "2001:db8::1", "2001:db8::50"


def test_with_two_addresses_each_is_asked_for_from_the_own_one_of_its_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch, here=False, cluster_ipv6=f"{IP6}/64", ping=(PHONE6,))
    rounds.lan.interface = Known(replace(ETH0, addresses=((OWN, 24), (OWN6, 64))), 0.0)
    rounds.sensor.look()
    rounds.take(3)
    assert {(IP, OWN, ""), (IP6, OWN6, ""), (PHONE6, OWN6, "")} <= set(rounds.lan.asked)
    assert rounds.seen.lan_address == OWN, "the main address says what this node's own is"


def test_the_second_address_elsewhere_is_a_duplicate_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch, cluster_ipv6=f"{IP6}/64")
    rounds.lan.has[IP6] = PEER_MAC
    rounds.take(5)
    assert (IP6, "", "") in rounds.lan.asked
    assert rounds.seen.duplicate == PEER_MAC
    del rounds.lan.has[IP6]
    rounds.take(8)
    assert rounds.seen.duplicate == ""


def test_an_address_that_is_missing_here_is_no_duplicate_where_another_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, monkeypatch, cluster_ipv6=f"{IP6}/64")
    rounds.seen.address_missing = IP6
    rounds.lan.has[IP6] = PEER_MAC
    rounds.take(5)
    assert rounds.seen.duplicate == ""


def test_a_node_without_ipv6_is_not_fit_for_a_cluster_with_an_address_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine sets both addresses before it grants: what cannot set one of them serves nobody."""
    rounds = Rounds(tmp_path, monkeypatch, here=False, cluster_ipv6=f"{IP6}/64")
    rounds.take(3)
    told = shown(rounds.bench)["unfit_because"]
    assert "IPv6" not in str(told), "no router has given it an address of its own, without which it can serve"
    rounds.lan.interface = Known(replace(ETH0, ipv6=False), 0.0)
    rounds.sensor.look()
    told = shown(rounds.bench)
    assert not told["fit"] and "IPv6 is off on eth0" in str(told["unfit_because"])


class Telephone:
    """SIP at the cluster's addresses: those of `answering` answer at once, and the others never."""

    answering: frozenset[str] = frozenset()

    def __init__(self, *words: object, host: str, own: str, device: str) -> None:
        assert own, "nothing is sent without an address to send from"
        self._host = host

    async def ask(self, now: Callable[[], float]) -> Reading[str]:
        answers = self._host in self.answering
        return Known("200 OK", now()) if answers else Unknown("no answer", now())


@pytest.mark.parametrize(
    ("answering", "calls", "every"),
    [(frozenset({IP}), True, True), (frozenset[str](), None, False)],
)
def test_an_address_that_cannot_be_tried_from_here_is_not_dead(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answering: frozenset[str],
    calls: bool | None,
    every: bool,
) -> None:
    """A standby without an address of IPv6 told both nodes that no telephone could call."""
    monkeypatch.setattr(lan, "SipProbe", Telephone)
    monkeypatch.setattr(Telephone, "answering", answering)
    rounds = Rounds(tmp_path, monkeypatch, here=False, cluster_ipv6=f"{IP6}/64")
    for _ in range(6):
        rounds.take()
        asyncio.run(rounds.sensor._call())
    seen = rounds.bench.cycle.seen(rounds.bench.clock.now())
    assert (seen.calls.value if isinstance(seen.calls, Known) else None) is calls
    assert is_known(seen.every_call, every), "a dead one is told, although nobody knows of the other"
    rounds.lan.interface = Known(replace(ETH0, addresses=((OWN, 24), (OWN6, 64))), 0.0)
    rounds.take()
    asyncio.run(rounds.sensor._call())
    assert IP6 not in rounds.seen.calls_missing, "one try is no proof"
    for _ in range(3):
        rounds.take()
        asyncio.run(rounds.sensor._call())
    assert is_known(rounds.bench.cycle.seen(rounds.bench.clock.now()).every_call, False)


def test_the_address_is_called_as_soon_as_the_line_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the other node still answers then says whether it has lost its power."""

    async def calls() -> None:
        called = asyncio.Queue[float]()

        class Counted(Telephone):
            async def ask(self, now: Callable[[], float]) -> Reading[str]:
                called.put_nowait(now())
                return await super().ask(now)

        monkeypatch.setattr(lan, "SipProbe", Counted)
        monkeypatch.setattr(lan, "until_beat", lambda _: 3600.0)
        telephone = asyncio.create_task(rounds.sensor._be_telephone())
        assert await called.get() == rounds.bench.clock.time
        rounds.bench.clock.time += 1.0
        rounds.seen.line_moved.set()
        assert await called.get() == rounds.bench.clock.time
        telephone.cancel()

    rounds = Rounds(tmp_path, monkeypatch, here=False)
    rounds.take()
    asyncio.run(asyncio.wait_for(calls(), 20))
