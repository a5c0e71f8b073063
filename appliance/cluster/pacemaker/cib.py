"""The cluster's own configuration (the CIB): what of it asha writes, put into an existing one or a new one.

asha's elements have ids that begin with `asha`; everything else in a CIB is the site's own (a fencing device, say), and
stays. A CIB is written only while Pacemaker is off. Its elements are alike from Pacemaker 1.1 to 3.0.

- The addresses and asha's resource are one group: they are always on the same node, the addresses first.
- An address has no monitor: the agent looks at it and puts it back, where Pacemaker would restart Asterisk with it.
- `dc-deadtime`: a cluster that begins waits for it once; the default of 20 s would be a slow start.
- `multiple-active=stop_unexpected`: when a split has healed, only the duplicate is stopped, and service goes on.
- A location rule reads the attribute `asha-wish` of each node, 1000 or 0 and never negative: a node below zero may not
  run the resource at all, and with both below zero nobody did (docs/facts/pacemaker.md).
- The primary is preferred by less than a resource sticks: that decides only when both nodes begin.
- A start that has failed is tried elsewhere, and here again after a while: by default it never would be.
- With HASTONITH the device `asha-fence` and `stonith-enabled`; without a yes the question is asked for
  ever. Without it fencing is the site's own: only what an earlier HASTONITH has left is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from appliance.cluster.pacemaker import fence_agent
from appliance.config import Conf
from appliance.core.errors import ClusterError
from appliance.core.ip_address import ClusterAddress, version_of
from appliance.core.peer_gone import ENGINE_SLACK, longest_answer

WISH = "asha-wish"
WISHED = 1000
GROUP = "asha-service"
RESOURCE = "asha"
_ADDRESSES = {4: "asha-address", 6: "asha-address6"}
RESOURCES = frozenset((RESOURCE, *_ADDRESSES.values()))
"""The ids of all resources that asha's group may have."""
_WISH_RULE = "asha-wish"
_PREFERENCE = "asha-primary"
CONSTRAINTS = frozenset((_WISH_RULE, _PREFERENCE))
"""The ids of asha's constraints."""
DEVICE = "asha-fence"

_STICKINESS = 100  # of each of the two or three resources
_PRIMARY = 50
_PROPERTIES = (
    ("dc-deadtime", "2s"),
    ("start-failure-is-fatal", "false"),
    ("cluster-recheck-interval", "60s"),
)
_STONITH = "stonith-enabled"
# By default Pacemaker asks ten times and then gives up; a line that comes later would be a yes that nobody hears.
_ATTEMPTS = ("stonith-max-attempts", "1000000")
_OPTIONS = "cib-bootstrap-options"
_RESOURCE_DEFAULTS = (
    ("resource-stickiness", str(_STICKINESS)),
    ("migration-threshold", "3"),
    ("failure-timeout", "30s"),
    ("multiple-active", "stop_unexpected"),
)


def with_own_parts(cib: str, conf: Conf) -> str:
    """Return `cib` with asha's elements as `conf` has them; the same text when it has them already.

    Raises ClusterError when it is no CIB.
    """
    try:
        root = ET.fromstring(cib)  # noqa: S314 - root's own, of this machine
    except ET.ParseError as problem:
        raise ClusterError(f"The cluster's configuration cannot be read: {problem}.") from problem
    configuration = root.find("configuration")
    if root.tag != "cib" or configuration is None:
        raise ClusterError("The cluster's configuration is no CIB.")
    before = ET.canonicalize(ET.tostring(root, encoding="unicode"), strip_text=True)
    properties = _child(_section(configuration, "crm_config"), "cluster_property_set", _OPTIONS)
    for key, value in _PROPERTIES:
        _set(properties, key, value)
    defaults = _child(_section(configuration, "rsc_defaults"), "meta_attributes", "asha-defaults")
    _replace(defaults, (_pair("asha-defaults", name, value) for name, value in _RESOURCE_DEFAULTS))
    resources = _section(configuration, "resources")
    _put(resources, _group(conf))
    _fencing(properties, resources, conf)
    constraints = _section(configuration, "constraints")
    _put(constraints, _wish_rule())
    _put(constraints, _preference(conf))
    if ET.canonicalize(ET.tostring(root, encoding="unicode"), strip_text=True) == before:
        return cib
    root.set("epoch", str(int(root.get("epoch", "0")) + 1))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def own_elements(conf: Conf) -> tuple[tuple[str, str], ...]:
    """Return asha's resources and constraints, each as XML with the section of the CIB that it belongs into."""
    elements = (
        ("resources", _group(conf)),
        ("constraints", _wish_rule()),
        ("constraints", _preference(conf)),
    )
    return tuple((section, ET.tostring(element, encoding="unicode")) for section, element in elements)


def resource_ids(conf: Conf) -> frozenset[str]:
    """Return the ids of the resources that asha's group has by `conf`."""
    return frozenset((RESOURCE, *(_address_id(each) for each in conf.addresses)))


def _address_id(address: ClusterAddress) -> str:
    return _ADDRESSES[version_of(address.ip)]


def _group(conf: Conf) -> ET.Element:
    group = ET.Element("group", id=GROUP)
    for each in conf.addresses:
        group.append(_address(each, conf.device))
    service = ET.SubElement(group, "primitive", id=RESOURCE, type="service", provider="asha")
    service.set("class", "ocf")
    _operations(service, start="60s", stop="120s", monitor="20s")
    return group


def _address(address: ClusterAddress, device: str) -> ET.Element:
    """Return the resource of one address.

    One of IPv6 is used at once, where it else took 3 s with checks and announcements, and as the source of nothing that
    this node begins. Versions of IPaddr2 that do not know these words ignore them.
    """
    of_ipv6 = version_of(address.ip) == 6
    name = _address_id(address)
    primitive = ET.Element("primitive", id=name, type="IPaddr2", provider="heartbeat")
    primitive.set("class", "ocf")
    values = [("ip", address.ip), ("cidr_netmask", str(address.prefix)), ("nic", device)]
    if of_ipv6:
        values += [("nodad", "true"), ("arp_bg", "true"), ("preferred_lft", "0")]
    attributes = ET.SubElement(primitive, "instance_attributes", id=f"{name}-values")
    attributes.extend(_pair(f"{name}-values", key, value) for key, value in values)
    _operations(primitive, start="20s", stop="20s")
    return primitive


def _operations(primitive: ET.Element, *, start: str, stop: str, monitor: str = "") -> None:
    name = primitive.get("id", "")
    operations = ET.SubElement(primitive, "operations")
    wanted = (("start", "0", start), ("stop", "0", stop), ("monitor", "10s", monitor))
    for verb, interval, timeout in wanted:
        if not timeout:
            continue
        ET.SubElement(operations, "op", id=f"{name}-{verb}", name=verb, interval=interval, timeout=timeout)


def _wish_rule() -> ET.Element:
    location = ET.Element("rsc_location", id=_WISH_RULE, rsc=GROUP)
    rule = ET.SubElement(
        location, "rule", {"id": "asha-wish-rule", "score-attribute": WISH, "boolean-op": "and"}
    )
    ET.SubElement(rule, "expression", id="asha-wish-defined", attribute=WISH, operation="defined")
    return location


def _preference(conf: Conf) -> ET.Element:
    return ET.Element("rsc_location", id=_PREFERENCE, rsc=GROUP, node=conf.primary_name, score=str(_PRIMARY))


def _fencing(properties: ET.Element, resources: ET.Element, conf: Conf) -> None:
    """Have Pacemaker ask before it gives service, or have it not; a device of the site's own is left alone."""
    left = next((child for child in resources if child.get("id") == DEVICE), None)
    if conf.stonith:
        _put(resources, _device(conf))
        _set(properties, _STONITH, "true")
        _set(properties, *_ATTEMPTS)
    elif left is not None:
        resources.remove(left)
        _set(
            properties,
            _STONITH,
            "true" if resources.find(".//primitive[@class='stonith']") is not None else "false",
        )
        _set(properties, _ATTEMPTS[0], "")
    elif _found(properties, _STONITH) is None:
        _set(properties, _STONITH, "false")


def _device(conf: Conf) -> ET.Element:
    patience = longest_answer(conf.fence_wait)
    device = ET.Element("primitive", {"id": DEVICE, "class": "stonith", "type": fence_agent.NAME})
    attributes = ET.SubElement(device, "instance_attributes", id=f"{DEVICE}-values")
    values = (
        ("pcmk_host_list", f"{conf.primary_name} {conf.secondary_name}"),
        ("pcmk_host_check", "static-list"),
        ("pcmk_reboot_action", "off"),  # nothing is switched on again
        ("pcmk_off_timeout", f"{patience + ENGINE_SLACK:g}s"),
        ("patience", f"{patience:g}"),
    )
    attributes.extend(_pair(f"{DEVICE}-values", name, value) for name, value in values)
    return device


def _set(properties: ET.Element, key: str, value: str) -> None:
    """Set a single value in a set of properties that others share; "" removes it."""
    found = _found(properties, key)
    if found is None:
        if value:
            properties.append(_pair(_OPTIONS, key, value))
    elif value:
        found.set("value", value)
    else:
        properties.remove(found)


def _found(properties: ET.Element, key: str) -> ET.Element | None:
    return next((pair for pair in properties if pair.get("name") == key), None)


def _pair(prefix: str, name: str, value: str) -> ET.Element:
    return ET.Element("nvpair", id=f"{prefix}-{name}", name=name, value=value)


def _section(configuration: ET.Element, tag: str) -> ET.Element:
    found = configuration.find(tag)
    return ET.SubElement(configuration, tag) if found is None else found


def _child(section: ET.Element, tag: str, name: str) -> ET.Element:
    found = next((child for child in section if child.get("id") == name), None)
    return ET.SubElement(section, tag, id=name) if found is None else found


def _replace(parent: ET.Element, children: Iterable[ET.Element]) -> None:
    for child in list(parent):
        parent.remove(child)
    parent.extend(children)


def _put(section: ET.Element, element: ET.Element) -> None:
    """Put `element` in place of the one with its id, or behind the others."""
    for position, child in enumerate(section):
        if child.get("id") == element.get("id"):
            section.remove(child)
            section.insert(position, element)
            return
    section.append(element)
