"""What Pacemaker believes, read from the XML of crm_mon."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from appliance.cluster.pacemaker.cib import RESOURCE, RESOURCES
from appliance.core.errors import AshaError
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.process import run

_DEADLINE = 5.0


@dataclass(frozen=True, slots=True)
class Belief:
    """What Pacemaker believes of the resource `asha`.

    `nodes`: those on which it runs, in lower case. `online`: those that may be given it. `moving`: it is being started
    or stopped. `failed`: the nodes on which an operation has failed. `orders`: some node of the cluster gives orders.
    `members`: the ids of those of asha's resources, addresses included, that are in the configuration. `managed`:
    Pacemaker may start and stop the resource. `blocked`: one of asha's resources it may not, because a stop has failed.
    `maintenance`: it may start and stop nothing. `standby`: nodes that may run nothing.
    """

    nodes: tuple[str, ...]
    online: tuple[str, ...]
    moving: bool
    failed: tuple[str, ...]
    orders: bool
    managed: bool = True
    members: frozenset[str] = RESOURCES
    blocked: bool = False
    maintenance: bool = False
    standby: tuple[str, ...] = ()


def parse(xml: str) -> Belief | None:
    """Return what the XML of crm_mon says; None when it is none."""
    try:
        root = ET.fromstring(xml)  # noqa: S314 - root's own, of this machine
    except ET.ParseError:
        return None
    own = [found for found in root.iter("resource") if found.get("id") in RESOURCES]
    resource = [found for found in own if found.get("id") == RESOURCE]
    nodes = tuple(node.get("name", "").lower() for found in resource for node in found.iter("node"))
    pending = [found.get("pending", "") for found in resource]
    failures = {
        failure.get("node", "").lower() for failure in root.iter("failure") if failure.get("rc", "0") != "0"
    }
    current = root.find("./summary/current_dc")
    options = root.find("./summary/cluster_options")
    online = tuple(
        node.get("name", "").lower()
        for node in root.iterfind("./nodes/node")
        if node.get("online") == "true" and node.get("pending") != "true"
    )
    return Belief(
        nodes=nodes,
        online=online,
        moving=any(word in ("Starting", "Stopping") for word in pending),
        failed=tuple(sorted(failures)),
        orders=current is not None and current.get("present") == "true",
        managed=all(found.get("managed") != "false" for found in resource),
        members=frozenset(found.get("id", "") for found in own if found.get("orphaned") != "true"),
        blocked=any(found.get("blocked") == "true" for found in own),
        maintenance=options is not None and options.get("maintenance-mode") == "true",
        standby=tuple(
            node.get("name", "").lower()
            for node in root.iterfind("./nodes/node")
            if "true" in (node.get("standby"), node.get("maintenance"))
        ),
    )


def ask(crm_mon: str, now: float) -> Reading[Belief]:
    """Return what Pacemaker believes; blocks for some 20 ms, and up to its deadline."""
    try:
        said = run([crm_mon, "-1", "--output-as=xml"], deadline=_DEADLINE)
        belief = parse(said.output) if said.ok else None
    except AshaError as problem:
        return Unknown(str(problem), now)
    if belief is None:
        return Unknown(said.explain(), now)
    return Known(belief, now)


def serves(own: str, belief: Reading[Belief]) -> Reading[bool]:
    """Return whether the node `own` serves by Pacemaker's word."""
    if isinstance(belief, Unknown):
        return belief
    if not belief.value.orders:
        return Unknown("Pacemaker has no node that gives orders", belief.at)
    if belief.value.moving:
        return Unknown("Pacemaker is moving the resource", belief.at)
    return Known(own in belief.value.nodes, belief.at)


def holds(own: str, belief: Reading[Belief]) -> Reading[str]:
    """Return what `own` holds by Pacemaker's word, for people."""
    if isinstance(belief, Unknown):
        return belief
    if belief.value.moving:
        return Known("moving", belief.at)
    return Known("service" if own in belief.value.nodes else "nothing", belief.at)
