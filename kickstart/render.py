"""Rendering of a kickstart file from the one template, for a release and one role or both roles."""

from __future__ import annotations

import ipaddress
import shlex
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from appliance.cluster.heartbeat.config_files import render as heartbeat_files
from appliance.cluster.pacemaker.config_files import AUTHKEY
from kickstart.release import PACEMAKER, Release
from kickstart.site import Node, Role, Site

_TEMPLATES = Path(__file__).with_name("templates")


def render(site: Site, release: Release, role: Role | None, secret: str) -> str:
    """Return the kickstart file for `role`; with None, the role is read from the kernel command line.

    `secret` is the cluster engine's, the same on both nodes.
    """
    environment = _environment()
    values = {
        "release": release,
        "el5": release.major == 5,  # no %end, no repositories on the medium, SysV
        "end": "" if release.major == 5 else "%end",
        "filesystem": "ext3" if release.major == 5 else "xfs",
        "role": role,
        "nodes": site.nodes,
        "system": site.system,
        "pair": site.pair,
        "disks": [disk for disk in (site.system["disk"], site.system["mirror"]) if disk],
        "boot_mb": 256 if release.major == 5 else 1024,
        "packages": site.packages,
        "our_packages": ("asha", "asha-runtime", *site.packages["ours"]),
        "extra": site.extra,
        "extra_names": tuple(site.extra),
        "ports": _ports(site),
        "pacemaker": site.engine == PACEMAKER,
        "engine_files": lambda node: _engine_files(site.engine, node, secret),
        "engine_packages": ("pacemaker", "corosync", "resource-agents")
        if site.packages["ha_repository"]
        else (),
    }
    environment.globals.update(values)
    environment.globals["devices"] = getattr(environment.get_template("devices.j2").module, "devices")  # noqa: B009
    text = environment.get_template("kickstart.j2").render()
    return text.rstrip() + "\n"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no markup; shell words go through `quoted`
    )
    environment.filters["quoted"] = shlex.quote
    environment.filters["with_devices"] = _with_devices
    environment.filters["netmask"] = lambda prefix: str(ipaddress.ip_network(f"0.0.0.0/{prefix}").netmask)
    return environment


def _with_devices(value: str) -> str:
    """Return a shell word of a conf value, in which the shell puts the names of the interfaces it has found."""
    word = "'" + value.replace("'", "'\\''") + "'"
    for variable in ("lan", "link"):
        word = word.replace(f"asha-{variable}", f"'\"${variable}\"'")
    return word


def _ports(site: Site) -> tuple[str, ...]:
    conf = site.nodes[0].conf
    page = () if conf.panel_addr.startswith("127.") or not conf.panel_on else (f"{conf.panel_port}:tcp",)
    return (f"{conf.ssh_port}:tcp", f"{conf.udp_port}:udp", *page, *site.system["open_ports"])


@dataclass(frozen=True, slots=True)
class EngineFile:
    """A file of the cluster engine on a server; `mode` as for chmod."""

    path: str
    text: str
    mode: int


def _engine_files(engine: str, node: Node, secret: str) -> tuple[EngineFile, ...]:
    """Return the files of the engine that `asha ha start` could not write alike on both nodes, or not yet.

    Only the builder of the files can give the same secret to both nodes. Pacemaker's other files need the addresses
    of the interfaces, and are written by `asha ha start`.
    """
    if engine == PACEMAKER:
        return (EngineFile(f"/etc/corosync/{AUTHKEY}", secret, 0o400),)
    return tuple(
        EngineFile(f"/etc/ha.d/{file.path}", file.text, file.mode)
        for file in heartbeat_files(node.conf, secret)
    )
