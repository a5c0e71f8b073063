"""Looks at the cluster address, the paths between the nodes, and what filters them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from appliance.cli.checks.look import Scene
from appliance.config import Conf, Medium
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.core.errors import HostError
from appliance.core.host_check.finding import Finding, Level, fine, not_known, warning, worst_of, wrong
from appliance.core.host_check.firewall import Packet, Ruleset, judge_firewall
from appliance.core.host_check.firewall_rules import read_iptables, read_nft
from appliance.core.host_check.network import (
    AddressHolder,
    LinkSeen,
    judge_hearing,
    judge_holder,
    judge_links,
    judge_prefix,
)
from appliance.core.model import Node
from appliance.core.reading import Unknown
from appliance.core.status import Status
from appliance.host.process import find_program, run
from appliance.host.text_files import text_of
from appliance.net.links import NetLink, read_links, wire_of

_FILTER_PATIENCE = (
    3.0  # seconds for nft, iptables-save or ip6tables-save; they wait for a lock that another may hold
)
_IPTABLES_OWN = frozenset(
    (family, name) for family in ("ip", "ip6") for name in ("filter", "nat", "mangle", "raw", "security")
)
# By version of the Internet Protocol: what prints the rules, and the kernel's list of the tables that have some.
_IPTABLES = {4: ("iptables-save", "ip_tables_names"), 6: ("ip6tables-save", "ip6_tables_names")}
_START = "Start it: service asha start."
_SERVING = frozenset({"active", "acquiring"})


def address(scene: Scene) -> Finding:
    """Look whether HADEV can carry the cluster address, with the prefix length of its own network."""
    from appliance.net.address import check_interface, read_interface  # noqa: PLC0415

    conf = scene.conf
    if not conf.addresses:
        return wrong("HACLUSTERIP is empty.", "Set it: asha conf set HACLUSTERIP ADDRESS.")
    links = read_links()
    if conf.device not in links:
        raise HostError(f"There is no network interface {conf.device}.", todo=_other_device(conf, links))
    link, says = links[conf.device], []
    for each in conf.addresses:
        judged = judge_prefix(conf.device, link.addresses, each.ip, each.prefix)
        if link.up and judged.level != Level.OK:
            return judged
        says.append(check_interface(read_interface(conf.device), each.ip, each.prefix))
    return fine("; ".join(says))


def _other_device(conf: Conf, links: dict[str, NetLink]) -> str:
    """Return what to do where HADEV is not there: an interface may have been renamed."""
    wanted = ipaddress.ip_address(conf.main_address.ip)
    for link in links.values():
        if any(wanted in ipaddress.ip_interface(text).network for text in link.addresses):
            return f"{link.name} is in the network of {wanted}: asha conf set HADEV {link.name}."
    return f"There are {', '.join(sorted(links))}: set HADEV."


def holder(scene: Scene) -> Finding:
    """Ask the LAN who has the cluster's addresses."""
    found = [_holder(scene, address.ip) for address in scene.conf.addresses]
    return worst_of(found, "; ".join(one.says for one in found))


def _holder(scene: Scene, ip: str) -> Finding:
    from appliance.net.neighbours import duplicated  # noqa: PLC0415

    conf, clock = scene.conf, scene.clock
    answer = duplicated(conf.device, ip, clock.now(), clock=clock)
    if isinstance(answer, Unknown):
        return not_known(f"{answer.reason.rstrip('.')}.", "Run this as root, with HADEV up.")
    if answer.value is None:
        return judge_holder(ip, AddressHolder(None))
    peer_ip = peer_address(conf, scene.node, conf.device)
    peer = duplicated(conf.device, peer_ip, clock.now(), clock=clock) if peer_ip else None
    status = _status(scene)
    found = AddressHolder(
        answer.value,
        peer_mac=(peer.value or "") if peer is not None and not isinstance(peer, Unknown) else "",
        peer_serves=status.peer.role in _SERVING if status and status.peer.role else None,
        here=status.address.here.value if status else None,
    )
    return judge_holder(ip, found)


def peer_address(conf: Conf, node: Node, device: str) -> str:
    """Return the other node's own address on `device`, as far as the conf file says; "" when it does not."""
    named = conf.secondary_addr if node is Node.PRIMARY else conf.primary_addr
    if device == conf.device and _is_ipv4(named):
        return named
    own = _own_addresses(read_links())
    ways = (medium.argument for medium in conf.media if (medium.kind, medium.device) == ("ucast", device))
    return next((address for address in ways if address not in own), "")


def _is_ipv4(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        return False


def _own_addresses(links: dict[str, NetLink]) -> set[str]:
    return {text.partition("/")[0] for link in links.values() for text in link.addresses}


def paths(scene: Scene) -> Finding:
    """Look at every path of HAMEDIA."""
    links = read_links()
    return judge_links([_path(scene, medium, links) for medium in scene.conf.media])


def _path(scene: Scene, medium: Medium, links: dict[str, NetLink]) -> LinkSeen:
    if medium.kind == "serial":
        there = (scene.root / medium.device.lstrip("/")).is_char_device()
        return LinkSeen(medium.device, there, there, medium.device)
    link = links.get(medium.device)
    own = medium.argument in _own_addresses(links)
    wire = wire_of(medium.device, links)
    return LinkSeen(f"{medium.kind} {medium.device}", link is not None, bool(link and link.up), wire, own)


def hearing(scene: Scene) -> Finding:
    """Ask the agent whether the engine hears the other node, by each path."""
    status = _status(scene)
    if status is None:
        return not_known("The agent does not say whether the other node is heard.", _START)
    peer = status.peer
    return judge_hearing(status.engine.running.value, peer.alive.value, peer.links, scene.conf.udp_port)


def troubles(scene: Scene) -> Finding:
    """Ask the agent what keeps the engine from its work: the other node, an administrator, a strange machine."""
    status = _status(scene)
    if status is None:
        return not_known("The agent does not say what keeps the HA engine from its work.", _START)
    parts = (text.partition(": ") for text in status.engine.troubles)
    found = [warning(f"{says[:1].upper()}{says[1:]}.", f"{remedy}.") for says, _, remedy in parts]
    return worst_of(found, "nothing keeps the HA engine from its work, as far as the agent knows")


def _status(scene: Scene) -> Status | None:
    try:
        return scene.status()
    except (AgentAbsent, AgentSilent):
        return None


def firewall(scene: Scene) -> Finding:
    """Read the rules of nft and iptables, and walk them with the other node's messages."""
    status = _status(scene)
    heard = [name for name, state in status.peer.links.items() if state == "up"] if status else []
    unreadable: list[str] = []
    packets = tuple(_packets(scene))
    rulesets = [*_iptables(scene, {packet.version for packet in packets}, unreadable), *_nft(unreadable)]
    return judge_firewall(rulesets, packets, heard, unreadable)


def _packets(scene: Scene) -> Iterator[Packet]:
    """Yield a message of the other node for each path over the network that leads to it."""
    conf, own = scene.conf, _own_addresses(read_links())
    for medium in conf.media:
        if medium.kind != "serial" and medium.argument not in own:
            source = medium.argument or peer_address(conf, scene.node, medium.device)
            yield Packet(medium.device, conf.udp_port, source)


def _iptables(scene: Scene, versions: set[int], unreadable: list[str]) -> Iterator[Ruleset]:
    """Yield the rules for those `versions` of the Internet Protocol that messages come by."""
    for version in sorted(versions):
        program, names = _IPTABLES[version]
        text = _output((program, "-t", "filter"), unreadable)
        if text is not None:
            yield read_iptables(text, version)
        elif "filter" in text_of(scene.root / "proc/net" / names).split():
            unreadable.append(f"The kernel has rules of iptables, and there is no '{program}' to read them.")


def _nft(unreadable: list[str]) -> Iterator[Ruleset]:
    text = _output(("nft", "--json", "list", "ruleset"), unreadable)
    if text is not None:
        programs = {"ip": _IPTABLES[4][0], "ip6": _IPTABLES[6][0]}
        own = frozenset(one for one in _IPTABLES_OWN if _is_installed(programs[one[0]]))
        try:
            yield from read_nft(text, own)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            unreadable.append(f"What 'nft' says of its rules could not be read: {problem}.")


def _is_installed(program: str) -> bool:
    try:
        find_program(program)
    except HostError:
        return False
    return True


def _output(words: tuple[str, ...], unreadable: list[str]) -> str | None:
    """Return what the program prints; None when it is not installed or fails, which is noted in `unreadable`."""
    if not _is_installed(words[0]):
        return None
    said = run([find_program(words[0]), *words[1:]], deadline=_FILTER_PATIENCE)
    if said.ok and not said.lost:
        return said.kept
    unreadable.append(f"The rules could not be read: {said.explain()}.")
    return None
