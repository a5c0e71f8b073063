"""The LAN as an input: what is well, what is cut, and what nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import known
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.health import ProbePolicy, ProbeRecord, observe
from appliance.core.lan import (
    LanInterface,
    LanPolicy,
    LanSign,
    LanState,
    follow,
    judge_calls,
    of_any,
    own_address_of,
    sign,
    why_not_settable,
)
from appliance.core.reading import Known, Unknown, is_known

IP = "10.0.0.100"
PEER, GATEWAY = "10.0.0.2", "10.0.0.254"
POLICY = LanPolicy(IP, dwell=5.0, probe=ProbePolicy(rise=2, fall=3, dwell=2.0))
NAMED = replace(POLICY, named=frozenset({GATEWAY}))
ETH0 = LanInterface("eth0", True, True, True, (("10.0.0.1", 24),))


def record(answers: str) -> ProbeRecord:
    """A host asked once a second: `+` for each answer and `-` for each silence."""
    found = ProbeRecord()
    for at, letter in enumerate(answers):
        found = observe(found, known("it answered" if letter == "+" else None, float(at)), POLICY.probe)
    return found


GOOD, SILENT, NEVER = record("+++"), record("+++---"), record("---")


@pytest.mark.parametrize(
    ("interface", "says"),
    [
        (LanInterface("eth0", False), "there is no network interface eth0"),
        (
            LanInterface("eth0", False, elsewhere="ens192"),
            "ens192 has an address of that LAN: was it renamed?",
        ),
        (replace(ETH0, up=False), "eth0 is down"),
        (replace(ETH0, carrier=False), "eth0 has no carrier"),
        (replace(ETH0, addresses=()), "eth0 has no address in the subnet of 10.0.0.100"),
        (replace(ETH0, addresses=(("10.9.0.1", 24),)), "eth0 has no address in the subnet of 10.0.0.100"),
    ],
)
def test_an_interface_that_is_dead_is_a_cut(interface: LanInterface, says: str) -> None:
    seen = sign(known(interface), {PEER: GOOD}, POLICY)
    assert seen.well is False
    assert says in seen.why


def test_the_cluster_address_alone_is_an_address_there() -> None:
    """It is where the telephones are, although nobody could set it there again."""
    only = replace(ETH0, addresses=((IP, 24),))
    assert sign(known(only), {PEER: GOOD}, POLICY).well is True
    assert "no address of its own" in why_not_settable(known(only), IP)


@pytest.mark.parametrize(
    ("hosts", "policy", "well"),
    [
        ({PEER: GOOD}, POLICY, True),
        ({PEER: SILENT, GATEWAY: GOOD}, NAMED, True),
        ({PEER: GOOD, GATEWAY: NEVER}, NAMED, True),
        ({PEER: record("+++--"), GATEWAY: NEVER}, NAMED, True),
        ({PEER: SILENT, GATEWAY: SILENT}, NAMED, False),
        ({GATEWAY: NEVER}, NAMED, False),
        ({PEER: record("--"), GATEWAY: SILENT}, NAMED, None),
        ({PEER: record("+"), GATEWAY: SILENT}, NAMED, None),
        ({PEER: SILENT}, POLICY, None),
        ({}, POLICY, None),
    ],
)
def test_who_answers(hosts: dict[str, ProbeRecord], policy: LanPolicy, well: bool | None) -> None:
    assert sign(known(ETH0), hosts, policy).well is well


def test_an_interface_that_cannot_be_looked_at_tells_nothing() -> None:
    assert sign(Unknown("the kernel did not answer", 0.0), {PEER: GOOD}, NAMED) == LanSign(
        None, "the kernel did not answer"
    )


def test_a_cut_counts_after_its_dwell_and_its_end_too() -> None:
    state = follow(LanState(), LanSign(True, "the gateway answered"), POLICY, 100.0)
    assert is_known(state.reading, True), "a node that starts need not wait for what it sees"
    cut = LanSign(False, "eth0 has no carrier")
    state = follow(state, cut, POLICY, 101.0)
    state = follow(state, cut, POLICY, 105.9)
    assert isinstance(state.reading, Unknown)
    assert "for less than LANDWELL (5 s)" in state.reading.reason
    state = follow(state, cut, POLICY, 106.0)
    assert is_known(state.reading, False)
    assert isinstance(state.reading, Known) and state.reading.why == "eth0 has no carrier"
    state = follow(state, LanSign(True, "back"), POLICY, 107.0)
    assert isinstance(state.reading, Unknown)
    state = follow(state, LanSign(None, "nobody"), POLICY, 109.0)
    state = follow(state, LanSign(True, "back"), POLICY, 110.0)
    assert isinstance(follow(state, LanSign(True, "back"), POLICY, 114.9).reading, Unknown)
    assert is_known(follow(state, LanSign(True, "back"), POLICY, 115.0).reading, True)


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(0.01, 3.0)), max_size=30))
def test_nothing_is_known_to_be_cut_that_was_not_for_the_whole_dwell(
    looks: list[tuple[bool | None, float]],
) -> None:
    state, now, cut_since = LanState(), 50.0, None
    for well, gap in looks:
        now += gap
        began = now if cut_since is None else cut_since
        cut_since = began if well is False else None
        state = follow(state, LanSign(well, "why"), POLICY, now)
        expected = cut_since is not None and now - cut_since >= POLICY.dwell
        assert is_known(state.reading, False) is expected
        assert isinstance(state.reading, Unknown) or state.reading.value is well


@pytest.mark.parametrize(
    ("interface", "says"),
    [
        (ETH0, ""),
        (replace(ETH0, carrier=False), ""),
        (LanInterface("eth0", False), "no network interface eth0"),
        (replace(ETH0, addresses=(("10.0.0.1", 26),)), "whose subnet holds 10.0.0.100 (10.0.0.1/26)"),
        (replace(ETH0, addresses=()), "(none at all)"),
    ],
)
def test_whether_the_cluster_address_could_be_set(interface: LanInterface, says: str) -> None:
    wrong = why_not_settable(known(interface), IP)
    assert says in wrong and bool(wrong) is bool(says)


def test_an_unseen_interface_and_a_missing_address_are_not_wrong() -> None:
    assert why_not_settable(Unknown("no answer", 0.0), IP) == ""
    assert why_not_settable(known(LanInterface("eth0", False)), "") == ""


def test_its_own_address_is_one_of_the_subnet() -> None:
    several = replace(ETH0, addresses=((IP, 24), ("10.9.0.1", 24), ("10.0.0.3", 24)))
    assert own_address_of(known(several), IP) == "10.0.0.3"
    assert own_address_of(known(replace(ETH0, addresses=((IP, 24),))), IP) == ""


@pytest.mark.parametrize(
    ("lan", "holder", "sip", "can", "says"),
    [
        (True, "02:01", GOOD, True, "SIP answers on 10.0.0.100 at 02:01"),
        (None, "", GOOD, True, "SIP answers"),
        (True, "02:01", SILENT, False, "SIP does not answer on 10.0.0.100 at 02:01"),
        (True, "", NEVER, False, "nobody on the LAN has 10.0.0.100"),
        (True, "02:01", record("++--"), True, "SIP answers"),
        (True, "", record("--"), None, "not tried often enough"),
        (None, "", NEVER, None, "not known to reach the LAN"),
        (False, "", NEVER, None, "not known to reach the LAN"),
    ],
)
def test_whether_a_telephone_can_call(
    lan: bool | None, holder: str, sip: ProbeRecord, can: bool | None, says: str
) -> None:
    reading = judge_calls(known(lan), holder, sip, POLICY, 9.0, answered_at=7.5)
    assert reading.at == (7.5 if can else 9.0), "a yes is as old as the last answer"
    assert (reading.value if isinstance(reading, Known) else None) is can
    assert says in (reading.why if isinstance(reading, Known) else reading.reason)


DEAD = Known(False, 0.0, "SIP does not answer on 2001:db8::5")


@pytest.mark.parametrize(
    ("told", "whole"),
    [
        ([True], True),
        ([False], False),
        ([True, False], True),
        ([False, True], True),
        ([None, False], None),
        ([False, None], None),
        ([True, None], True),
        ([False, False], False),
    ],
)
def test_who_serves_one_kind_of_telephone_serves_and_what_is_missing_is_told(
    told: list[bool | None], whole: bool | None
) -> None:
    reading, missing = of_any([DEAD if one is False else known(one) for one in told])
    assert (reading.value if isinstance(reading, Known) else None) is whole
    assert missing == (DEAD.why if whole is not False and False in told else "")


def test_addresses_of_one_family_are_no_help_to_the_other() -> None:
    both = replace(ETH0, addresses=(*ETH0.addresses, ("2001:db8::1", 64), ("fe80::1", 64)))
    assert own_address_of(known(both), "2001:db8::100") == "2001:db8::1"
    assert own_address_of(known(both), IP) == "10.0.0.1"
    assert own_address_of(known(ETH0), "2001:db8::100") == ""
    assert "(none at all)" in why_not_settable(known(replace(both, addresses=both.addresses[1:])), IP)


def test_an_address_of_ipv6_is_settable_without_a_router_and_not_without_ipv6() -> None:
    assert why_not_settable(known(ETH0), "2001:db8::100") == ""
    off = replace(ETH0, ipv6=False)
    assert why_not_settable(known(off), "2001:db8::100").startswith("IPv6 is off on eth0, so 2001:db8::100")
    assert why_not_settable(known(off), IP) == ""
    assert why_not_settable(known(LanInterface("eth0", False)), "2001:db8::100") != ""


def test_whoever_is_heard_and_a_peer_that_is_cut_off_itself() -> None:
    assert sign(known(ETH0), {PEER: SILENT, GATEWAY: SILENT}, NAMED, heard=True).well is True
    assert sign(known(replace(ETH0, carrier=False)), {}, POLICY, heard=True, peer_cut_off=True).well is False
    assert sign(known(ETH0), {}, POLICY, peer_cut_off=True).well is True
    assert sign(known(ETH0), {GATEWAY: SILENT}, NAMED, peer_cut_off=True).well is False
    assert sign(known(ETH0), {GATEWAY: record("-")}, NAMED, peer_cut_off=True).well is None
