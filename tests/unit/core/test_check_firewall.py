"""`asha check` about packet filters: what the rules of iptables and nft do to the other node's first message."""

from __future__ import annotations

import json

import pytest

from appliance.core.host_check.finding import Level
from appliance.core.host_check.firewall import Packet, Ruleset, judge_firewall
from appliance.core.host_check.firewall_rules import read_iptables, read_nft

PACKET = Packet("eth0", 694, "10.77.0.2")

EL_DEFAULT = """
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
{more}
-A INPUT -j REJECT --reject-with icmp-host-prohibited
COMMIT
"""
FIREWALLD = """
*filter
:INPUT ACCEPT [0:0]
:INPUT_ZONES - [0:0]
:IN_public - [0:0]
:IN_public_allow - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -j INPUT_ZONES
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A INPUT_ZONES -i eth0 -g IN_public
-A INPUT_ZONES -g IN_public
-A IN_public -j IN_public_allow
-A IN_public_allow -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
{more}
COMMIT
"""


def level_of(*rulesets: Ruleset, packet: Packet = PACKET) -> str:
    return judge_firewall(rulesets, [packet], [], []).level


@pytest.mark.parametrize(
    ("text", "more", "level"),
    [
        (EL_DEFAULT, "", Level.ERROR),
        (EL_DEFAULT, "-A INPUT -p udp -m udp --dport 694 -j ACCEPT", Level.OK),
        (EL_DEFAULT, "-A INPUT -p udp -m multiport --dports 53,690:700 -j ACCEPT", Level.OK),
        (EL_DEFAULT, "-A INPUT -p udp -m udp --dport 695 -j ACCEPT", Level.ERROR),
        (EL_DEFAULT, "-A INPUT -s 10.77.0.0/24 -j ACCEPT", Level.OK),
        (EL_DEFAULT, "-A INPUT -s 10.78.0.0/24 -j ACCEPT", Level.ERROR),
        (EL_DEFAULT, "-A INPUT ! -s 10.77.0.2/32 -p udp -j ACCEPT", Level.ERROR),
        (EL_DEFAULT, "-A INPUT -i eth+ -j ACCEPT", Level.OK),
        (EL_DEFAULT, "-A INPUT -i eth1 -j ACCEPT", Level.ERROR),
        (EL_DEFAULT, "-A INPUT -p udp --dport 694 -m set --match-set pair src -j ACCEPT", Level.UNKNOWN),
        (EL_DEFAULT, '-A INPUT -m comment --comment "a -j b" -p udp --dport 694 -j ACCEPT', Level.OK),
        (FIREWALLD, "", Level.ERROR),
        (
            FIREWALLD,
            "-A IN_public_allow -p udp -m udp --dport 694 -m conntrack --ctstate NEW -j ACCEPT",
            Level.OK,
        ),
        ("*filter\n:INPUT DROP [0:0]\n{more}\nCOMMIT\n", "", Level.ERROR),
        ("*filter\n:INPUT ACCEPT [0:0]\n{more}\nCOMMIT\n", "-A INPUT -p udp --dport 694 -j LOG", Level.OK),
        (
            "*filter\n:INPUT ACCEPT [0:0]\n{more}\nCOMMIT\n",
            "-A INPUT -p udp -j NFQUEUE --queue-num 0",
            Level.UNKNOWN,
        ),
        # A loop is none of the kernel's rules, and must not hang or end the check.
        ("*filter\n:INPUT ACCEPT [0:0]\n:A - [0:0]\n{more}\n-A INPUT -j A\nCOMMIT\n", "-A A -j A", Level.OK),
        ("", "", Level.OK),
    ],
)
def test_iptables(text: str, more: str, level: Level) -> None:
    assert level_of(read_iptables(text.format(more=more))) == level


def test_the_source_is_not_known_where_the_path_is_a_broadcast() -> None:
    ruleset = read_iptables(EL_DEFAULT.format(more="-A INPUT -s 10.77.0.2 -j ACCEPT"))
    assert level_of(ruleset, packet=Packet("eth0", 694)) == Level.UNKNOWN


def match(left: object, right: object, op: str = "==") -> dict[str, object]:
    return {"match": {"op": op, "left": left, "right": right}}


UDP_PORT = {"payload": {"protocol": "udp", "field": "dport"}}
STATE = {"ct": {"key": "state"}}
IIF = {"meta": {"key": "iifname"}}
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}


def nft(
    policy: str, *rules: list[object], more: tuple[object, ...] = (), family: str = "inet"
) -> tuple[Ruleset, ...]:
    """A table of nft with one input chain; `more` are further entries of the listing."""
    base = {
        **{"family": family, "table": "filter", "name": "input", "handle": 1},
        **{"type": "filter", "hook": "input", "prio": 0, "policy": policy},
    }
    listed = [
        {"rule": {"family": family, "table": "filter", "chain": "input", "expr": rule}} for rule in rules
    ]
    return read_nft(json.dumps({"nftables": [{"metainfo": {}}, {"chain": base}, *more, *listed]}))


ACCEPT, DROP = {"accept": None}, {"drop": None}


@pytest.mark.parametrize(
    ("rules", "level"),
    [
        ([], Level.ERROR),
        ([[match(UDP_PORT, 694), ACCEPT]], Level.OK),
        ([[match(UDP_PORT, {"set": [53, {"range": [690, 700]}]}), ACCEPT]], Level.OK),
        ([[match(UDP_PORT, 695), ACCEPT]], Level.ERROR),
        ([[match(UDP_PORT, "@ports"), ACCEPT]], Level.UNKNOWN),
        ([[match(STATE, ["established", "related"], "in"), ACCEPT]], Level.ERROR),
        ([[match(IIF, "lo"), ACCEPT]], Level.ERROR),
        ([[match(IIF, "lo", "!="), {"counter": {"packets": 1}}, ACCEPT]], Level.OK),
        ([[match(SADDR, {"prefix": {"addr": "10.77.0.0", "len": 24}}), ACCEPT]], Level.OK),
        ([[match(SADDR, "@trusted"), ACCEPT]], Level.UNKNOWN),
        ([[match({"payload": {"protocol": "tcp", "field": "dport"}}, 694), ACCEPT]], Level.ERROR),
        ([[match({"meta": {"key": "l4proto"}}, "udp"), ACCEPT]], Level.OK),
        ([[{"limit": {"rate": 5}}, ACCEPT]], Level.UNKNOWN),
        ([[{"vmap": {"key": IIF, "data": {"set": [["eth1", DROP], ["eth0", ACCEPT]]}}}]], Level.OK),
        ([[{"vmap": {"key": IIF, "data": "@zones"}}]], Level.UNKNOWN),
        ([[{"xt": {"type": "match", "name": "set"}}, ACCEPT]], Level.UNKNOWN),
    ],
)
def test_nft_with_a_policy_that_drops(rules: list[list[object]], level: Level) -> None:
    assert level_of(*nft("drop", *rules)) == level


def test_nft_with_jumps_and_several_tables() -> None:
    allowed = {
        "rule": {
            "family": "inet",
            "table": "filter",
            "chain": "allow",
            "expr": [match(UDP_PORT, 694), ACCEPT],
        }
    }
    chain = {"chain": {"family": "inet", "table": "filter", "name": "allow", "handle": 2}}
    jumps = nft("drop", [{"jump": {"target": "allow"}}], more=(chain, allowed))
    assert level_of(*jumps) == Level.OK
    assert level_of(*jumps, *nft("drop", family="ip")) == Level.ERROR  # every table has its say
    assert level_of(*nft("drop", family="ip6")) == Level.OK  # the engine's messages are IPv4


def test_what_iptables_keeps_is_read_in_its_own_words() -> None:
    listed = {
        "nftables": [
            {
                "chain": {
                    "family": "ip",
                    "table": "filter",
                    "name": "INPUT",
                    "type": "filter",
                    "hook": "input",
                    "policy": "drop",
                }
            }
        ]
    }
    assert read_nft(json.dumps(listed), frozenset({("ip", "filter")})) == ()
    with pytest.raises(ValueError):
        read_nft("no JSON")


PACKET6 = Packet("eth0", 694, "2001:db8::2")


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ("", Level.ERROR),
        ("-A INPUT -p udp -m udp --dport 694 -j ACCEPT", Level.OK),
        ("-A INPUT -s 2001:db8::/64 -j ACCEPT", Level.OK),
        ("-A INPUT -s 2001:db9::/64 -j ACCEPT", Level.ERROR),
        ("-A INPUT -s ::/0 -p udp -j ACCEPT", Level.OK),
        ("-A INPUT -s somewhere -j ACCEPT", Level.UNKNOWN),
    ],
)
def test_rules_of_ip6tables_are_for_ipv6_only(more: str, level: Level) -> None:
    ruleset = read_iptables(EL_DEFAULT.format(more=more), 6)
    assert level_of(ruleset, packet=PACKET6) == level
    assert level_of(ruleset) == Level.OK, "a message by IPv4 never meets them"
    assert level_of(read_iptables(EL_DEFAULT.format(more="")), packet=PACKET6) == Level.OK


@pytest.mark.parametrize(
    ("match", "of_ipv4", "of_ipv6"),
    [
        ({"left": {"meta": {"key": "nfproto"}}, "right": "ipv6"}, Level.OK, Level.ERROR),
        ({"left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}, Level.ERROR, Level.OK),
        (
            {"left": {"payload": {"protocol": "ip6", "field": "saddr"}}, "right": "2001:db8::2"},
            Level.OK,
            Level.ERROR,
        ),
        (
            {"left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "10.77.0.2"},
            Level.ERROR,
            Level.OK,
        ),
        (
            {"left": {"payload": {"protocol": "ip6", "field": "nexthdr"}}, "right": "udp"},
            Level.OK,
            Level.ERROR,
        ),
        (
            {"left": {"payload": {"protocol": "ip6", "field": "hoplimit"}}, "right": 1},
            Level.OK,
            Level.UNKNOWN,
        ),
    ],
)
@pytest.mark.parametrize("family", ["inet", "ip", "ip6"])
def test_nft_s_tables_see_the_packets_of_their_family(
    family: str, match: dict[str, object], of_ipv4: Level, of_ipv6: Level
) -> None:
    table = {"family": family, "table": "filter"}
    hook = {"type": "filter", "hook": "input", "policy": "accept"}
    listed = [
        {"chain": {**table, "name": "input", **hook}},
        {"rule": {**table, "chain": "input", "expr": [{"match": {"op": "==", **match}}, {"drop": None}]}},
    ]
    rulesets = read_nft(json.dumps({"nftables": listed}))
    assert level_of(*rulesets) == (Level.OK if family == "ip6" else of_ipv4)
    assert level_of(*rulesets, packet=PACKET6) == (Level.OK if family == "ip" else of_ipv6)


def test_to_be_heard_proves_more_than_rules() -> None:
    dropping = [read_iptables(EL_DEFAULT.format(more=""))]
    assert judge_firewall(dropping, [PACKET], ["eth0"], []).level == Level.OK
    assert judge_firewall(dropping, [PACKET], ["eth1"], []).level == Level.ERROR


def test_rules_that_cannot_be_read_are_not_known_to_be_right() -> None:
    assert judge_firewall([], [PACKET], [], ["'nft' ended with status 1."]).level == Level.UNKNOWN
    assert judge_firewall([], [], [], []).level == Level.OK
