"""Corosync's configuration file, made from the conf file.

No key changes its meaning. HADEADTIME is the silence after which a node is taken for dead: Corosync notices it after
token and consensus, which get half of it each. HAKEEPALIVE is the time between two probes of a link. HAINITDEAD is how
long a node that starts first waits: `wait_for_all` holds it back, and the agent ends that (`watch.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import Conf
from appliance.core.errors import ClusterError
from appliance.core.model import Node
from appliance.core.timing import LEAST_TOKENS

if TYPE_CHECKING:
    from jinja2 import Environment

LOG = Path("/var/log/corosync/corosync.log")

OwnAddress = Callable[[str, str], str]
"""Return the address from which this node reaches an address through a device."""


@dataclass(frozen=True, slots=True)
class Times:
    """Corosync's times in milliseconds."""

    token: int
    consensus: int
    ping: int
    ping_timeout: int


@dataclass(frozen=True, slots=True)
class Link:
    """A way between the nodes: the address of this node and that of the other one."""

    own: str
    peer: str


def times(conf: Conf) -> Times:
    """Return Corosync's times for `conf`. Raises ClusterError for a HADEADTIME that it does not hold."""
    if conf.deadtime < LEAST_TOKENS:
        raise ClusterError(
            f"HADEADTIME is {conf.deadtime:g} s; with Pacemaker at least {LEAST_TOKENS:g} s, or a busy machine "
            "looks dead."
        )
    half = round(conf.deadtime * 500)
    ping = round(conf.keepalive * 1000)
    return Times(token=half, consensus=half, ping=ping, ping_timeout=max(ping, half // 2))


def links(conf: Conf, own_address: OwnAddress) -> tuple[Link, ...]:
    """Return the links of HAMEDIA; an entry that names this node's own address is not one of the peer's.

    Raises ClusterError for a medium that Corosync cannot use.
    """
    found: list[Link] = []
    for medium in conf.media:
        if medium.kind != "ucast":
            raise ClusterError(
                f"HAMEDIA has '{medium.kind} {medium.device}', which Pacemaker cannot use.",
                todo="Write 'ucast DEVICE PEERADDR' for each path, PEERADDR being the other node's own address; or "
                "name another engine that is installed in HAENGINE.",
            )
        own = own_address(medium.device, medium.argument)
        if own in {address.ip for address in conf.addresses}:
            raise ClusterError(
                f"{medium.device} reaches {medium.argument} only from {own} (HACLUSTERIP, HACLUSTERIP6), which moves."
            )
        if own != medium.argument:
            found.append(Link(own, medium.argument))
    if not found:
        raise ClusterError("HAMEDIA names no address of the other node.")
    return tuple(found)


def render(conf: Conf, node: Node, ways: tuple[Link, ...], log_file: Path = LOG) -> str:
    """Return corosync.conf for `node`. The primary is node 1, the secondary node 2. Raises ClusterError."""
    own, peer = tuple(way.own for way in ways), tuple(way.peer for way in ways)
    return (
        _environment()
        .get_template("corosync.conf.j2")
        .render(
            names=(conf.primary_name, conf.secondary_name),
            addresses=(own, peer) if node is Node.PRIMARY else (peer, own),
            links=len(ways),
            port=conf.udp_port,
            times=times(conf),
            log_file=log_file,
        )
    )


@functools.cache
def _environment() -> Environment:
    import jinja2  # noqa: PLC0415 - 2.3 MB that only an install needs

    return jinja2.Environment(
        loader=jinja2.PackageLoader("appliance.cluster.pacemaker"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration text; every value was checked when the conf was read
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
