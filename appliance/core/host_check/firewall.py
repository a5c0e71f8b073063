"""Whether the rules of a packet filter let the engine's messages in.

A rule may ask for things that cannot be known here, such as a set of addresses or a limit. So a condition is True,
False or None (not known), and walking a chain gives every outcome that is possible. Only when one outcome is left is it
said that the messages come in or are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.core.host_check.finding import Finding, fine, not_known, worst_of, wrong
from appliance.core.ip_address import version_of

Kind = Literal["accept", "drop", "either", "return", "jump", "goto", "none"]
_DEEPEST = (
    16  # jumps within jumps; the kernel refuses loops, so only a text that is none of its own goes deeper
)


@dataclass(frozen=True, slots=True)
class Packet:
    """The first message of the peer over one path: UDP to `port`, in by `device`, from `source` ("": one of IPv4)."""

    device: str
    port: int
    source: str = ""

    @property
    def version(self) -> int:
        """The version of the Internet Protocol, 4 or 6."""
        return version_of(self.source)


Condition = Callable[[Packet], bool | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when all `conditions` hold, what is done is `kind`, with the chain `target` for a jump or goto."""

    conditions: tuple[Condition, ...]
    kind: Kind
    target: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of rules; `policy` is what a base chain does with what none of its rules takes, "" for other chains."""

    rules: tuple[Rule, ...]
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The chains of one table by their names, and which of them are walked for every packet that comes in.

    `versions`: those of the Internet Protocol whose packets it sees.
    """

    name: str
    chains: Mapping[str, Chain]
    bases: tuple[str, ...]
    versions: tuple[int, ...] = (4,)


def judge_firewall(
    rulesets: Sequence[Ruleset], packets: Iterable[Packet], heard: Iterable[str], unreadable: Sequence[str]
) -> Finding:
    """Judge whether every one of `packets` comes in.

    Args:
        rulesets: The tables of all packet filters that could be read.
        packets: One for each path of the engine's messages over the network.
        heard: The devices by which the other node is heard now, which proves more than any reading of rules.
        unreadable: Why rules could not be read, one sentence for each filter.
    """
    heard, packets = set(heard), tuple(packets)
    found = [_packet(rulesets, packet, unreadable) for packet in packets if packet.device not in heard]
    if not packets:
        return fine("no path of HAMEDIA goes over the network")
    devices = ", ".join(dict.fromkeys(packet.device for packet in packets))
    proof = "the other node is heard" if not found else "no rule of this node drops it"
    return worst_of(dict.fromkeys(found), f"UDP {packets[0].port} comes in by {devices}: {proof}")


def _packet(rulesets: Sequence[Ruleset], packet: Packet, unreadable: Sequence[str]) -> Finding:
    where = f"UDP {packet.port} from the other node by {packet.device}"
    allow = f"Allow UDP {packet.port} in from the other node, before any rule that drops."
    for ruleset in (one for one in rulesets if packet.version in one.versions):
        possible = _decided(ruleset, packet)
        if possible == {"drop"}:
            return wrong(f"The table {ruleset.name} drops {where}.", allow)
        if "drop" in possible:
            return not_known(
                f"The table {ruleset.name} may drop {where}; its rules do not say for sure.", allow
            )
    if unreadable:
        return not_known(
            " ".join(unreadable),
            "Run this as root, and see that 'nft', or 'iptables-save' and 'ip6tables-save', work.",
        )
    return fine("")


def _decided(ruleset: Ruleset, packet: Packet) -> set[str]:
    """Return what may become of `packet` in `ruleset`: of {"accept", "drop"}."""
    each = []
    for base in ruleset.bases:
        policy = ruleset.chains[base].policy
        each.append({policy if one == "return" else one for one in _outcomes(ruleset, base, packet, 0)})
    if {"drop"} in each:  # every base chain is walked, and the first that drops decides
        return {"drop"}
    return {"accept"}.union(*each)


def _outcomes(ruleset: Ruleset, name: str, packet: Packet, depth: int) -> set[str]:
    """Return every possible outcome of the chain `name`: of {"accept", "drop", "return"}."""
    possible: set[str] = set()
    for rule in ruleset.chains[name].rules:
        holds = _holds(rule, packet)
        if holds is False:
            continue
        found = _done(ruleset, rule, packet, depth)
        goes_on = holds is None or not found or (rule.kind == "jump" and "return" in found)
        possible |= found - {"return"} if rule.kind == "jump" else found
        if not goes_on:
            return possible
    return possible | {"return"}


def _done(ruleset: Ruleset, rule: Rule, packet: Packet, depth: int) -> set[str]:
    if rule.kind in ("jump", "goto"):
        if rule.target not in ruleset.chains or depth >= _DEEPEST:
            return set()
        return _outcomes(ruleset, rule.target, packet, depth + 1)
    if rule.kind == "either":
        return {"accept", "drop"}
    return set() if rule.kind == "none" else {rule.kind}


def _holds(rule: Rule, packet: Packet) -> bool | None:
    said = [condition(packet) for condition in rule.conditions]
    if any(one is False for one in said):
        return False
    return None if any(one is None for one in said) else True
