"""Readers of packet filters' rules: of `iptables-save`, and of `nft --json list ruleset`.

What a reader does not know is a condition that is not known, never one that holds.
Sources: iptables-extensions(8), libnftables-json(5).
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from appliance.core.document import parse_object
from appliance.core.host_check.firewall import Chain, Condition, Kind, Packet, Rule, Ruleset

_TARGETS: Mapping[str, Kind] = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "drop", "RETURN": "return"}
_NFT_VERDICTS: Mapping[str, Kind] = {
    "accept": "accept",
    "drop": "drop",
    "reject": "drop",
    "return": "return",
    "queue": "either",
}
_NFT_VERSIONS: Mapping[int, frozenset[str]] = {4: frozenset({"ipv4", "2"}), 6: frozenset({"ipv6", "10"})}
_NFT_NO_CONDITION = frozenset({"counter", "log", "mangle", "comment", "notrack", "meter"})


_FAMILIES: Mapping[str, tuple[int, ...]] = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}


def read_iptables(text: str, version: int = 4) -> Ruleset:
    """Return the table filter in the output of `iptables-save -t filter`, for `version` 6 of `ip6tables-save`.

    Raises ValueError.
    """
    policies: dict[str, str] = {}
    rules: dict[str, list[Rule]] = {}
    for line in text.splitlines():
        words = shlex.split(line)
        if line.startswith(":") and len(words) >= 2:
            name = words[0][1:]
            policies[name] = words[1].lower() if words[1] in _TARGETS else ""
            rules.setdefault(name, [])
        elif line.startswith("-A ") and len(words) >= 2:
            rules.setdefault(words[1], []).append(_iptables_rule(words[2:]))
    chains = {name: Chain(tuple(found), policies.get(name, "")) for name, found in rules.items()}
    name = "filter of ip6tables" if version == 6 else "filter of iptables"
    return Ruleset(name, chains, ("INPUT",) if "INPUT" in chains else (), (version,))


def _iptables_rule(words: list[str]) -> Rule:
    conditions: list[Condition] = []
    kind: Kind = "none"
    target = ""
    negated = False
    rest = iter(words)
    for word in rest:
        if word == "!":
            negated = True
            continue
        if word in ("-j", "-g"):
            target = next(rest, "")
            jumps: Kind = "jump" if word == "-j" else "goto"
            kind = "either" if target in ("NFQUEUE", "QUEUE") else _TARGETS.get(target, jumps)
            break  # what follows belongs to the target
        if word in ("-m", "--comment"):
            next(rest, "")
        elif word.startswith("-"):
            condition = _iptables_condition(word, rest)
            conditions.append(_not(condition) if negated else condition)
            negated = False
    return Rule(tuple(conditions), kind, target)


def _iptables_condition(word: str, rest: Iterator[str]) -> Condition:
    match word:
        case "-i":
            return _device(next(rest, ""))
        case "-p":
            return _protocol(next(rest, ""))
        case "-s":
            return _source([next(rest, "")])
        case "--dport" | "--dports":
            return _port([tuple(part.split(":")) for part in next(rest, "").split(",")])
        case "--state" | "--ctstate":
            return _state(next(rest, "").casefold().split(","))
    return _unknown  # its value is not a word of ours, so it is passed over


def _unknown(packet: Packet) -> None:
    """Say that it is not known whether the condition holds."""
    return


def _not(condition: Condition) -> Condition:
    def turned(packet: Packet) -> bool | None:
        said = condition(packet)
        return None if said is None else not said

    return turned


def _device(name: str) -> Condition:
    stem = name.rstrip("+*")
    if stem != name:
        return lambda packet: packet.device.startswith(stem)
    return lambda packet: packet.device == name


def _protocol(name: str) -> Condition:
    return _always(name.casefold() in ("udp", "17", "all", "0"))


def _state(names: list[str]) -> Condition:
    """Return the condition on the connection's state: the first message of the peer belongs to none yet."""
    return _always("new" in names or "untracked" in names)


def _port(ranges: list[tuple[str, ...]]) -> Condition:
    def holds(packet: Packet) -> bool | None:
        try:
            return any(int(one[0]) <= packet.port <= int(one[-1]) for one in ranges)
        except ValueError:  # the name of a service
            return None

    return holds


def _source(networks: list[str]) -> Condition:
    def holds(packet: Packet) -> bool | None:
        try:
            wanted = [ipaddress.ip_network(one, strict=False) for one in networks]
            if any(one.version == packet.version and one.prefixlen == 0 for one in wanted):
                return True
            if packet.source and all(one.version != packet.version for one in wanted):
                return False
            return any(ipaddress.ip_address(packet.source) in one for one in wanted)
        except ValueError:  # the source is not known, or the network is a name or a set
            return None

    return holds


def read_nft(text: str, passed_over: frozenset[tuple[str, str]] = frozenset()) -> tuple[Ruleset, ...]:
    """Return the tables for IPv4 and IPv6 in the output of `nft --json list ruleset`. Raises ValueError.

    `passed_over` are tables, as family and name, that iptables keeps and that are read in its words.
    """
    tables: dict[tuple[str, str], dict[str, list[Rule]]] = {}
    policies: dict[tuple[str, str], dict[str, str]] = {}
    for entry in parse_object(text).get("nftables", []):
        chain, rule = entry.get("chain"), entry.get("rule")
        one = chain or rule
        if not one or one.get("family") not in _FAMILIES:
            continue
        table = (str(one["family"]), str(one["table"]))
        if chain:
            tables.setdefault(table, {}).setdefault(str(chain["name"]), [])
            if chain.get("hook") == "input" and chain.get("type") == "filter":
                policies.setdefault(table, {})[str(chain["name"])] = str(chain.get("policy", "accept"))
        else:
            of_chain = tables.setdefault(table, {}).setdefault(str(rule["chain"]), [])
            of_chain.extend(_nft_rules(rule.get("expr", [])))
    return tuple(
        Ruleset(
            " ".join(table),
            {
                name: Chain(tuple(rules), policies.get(table, {}).get(name, ""))
                for name, rules in chains.items()
            },
            tuple(policies.get(table, {})),
            _FAMILIES[table[0]],
        )
        for table, chains in tables.items()
        if table not in passed_over
    )


def _nft_rules(expressions: list[Mapping[str, Any]]) -> Iterator[Rule]:
    """Yield the rule; one with a verdict map is a rule for each of its entries."""
    conditions: list[Condition] = []
    for expression in expressions:
        for word, value in expression.items():
            if word == "match":
                conditions.append(_nft_match(value))
            elif word == "vmap":
                yield from _nft_map(conditions, value)
                return
            elif word in ("jump", "goto"):
                yield Rule(tuple(conditions), "jump" if word == "jump" else "goto", str(value["target"]))
                return
            elif word in _NFT_VERDICTS:
                yield Rule(tuple(conditions), _NFT_VERDICTS[word])
                return
            elif word not in _NFT_NO_CONDITION:
                conditions.append(_unknown)
    # A rule without a verdict changes nothing of what becomes of the packet.


def _nft_map(conditions: list[Condition], value: Mapping[str, Any]) -> Iterator[Rule]:
    data = value.get("data")
    entries = data.get("set", []) if isinstance(data, Mapping) else None
    if entries is None:  # a named map, whose entries are elsewhere
        yield Rule((*conditions, _unknown), "either")
        return
    for key, verdict in entries:
        holds = _nft_match({"op": "==", "left": value.get("key"), "right": key})
        for rule in _nft_rules([verdict]):
            yield Rule((*conditions, holds), rule.kind, rule.target)


def _nft_match(match: Mapping[str, Any]) -> Condition:
    left, right, op = match.get("left"), match.get("right"), match.get("op")
    wanted = _members(right)
    if not isinstance(left, Mapping) or op not in ("==", "!=", "in"):
        return _unknown
    condition = _nft_condition(left, wanted)
    return _not(condition) if op == "!=" else condition


def _members(right: Any) -> list[Any]:
    if isinstance(right, Mapping) and "set" in right:
        right = right["set"]
    return right if isinstance(right, list) else [right]


def _nft_condition(left: Mapping[str, Any], wanted: list[Any]) -> Condition:
    """Return the condition that `left`, a part of the packet or of what is known of it, is among `wanted`."""
    payload = left.get("payload") or {}
    if payload:
        return _nft_payload(str(payload.get("protocol")), str(payload.get("field")), wanted)
    words = [str(one) for one in wanted]
    match (left.get("meta") or {}).get("key") or (left.get("ct") or {}).get("key"):
        case "iifname" | "iif":
            devices = [_device(word) for word in words]
            return lambda packet: any(one(packet) for one in devices)
        case "l4proto":
            return _always(bool({"udp", "17"} & {*words}))
        case "nfproto":
            versions = {version for version, said in _NFT_VERSIONS.items() if said & {*words}}
            return lambda packet: packet.version in versions
        case "state":
            return _state(words)
    return _unknown


def _nft_payload(protocol: str, field: str, wanted: list[Any]) -> Condition:
    match (protocol, field):
        case ("udp" | "th", "dport"):
            return _port([_range(one) for one in wanted])
        case ("ip" | "ip6", "saddr"):
            return _of_version(protocol, _source([_network(one) for one in wanted]))
        case ("ip", "protocol") | ("ip6", "nexthdr"):
            return _of_version(protocol, _always(bool({"udp", "17"} & {str(one) for one in wanted})))
        case ("ip6", _):
            return _of_version(protocol, _unknown)
        case ("tcp" | "icmp" | "icmpv6" | "sctp" | "dccp", _):
            return _always(False)
    return _unknown


def _of_version(family: str, condition: Condition) -> Condition:
    """Return `condition`, which nft asks of packets of `family` only: no other has what it looks at."""
    return lambda packet: condition(packet) if packet.version in _FAMILIES[family] else False


def _always(holds: bool) -> Condition:
    return lambda packet: holds


def _range(one: Any) -> tuple[str, ...]:
    if isinstance(one, Mapping) and "range" in one:
        return tuple(map(str, one["range"]))
    return (str(one),)


def _network(one: Any) -> str:
    prefix = one.get("prefix") if isinstance(one, Mapping) else None
    return f"{prefix['addr']}/{prefix['len']}" if prefix else str(one)
