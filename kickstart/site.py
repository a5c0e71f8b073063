"""The site file that an installer fills in, checked as a whole before anything is made from it."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from appliance.config import Conf, parse
from appliance.config.edit import with_value
from appliance.config.parse import ConfError, Problem
from appliance.config.reference import conf_file
from appliance.config.schema import KEY_BY_NAME
from appliance.core.errors import HostError, UserError
from appliance.host.process import run
from kickstart.fields import SECTIONS, Field, is_mac
from kickstart.release import HEARTBEAT, PACEMAKER, RELEASE_BY_NAME, Release

Role = Literal["primary", "secondary"]
ROLES: tuple[Role, ...] = ("primary", "secondary")

_OURS = (
    "HAENGINE",
    "HACLUSTERIP",
    "HAPREFIX",
    "HADEV",
    "HAMEDIA",
    "HAPRINODE",
    "HASECNODE",
    "HAPRIADDR",
    "HASECADDR",
)

_VARIABLES = {"device": "lan", "link_device": "link"}


class SiteError(UserError):
    """The site file is wrong; the message names every wrong key, and what would be right."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(f"{path} is not right:" + "".join(f"\n  {problem}" for problem in problems))


@dataclass(frozen=True, slots=True)
class Device:
    """A network interface of one server: by its `name`, or by its MAC address.

    `variable` is the shell variable that has the name on the server itself, where only its MAC address is known here.
    """

    said: str
    variable: str

    @property
    def is_mac(self) -> bool:
        """Tell whether the name is found only on the server."""
        return is_mac(self.said)

    @property
    def name(self) -> str:
        """Return its name, or what stands for it until the server is there."""
        return f"asha-{self.variable}" if self.is_mac else self.said


@dataclass(frozen=True, slots=True)
class Node:
    """One of the two servers; `values` are set in its asha.conf, which then reads as `conf`."""

    role: Role
    name: str
    address: str
    link_address: str
    device: Device
    link_device: Device | None
    values: Mapping[str, str]
    conf: Conf

    @property
    def finds_devices(self) -> bool:
        """Tell whether the names of its interfaces are found only on the server."""
        return self.device.is_mac or (self.link_device is not None and self.link_device.is_mac)


@dataclass(frozen=True, slots=True)
class Site:
    """A valid site file; `system`, `pair` and `packages` are as in the file, with defaults filled in.

    `engine` is the pair's cluster engine, named by the file or else the one of its release.
    """

    release: Release
    system: Mapping[str, Any]
    pair: Mapping[str, Any]
    packages: Mapping[str, Any]
    engine: str
    nodes: tuple[Node, ...]
    extra: Mapping[str, Path]  # package name → RPM


def load(path: Path) -> Site:
    """Return the site that the file `path` describes.

    Raises SiteError with everything wrong in the file, HostError when it cannot be read.
    """
    said = _read(path)
    problems = list(_shape(said))
    if problems:
        raise SiteError(path, problems)
    whole = {section: _with_defaults(fields, said[section]) for section, fields in SECTIONS.items()}
    problems = [
        *_addresses(whole),
        *_devices(whole),
        *_disks(whole["system"]),
        *_engine_problems(whole),
        *_conf_shape(said.get("conf", {})),
    ]
    if problems:
        raise SiteError(path, problems)
    nodes: list[Node] = []
    for role in ROLES:
        made = _node(role, whole, said)
        if isinstance(made, Node):
            nodes.append(made)
        else:
            problems += made
    folder = path.parent / whole["packages"]["rpms"] if whole["packages"]["rpms"] else None
    extra = _packages_in(folder) if folder else {}
    if folder and not extra:
        problems.append(f"[packages] rpms should be a folder with RPMs in it; {folder} is none")
    if problems:
        raise SiteError(path, list(dict.fromkeys(problems)))
    system, pair, packages = (whole[section] for section in ("system", "pair", "packages"))
    release = RELEASE_BY_NAME[system["release"]]
    return Site(release, system, pair, packages, _engine(whole), tuple(nodes), extra)


def _packages_in(folder: Path) -> dict[str, Path]:
    """Return the RPMs of `folder` by package name. Raises HostError for a file that is no RPM."""
    found = {}
    for path in sorted(folder.glob("*.rpm")):
        done = run(["rpm", "-qp", "--nosignature", "--queryformat", "%{NAME}", path], deadline=20)
        if done.code != 0:
            raise HostError(f"{path} is no RPM that can be read: {done.explain()}.")
        found[done.output] = path
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise SiteError(path, [f"TOML is wanted: {problem}"]) from problem
    except OSError as problem:
        raise HostError(
            f"The site file {path} could not be read: {problem.strerror}.",
            todo="Begin with a copy of kickstart/site.example.toml.",
        ) from problem


def _shape(said: Mapping[str, Any]) -> Iterator[str]:
    """Check each section and key separately; yield what is wrong."""
    for name in said:
        if name not in SECTIONS and name != "conf":
            yield f"[{name}] is no section; there are {', '.join(SECTIONS)} and conf"
    for section, fields in SECTIONS.items():
        values = said.get(section)
        if not isinstance(values, dict):
            yield f"[{section}] is missing"
            continue
        for key in values:
            if key not in fields:
                yield f"[{section}] {key} is no key; there are {', '.join(fields)}"
        for key, field in fields.items():
            yield from _value_problem(section, key, field, values)


def _value_problem(section: str, key: str, field: Field, values: Mapping[str, Any]) -> Iterator[str]:
    if key not in values:
        if field.default is None:
            yield f"[{section}] {key} is missing; it should be {field.want}"
    elif not field.is_right(values[key]):
        shown = "" if field.secret else f", not {values[key]!r}"
        yield f"[{section}] {key} should be {field.want}{shown}"


def _with_defaults(fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values.get(key, field.default) for key, field in fields.items()}


def _addresses(whole: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Check the addresses together: each is in its network, no two are alike; yield what is wrong."""
    pair = whole["pair"]
    yield from _on_one_net(
        whole, "address", pair["prefix"], [("pair", "cluster_address"), ("pair", "gateway")]
    )
    linked = [bool(pair["link_device"]), *(bool(whole[role]["link_address"]) for role in ROLES)]
    if any(linked) and not all(linked):
        yield "[pair] link_device and link_address of both nodes should be given together, or all be empty"
    elif any(linked):
        yield from _on_one_net(whole, "link_address", pair["link_prefix"], [])


def _devices(whole: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Check that no server has one interface for both networks, and that both servers have what one has."""
    for role in ROLES:
        device, link = (_device(whole, role, key).said for key in ("device", "link_device"))
        if link == device:
            section = role if whole[role]["link_device"] or whole[role]["device"] else "pair"
            yield f"[{section}] link_device should be another than device"
        if whole[role]["link_device"] and not whole["pair"]["link_device"]:
            yield f"[{role}] link_device should be empty where [pair] link_device is"
    for key in ("device", "link_device"):
        first, second = (_device(whole, role, key) for role in ROLES)
        if first.is_mac and first == second:
            yield f"[secondary] {key} should be another MAC address than [primary] {key}"


def _device(whole: Mapping[str, Mapping[str, Any]], role: Role, key: str) -> Device:
    """Return the interface of a server: its own, or else the one that the pair names."""
    said = whole[role][key] or whole["pair"][key]
    return Device(said.lower() if is_mac(said) else said, _VARIABLES[key])


def _disks(system: Mapping[str, Any]) -> Iterator[str]:
    if system["mirror"] == system["disk"]:
        yield "[system] mirror should be another disk than disk"


def _engine(whole: Mapping[str, Mapping[str, Any]]) -> str:
    return whole["pair"]["engine"] or RELEASE_BY_NAME[whole["system"]["release"]].engine


def _engine_problems(whole: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Check that the release runs the pair's engine, and that the engine can use what else is named."""
    engine, release = _engine(whole), RELEASE_BY_NAME[whole["system"]["release"]]
    if not release.runs(engine):
        yield f"[pair] engine should be {release.engine} on {release.name}, not {engine!r}"
    elif engine == PACEMAKER and whole["pair"]["serial"]:
        yield '[pair] serial should be "" with Pacemaker, which has no serial links'
    if engine == HEARTBEAT and whole["packages"]["ha_repository"]:
        yield '[packages] ha_repository should be "" with Heartbeat, which no such repository has'


def _on_one_net(
    whole: Mapping[str, Mapping[str, Any]], key: str, prefix: int, more: list[tuple[str, str]]
) -> Iterator[str]:
    net = ipaddress.ip_network(f"{whole['primary'][key]}/{prefix}", strict=False)
    seen: dict[str, str] = {}
    for section, name in [("primary", key), ("secondary", key), *more]:
        value = whole[section][name]
        if ipaddress.ip_address(value) not in net:
            yield f"[{section}] {name} should be in {net}, where [primary] {key} is, not '{value}'"
        if value in seen:
            yield f"[{section}] {name} should be another address than {seen[value]}, not '{value}'"
        seen.setdefault(value, f"[{section}] {name}")


def _conf_shape(said: object) -> Iterator[str]:
    if not isinstance(said, dict):
        yield "[conf] should be a section of keys of asha.conf"
        return
    for key, value in said.items():
        if not isinstance(value, str):
            yield f"[conf] {key} should be a text, in quotes"
        elif key in _OURS:
            yield f"[conf] {key} should not be there: [pair], [primary] and [secondary] say it"
        elif key not in KEY_BY_NAME:
            yield f"[conf] {key} is no key of asha.conf; docs/conf.md lists them"


def _node(
    role: Role, whole: Mapping[str, Mapping[str, Any]], said: Mapping[str, Any]
) -> Node | tuple[str, ...]:
    """Return the node, or what its conf file has against these values.

    The check is the product's own; there is no second one.
    """
    here = whole[role]
    peer = whole["secondary" if role == "primary" else "primary"]
    device = _device(whole, role, "device")
    link = _device(whole, role, "link_device") if whole["pair"]["link_device"] else None
    if _engine(whole) == PACEMAKER:
        media = _paths({device: peer["address"], link: peer["link_address"]})
    else:
        media = _media(device, link, peer["link_address"], whole["pair"]["serial"])
    values = {**_pair_conf(whole), "HADEV": device.name, "HAMEDIA": media, **said.get("conf", {})}
    verdict = _judged(values)
    if isinstance(verdict, Conf):
        return Node(role, here["name"], here["address"], here["link_address"], device, link, values, verdict)
    return tuple(f"[conf] {problem.key}={problem.value} should be {problem.want}" for problem in verdict)


def _pair_conf(whole: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    pair, primary, secondary = whole["pair"], whole["primary"], whole["secondary"]
    return {
        "HAENGINE": _engine(whole),
        "HACLUSTERIP": pair["cluster_address"],
        "HAPREFIX": str(pair["prefix"]),
        "HAPRINODE": primary["name"],
        "HASECNODE": secondary["name"],
        "HAPRIADDR": primary["link_address"] or primary["address"],
        "HASECADDR": secondary["link_address"] or secondary["address"],
        **({"PANELADDR": pair["panel"]} if pair["panel"] else {}),
    }


def _media(device: Device, link: Device | None, peer_address: str, serial: str) -> str:
    media = [f"bcast {device.name}"]
    if link is not None:
        media.append(f"ucast {link.name} {peer_address}")
    if serial:
        media.append(f"serial {serial}")
    return ", ".join(media)


def _paths(peers: Mapping[Device | None, str]) -> str:
    """Return Pacemaker's HAMEDIA: the other node's own address on each interface that there is."""
    return ", ".join(f"ucast {device.name} {peer}" for device, peer in peers.items() if device is not None)


def _judged(values: Mapping[str, str]) -> Conf | tuple[Problem, ...]:
    text = conf_file()
    try:
        for key, value in values.items():
            text = with_value(text, key, value)
    except ConfError as error:
        return error.problems
    return parse(text)
