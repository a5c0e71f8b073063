"""Heartbeat's three configuration files, made from the conf file."""

from __future__ import annotations

import functools
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.cluster.files import remove_own, write_if_changed, write_if_missing
from appliance.cluster.heartbeat.api import CLIENT_NAME
from appliance.cluster.heartbeat.installation import LOG_FILE
from appliance.config import Conf
from appliance.core.errors import ClusterError, HostError
from appliance.core.ip_address import version_of, without_double_colon
from appliance.core.model import Node
from appliance.host.bounded import TooMuch, read_file

# The secret with which both nodes sign their Heartbeat messages.
#
# The secret must be the same on both nodes and known to nobody else. So one node makes it, and it is carried
# over to the other: the primary makes it, the secondary is given it. An existing file is kept as it is.


FILE_NAME = "authkeys"
_METHODS = ("sha1", "md5", "crc")


def settle_secret(
    ha_dir: Path, node: Node, *, given: str = "", peer: str = "", ssh_port: int = 22
) -> str | None:
    """Return the secret to write, or None when the existing file is to be kept.

    `given` has precedence over everything. Otherwise an existing file stays; otherwise the primary makes a
    secret. On the secondary the secret cannot be known: then ClusterError is raised, with the command that
    copies the file.
    """
    if given:
        return checked_secret(given)
    path = ha_dir / FILE_NAME
    if path.exists():
        read_key(path)
        return None
    if node is Node.PRIMARY:
        return secrets.token_hex(20)
    raise ClusterError(
        f"{path} is missing. Both nodes need the same one, and the primary makes it.",
        todo=f"Start asha on {peer or 'the primary'} once, then bring it over: "
        f"scp -p -P {ssh_port} {peer or 'PRIMARY'}:{path} {path}",
    )


def made_key(ha_dir: Path) -> tuple[str, str]:
    """Return (method, secret) of the authkeys file in `ha_dir`, which is made when there is none.

    Two processes that make the file at the same moment end up with the same secret. Raises ClusterError or
    HostError.
    """
    path = ha_dir / FILE_NAME
    if not path.exists():
        place_key(ha_dir, "sha1", secrets.token_hex(20))
    return read_key(path)


def place_key(ha_dir: Path, method: str, secret: str) -> None:
    """Write authkeys, unless the file exists by now.

    Raises ClusterError for an unusable method or secret, HostError when the file cannot be written.
    """
    if method not in _METHODS:
        raise ClusterError(f"{method!r} is no method of Heartbeat's: {', '.join(_METHODS)}.")
    text = f"auth 1\n1 {method} {checked_secret(secret) if method != 'crc' else ''}".rstrip() + "\n"
    write_if_missing(ha_dir / FILE_NAME, text, 0o600)


def checked_secret(secret: str) -> str:
    """Return `secret` when Heartbeat can take it: one word of printable ASCII. Raises ClusterError."""
    if not secret or len(secret) > 256 or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ClusterError("A cluster secret is one word of at most 256 printable ASCII characters.")
    return secret


def read_key(path: Path) -> tuple[str, str]:
    """Return (method, secret) of the key that `path` has in use; the secret is "" for crc.

    Raises ClusterError or HostError.
    """
    try:
        lines = [line.split() for line in path.read_text(errors="replace").splitlines()]
    except OSError as problem:
        raise HostError(f"{path} could not be read: {problem.strerror}.", todo="Are you root?") from problem
    words = [line for line in lines if line and not line[0].startswith("#")]
    number = next((line[1] for line in words if line[0] == "auth" and len(line) == 2), None)
    for line in words:
        if line[0] == number and len(line) > 1 and line[1] in _METHODS:
            return line[1], " ".join(line[2:])
    raise ClusterError(
        f"{path} names no usable key.",
        todo="It should be two lines, 'auth 1' and '1 sha1 SECRET'; or delete it on both nodes and begin again.",
    )


# Installation of the resource script where Heartbeat looks for it.


RESOURCE_NAME = "asha"


def resource_script(command: Sequence[str | Path]) -> str:
    """Return the text of resource.d/asha.

    The script replaces itself by `command` at once, with Heartbeat's words as further arguments.
    """
    words = shlex.join(str(word) for word in command)
    return (
        "#!/bin/sh\n"
        "# Heartbeat's resource asha: [args...] start|stop|status. Written by asha; edits are lost.\n"
        f'exec {words} "$@"\n'
    )


def install_resource_script(resource_dir: Path, command: Sequence[str | Path]) -> bool:
    """Write resource.d/asha and resource.d/asha-ipv6; return True when one changed. Raises HostError."""
    address = write_if_changed(resource_dir / IPV6_RESOURCE, _IPV6_SCRIPT, 0o755)
    return write_if_changed(resource_dir / RESOURCE_NAME, resource_script(command), 0o755) or address


IPV6_RESOURCE = "asha-ipv6"
_IPV6_SCRIPT = """#!/bin/sh
# Heartbeat's resource asha-ipv6: ADDRESS/PREFIX/DEVICE start|stop|status. Written by asha; edits are lost.
# Heartbeat's own IPaddr2 refuses IPv6, and IPv6addr takes 7 s to start. The address is used at once (nodad), and as the
# source of nothing that this node begins (preferred_lft 0); an older 'ip' cannot say so. asha's agent announces it.
PATH=/sbin:/usr/sbin:/bin:/usr/bin
address=${1%%/*} device=${1##*/} net=${1%/*}
shown() { ip -6 -o addr show dev "$device" to "$address/128" 2>/dev/null; }
has() { shown | grep -v -e tentative -e dadfailed | grep -q .; }
remove() { ip -6 addr del "$net" dev "$device" 2>/dev/null; }
case "$2" in
  start)
    has && exit 0
    remove
    ip -6 addr add "$net" dev "$device" nodad preferred_lft 0 || ip -6 addr add "$net" dev "$device"
    ;;
  stop)
    remove
    ! has
    ;;
  status)
    if has; then echo running; else echo stopped; fi
    ;;
  *)
    echo "usage: $0 ADDRESS/PREFIX/DEVICE start|stop|status" >&2
    exit 1
    ;;
esac
"""


if TYPE_CHECKING:
    from jinja2 import Environment

DEFAULT_BAUD = "19200"
_MARK = b"Written by asha"
_FILE_LIMIT = 1 << 18  # bytes


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A configuration file of Heartbeat with its wanted content; `path` is relative to ha.d."""

    path: Path
    text: str
    mode: int


def render(conf: Conf, secret: str | None, *, log_file: Path = LOG_FILE) -> tuple[RenderedFile, ...]:
    """Return ha.cf, haresources and, when `secret` is given, authkeys.

    Raises ClusterError when no cluster address is set, or when HAMEDIA asks for several baud rates.
    """
    if not conf.addresses:
        raise ClusterError(
            "The cluster has no address yet.",
            todo="Set it with 'asha conf set HACLUSTERIP ADDRESS' on both nodes.",
        )
    files = [
        RenderedFile(Path("ha.cf"), _fill("ha.cf.j2", **_ha_cf_values(conf, log_file)), 0o644),
        RenderedFile(Path("haresources"), _fill("haresources.j2", **_resources(conf)), 0o644),
    ]
    if secret is not None:
        files.append(RenderedFile(Path(FILE_NAME), _fill("authkeys.j2", secret=secret), 0o600))
    return tuple(files)


def install(
    conf: Conf, node: Node, ha_dir: Path = Path("/etc/ha.d"), *, secret: str = "", log_file: Path = LOG_FILE
) -> tuple[Path, ...]:
    """Bring the files in `ha_dir` up to date, each atomically, and return those that changed.

    An existing authkeys keeps its secret (its mode is corrected) unless `secret` is given. Without an
    authkeys, the primary makes a secret, and the secondary gets a ClusterError that says how to copy it.
    """
    settled = settle_secret(ha_dir, node, given=secret, peer=conf.primary_name, ssh_port=conf.ssh_port)
    rendered = render(conf, settled, log_file=log_file)
    changed = [
        ha_dir / file.path for file in rendered if write_if_changed(ha_dir / file.path, file.text, file.mode)
    ]
    if settled is None and _tighten(ha_dir / FILE_NAME):
        changed.append(ha_dir / FILE_NAME)
    return tuple(changed)


def foreign_file(ha_dir: Path) -> str:
    """Return that ha.cf is of another making, whose cluster would lose it; "" when it is not. Raises HostError."""
    path = ha_dir / "ha.cf"
    try:
        return "" if _MARK in read_file(path, _FILE_LIMIT) else f"{path} is not of asha's making"
    except FileNotFoundError:
        return ""
    except TooMuch:
        return f"{path} is not of asha's making"
    except OSError as problem:
        raise HostError(f"{path} could not be read: {problem.strerror}.", todo="Are you root?") from problem


def retire(ha_dir: Path) -> None:
    """Take ha.cf and haresources away, without which Heartbeat does not start. Raises HostError."""
    for name in ("ha.cf", "haresources"):
        remove_own(ha_dir / name, _MARK)


def heartbeat_time(seconds: float) -> str:
    """Return a time as ha.cf wants it: whole milliseconds with `ms`, or whole seconds.

    Source: Heartbeat's own notation.
    """
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def _tighten(path: Path) -> bool:
    """Give authkeys mode 0600 and return True when it had another mode.

    Heartbeat refuses to start with an authkeys file that others can read.
    """
    return write_if_changed(path, path.read_text(encoding="utf-8"), 0o600)


def _resources(conf: Conf) -> dict[str, object]:
    """Return what haresources names. `::` separates a resource's name and words there, so no address may have it."""
    addresses = [
        f"{IPV6_RESOURCE}::{without_double_colon(each.ip)}/{each.prefix}/{conf.device}"
        if version_of(each.ip) == 6
        else f"IPaddr2::{each.ip}/{each.prefix}/{conf.device}"
        for each in conf.addresses
    ]
    return {"conf": conf, "addresses": addresses, "resource": RESOURCE_NAME}


def _ha_cf_values(conf: Conf, log_file: Path) -> dict[str, object]:
    bauds = {medium.argument or DEFAULT_BAUD for medium in conf.media if medium.kind == "serial"}
    if len(bauds) > 1:
        raise ClusterError(
            f"HAMEDIA asks for the baud rates {', '.join(sorted(bauds))}; Heartbeat has one rate for all serial media."
        )
    return {"conf": conf, "baud": next(iter(bauds), None), "log_file": log_file, "client": CLIENT_NAME}


def _fill(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    import jinja2  # noqa: PLC0415 - 2.3 MB that only an install needs

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("appliance.cluster.heartbeat"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration text; every value was checked when the conf was read
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["time"] = heartbeat_time
    return environment
