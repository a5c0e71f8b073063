"""What one agent tells, the other hears; anything else in a message becomes Unknown and harms nobody."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

from hypothesis import example, given
from hypothesis import strategies as st

from appliance.agent.peer_message import DataWord, Hearing, hear, tell
from appliance.cluster.messages import LONGEST_MESSAGE, pack
from appliance.core.engine_requests import LostRequests, StuckMaster
from appliance.core.fitness import Fitness
from appliance.core.grant import Grant
from appliance.core.model import DChannel, Line, Pbx, Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState
from appliance.core.transfer import Peer, Seen

UNKNOWN = st.text(max_size=300).map(lambda reason: Unknown(reason, 1.0))
LINES = st.one_of(st.sampled_from(Line).map(lambda line: Known(line, 1.0)), UNKNOWN)
RELAYS = st.one_of(st.sampled_from(Relay).map(lambda relay: Known(relay, 1.0)), UNKNOWN)
DARK = Unknown("dark", 0.0)
SINCE = 1_800_000_000
# Its Heartbeat drops requests, from 0.5 s on, for an hour.
LOST = LostRequests(own=StuckMaster(0.5, 3540.5, "17:4711"))


def seen(line: Reading[Line], relay: Reading[Relay], maintenance: bool = False) -> Seen:
    return Seen(
        commanded=relay,
        card=DARK,
        line=line,
        dchannel=Known(DChannel.UP, 1.0),
        pbx=Known(Pbx.RUNNING, 1.0),
        address=DARK,
        peer=Peer(DARK, DARK, DARK, DARK, DARK),
        maintenance=maintenance,
    )


def service(role: Role, granted: bool, generation: int) -> ServiceState:
    grant = Grant(held=granted, generation=generation)
    gap = 2.5 if granted else 0.0
    return ServiceState(grant, 0.0, 0.0, role=role, served_since=SINCE, lost=LOST, gap=gap)


@given(
    LINES, RELAYS, st.sampled_from(Role), st.booleans(), st.integers(0, 10**9), st.lists(st.text(max_size=60))
)
def test_told_is_heard(
    line: Reading[Line], relay: Reading[Relay], role: Role, granted: bool, generation: int, unfit: list[str]
) -> None:
    word = DataWord(granted, generation)
    report = hear(
        tell(
            service(role, granted, generation),
            Fitness(tuple(unfit), not granted),
            seen(line, relay, not granted),
            1.0,
            data=word,
            hearing=Hearing(
                Known(granted, 1.0), ("eth0", "/dev/ttyS0")[generation % 3 :], "1a2b3c4d-7", "17:4711", SINCE
            ),
        ),
        5.0,
    )
    assert report.hears_us == Known(granted, 5.0) and report.boot == "1a2b3c4d-7"
    assert report.deaf_links == ("eth0", "/dev/ttyS0")[generation % 3 :]
    assert report.at == 5.0
    assert report.role == role.value
    assert report.granted == Known(granted, 5.0)
    assert report.fit == Known(not unfit, 5.0)
    assert report.generation == generation
    assert report.served_since == (SINCE if granted else None)
    assert report.stood_still is granted
    assert (report.engine, report.demands) == ("17:4711", SINCE)
    assert (report.drops_minutes, report.lost_minutes) == (59, None)
    assert report.fit_for_lan == Known(not granted, 5.0)
    assert report.serves == Known(role.holds, 5.0)
    assert report.served == Known(granted, 5.0)
    assert report.data_age == generation // 10 * 10
    assert report.maintenance == Known(not granted, 5.0)
    for said, heard in ((line, report.line), (relay, report.relay)):
        assert isinstance(heard, Known) == isinstance(said, Known)
        if isinstance(said, Known) and isinstance(heard, Known):
            assert said.value is heard.value


@given(st.sampled_from([True, False, None]), st.sampled_from([True, False, None]), st.ip_addresses().map(str))
def test_the_lan_is_told(lan: bool | None, calls: bool | None, ip: str) -> None:
    def spoken(value: bool | None) -> Reading[bool]:
        return Unknown("nobody was heard", 1.0) if value is None else Known(value, 1.0)

    what = replace(seen(DARK, DARK), lan=spoken(lan), calls=spoken(calls))
    state, hearing = service(Role.STANDBY, False, 1), Hearing(Known(True, 1.0))
    fields = tell(state, Fitness(), what, 1.0, data=DataWord(), hearing=hearing, lan_address=ip)
    report = hear(fields, 5.0)
    for value, heard in ((lan, report.lan), (calls, report.calls)):
        assert heard == (
            Known(value, 5.0) if value is not None else Unknown("the other node does not say", 5.0)
        )
    assert report.lan_address == (ip if _may_be_a_hosts(ip) else "")


def _may_be_a_hosts(ip: str) -> bool:
    if ":" in ip:
        address = IPv6Address(ip)
        return not (
            address.is_reserved or address.is_link_local or address.is_multicast or int(address) >> 32 == 0
        )
    first = int(ip.partition(".")[0])
    return 0 < first < 224 and first != 127


@given(st.lists(st.text(max_size=20)), st.lists(st.text(max_size=20)))
def test_doubts_are_told_where_nothing_worse_is(unfit: list[str], doubts: list[str]) -> None:
    fitness = Fitness(tuple(unfit), True, tuple(doubts))
    state, hearing = service(Role.STANDBY, False, 1), Hearing(Known(True, 1.0))
    report = hear(tell(state, fitness, seen(DARK, DARK), 1.0, data=DataWord(), hearing=hearing), 5.0)
    assert not (report.unfit_because and report.doubts)
    assert report.doubts == "" if unfit else "; ".join(doubts).startswith(report.doubts)


def test_an_older_peer_does_not_say() -> None:
    report = hear({"role": "standby", "granted": "no"}, 5.0)
    assert report.lan == report.calls == Unknown("the other node does not say", 5.0)
    assert report.lan_address == ""


@given(
    st.dictionaries(
        st.sampled_from(["role", "granted", "fit", "line", "relay", "gen", "why", "v"]), st.text()
    )
)
def test_any_message_is_heard_without_harm(fields: dict[str, str]) -> None:
    report = hear(fields, 5.0)
    if fields.get("granted") not in ("yes", "no"):
        assert isinstance(report.granted, Unknown)
    if fields.get("line") not in {line.value for line in Line}:
        assert isinstance(report.line, Unknown)


def test_a_trap_of_the_peer_is_told_too() -> None:
    state = replace(service(Role.ACTIVE, True, 1), lost=LostRequests(peers=StuckMaster(0.0, 3601.0, "1:2")))
    fields = tell(state, Fitness(), seen(DARK, DARK), 1.0, data=DataWord(), hearing=Hearing(Known(True, 1.0)))
    report = hear(fields, 5.0)
    assert (report.drops_minutes, report.lost_minutes) == (None, 61)


LONG = Unknown("x" * 300, 1.0)


@given(LINES, RELAYS, st.lists(st.text(max_size=200), max_size=5))
@example(LONG, LONG, ["x" * 300])
def test_a_message_always_fits_a_serial_link(
    line: Reading[Line], relay: Reading[Relay], unfit: list[str]
) -> None:
    lost = LostRequests(StuckMaster(0.0, 3600.0, "1:2"), StuckMaster(0.0, 3600.0, "1:2"))
    state = replace(service(Role.ACQUIRING, True, 10**9), lost=lost)
    hearing = Hearing(
        Known(True, 1.0),
        ("enp130s0f0np0v1",) * 9,
        "1a2b3c4d-123456789012",
        "4194304:" + "9" * 20,
        10**10,
        "9" * 10,
    )
    fitness, word, ip = Fitness(tuple(unfit)), DataWord(True, 1e9), "192.168.100.200"
    fields = tell(state, fitness, seen(line, relay), 1.0, data=word, hearing=hearing, lan_address=ip)
    packed = pack(fields, 123456.789)
    assert sum(len(name) + len(value) + 2 for name, value in packed.items()) <= LONGEST_MESSAGE
