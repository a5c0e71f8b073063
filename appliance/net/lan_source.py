"""The address from which this node speaks to the LAN while it has the cluster address.

An Asterisk that listens on every address answers from the one that the kernel's route prefers, which is the node's own.
A telephone behind a stateful filter, or one that takes answers from the server's address alone, then hears nothing, and
the Contact that it is told is the node's. So routes are added that are more specific than the LAN's, and prefer the
cluster address.

They are added, not put in the place of the system's: when the address goes, whoever takes it off, the kernel takes them
off with it, and the routes of the system stand as before. Nothing has to be cleaned up after a crash. The way to the
other node is left out, so that the engine, ssh and the agents keep the node's own address.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterable, Iterator

from appliance.core.errors import HostError
from appliance.net import route_messages as messages
from appliance.net.kernel import ask, change, in_words, interface_index
from appliance.net.route_messages import OURS, Route

# Everything but multicast and what lies above it: those have their own rules.
_ANYWHERE = (("0.0.0.0", 1), ("128.0.0.0", 2), ("192.0.0.0", 3))  # noqa: S104 - a network, no address to bind to
_LEFT_ALONE = (ipaddress.IPv4Network("169.254.0.0/16"), ipaddress.IPv4Network("224.0.0.0/3"))


def prefer_source(device: str, ip: str, own: str, apart: Iterable[str]) -> bool:
    """Have this node speak from `ip` to whatever it reaches over `device`; return whether that was a change.

    Args:
        device: The network interface that carries the cluster address.
        ip: The cluster address (IPv4), which must be set here.
        own: The node's own address, from which it goes on speaking to `apart`.
        apart: IPv4 addresses of the other node.

    Raises HostError when the kernel refuses.
    """
    try:
        index = interface_index(device)
        routes = _routes()
        wanted = {*_to_the_peer(routes, index, own, apart), *_halves(routes, index, ip)}
        ours = {route for route in routes if route.device == index and route.protocol == OURS}
        for route in sorted(
            wanted - ours, key=lambda route: -route.length
        ):  # the peer's before what holds it
            change(messages.set_request(route), harmless=errno.EEXIST)
        kept = {(route.network, route.length, route.metric) for route in wanted}
        for route in ours - wanted:
            if (route.network, route.length, route.metric) not in kept:
                change(messages.remove_request(route), harmless=errno.ESRCH)
    except OSError as problem:
        raise HostError(
            f"Packets to the LAN cannot be given the source {ip}: {in_words(problem)}."
        ) from problem
    return wanted != ours


def forget_source(device: str) -> bool:
    """Remove what `prefer_source` has set and is still there; return whether there was anything. Raises HostError."""
    try:
        index = interface_index(device)
        ours = [route for route in _routes() if route.device == index and route.protocol == OURS]
        for route in ours:
            change(messages.remove_request(route), harmless=errno.ESRCH)
    except OSError as problem:
        if problem.errno == errno.ENODEV:
            return False
        raise HostError(f"The routes of {device} could not be put back: {in_words(problem)}.") from problem
    return bool(ours)


def source_towards(ip: str) -> str:
    """Return the address from which this node would speak to `ip`; "" when there is no way there. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((ip, 9))
        except OSError:
            return ""
        return str(asking.getsockname()[0])


def _halves(routes: list[Route], index: int, ip: str) -> Iterator[Route]:
    """Yield, for each route over the interface that the kernel would take, two or three that together are the same."""
    best: dict[tuple[str, int], Route] = {}
    for route in routes:
        place = route.network, route.length
        if route.protocol != OURS and (place not in best or route.metric < best[place].metric):
            best[place] = route
    for route in best.values():
        if route.device != index or route.source == ip or route.length > 30:
            continue
        network = ipaddress.IPv4Network((route.network, route.length))
        if any(network.subnet_of(other) for other in _LEFT_ALONE):
            continue
        parts = network.subnets() if route.length else map(ipaddress.IPv4Network, _ANYWHERE)
        for part in parts:
            if not any(_goes_before(other, route, part) for other in best.values()):
                yield Route(str(part.network_address), part.prefixlen, index, route.gateway, ip)


def _goes_before(other: Route, route: Route, part: ipaddress.IPv4Network) -> bool:
    """Tell whether the system has a way of its own to the whole of `part`, more specific than `route`.

    Where it leads over the interface it is taken apart too; elsewhere it is left alone, as a VPN's two halves of
    everything are.
    """
    longer = route.length < other.length <= part.prefixlen
    return longer and part.subnet_of(ipaddress.IPv4Network((other.network, other.length)))


def _to_the_peer(routes: list[Route], index: int, own: str, apart: Iterable[str]) -> Iterator[Route]:
    for peer in apart:
        held = [
            route
            for route in routes
            if route.device == index and route.protocol != OURS and _holds(route, peer)
        ]
        if held:
            longest = max(held, key=lambda route: (route.length, -route.metric))
            if longest.length < 32:
                yield Route(peer, 32, index, longest.gateway, own)


def _holds(route: Route, ip: str) -> bool:
    return ipaddress.IPv4Address(ip) in ipaddress.IPv4Network((route.network, route.length))


def _routes() -> list[Route]:
    found: list[Route] = []
    for data in ask(messages.routes_request()):
        found.extend(messages.parse_routes(data))
    return found
