"""Corosync's and Pacemaker's files, written from the conf file while both are off."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from appliance.cluster.files import remove_own, write_if_changed, write_if_missing
from appliance.cluster.pacemaker import cib, corosync, fence_agent
from appliance.cluster.pacemaker.installation import MARK, PacemakerPaths, Processes, is_ours
from appliance.config import Conf
from appliance.core.errors import ClusterError, HostError
from appliance.core.ip_address import version_of
from appliance.core.model import Node
from appliance.host.bounded import TooMuch, read_file
from appliance.host.process import run

AUTHKEY = "authkey"
METHOD = "aes256"
_KEY_BYTES = 128  # the least that Corosync takes is 128 bytes of file; in hexadecimal these are 256
_KEY_LIMIT = 4096
_CIB_LIMIT = 8 << 20
_DEADLINE = 5.0
_OCF_PROVIDER = "asha"
_OCF_TYPE = "service"
_AGENT = """#!/bin/sh
# Pacemaker's resource agent ocf:asha:service. Written by asha; edits are lost.
# Pacemaker asks for the meta-data as hacluster, who need not reach asha's program.
if [ "$1" = meta-data ]; then
  cat <<'END'
{meta_data}END
  exit 0
fi
exec {words} "$@"
"""
_FENCE_AGENT = """#!/bin/sh
# Pacemaker's fence agent fence_asha. Written by asha; edits are lost.
# Pacemaker asks for the meta-data as hacluster, who need not reach asha's program.
options= asked= before=
for word; do
  case "$before $word" in
  "-o metadata" | "--action metadata" | *" --action=metadata") asked=yes ;;
  esac
  before=$word
done
if [ $# -eq 0 ]; then
  options=$(cat)
  while read -r line; do
    case "$line" in
    action=metadata | option=metadata) asked=yes ;;
    esac
  done <<END
$options
END
fi
if [ "$asked" ]; then
  cat <<'END'
{meta_data}END
  exit 0
fi
[ $# -eq 0 ] || exec {words} "$@"
exec {words} <<END
$options
END
"""
_FENCE_META_DATA = f"""<?xml version="1.0" ?>
<resource-agent name="{fence_agent.NAME}" shortdesc="Fence agent of an asha pair: the telephone line as a witness">
<longdesc>
Confirms that the other node of an asha pair is gone: because the telephone line has come to this node while the other
is silent, or because the command of HAFENCE in /etc/asha.conf has confirmed that its power is off. Whatever is not
known is a failure. asha's agent on this node is asked. Nothing is ever switched on.
</longdesc>
<vendor-url>https://example.invalid/asha</vendor-url>
<parameters>
<parameter name="action" unique="0" required="1">
<getopt mixed="-o, --action=[action]"/><content type="string" default="off"/>
<shortdesc lang="en">Fencing action</shortdesc>
</parameter>
<parameter name="port" unique="0" required="0">
<getopt mixed="-n, --plug=[name]"/><content type="string"/>
<shortdesc lang="en">Name of the node that is to be gone</shortdesc>
</parameter>
<parameter name="patience" unique="0" required="0">
<getopt mixed="--patience=[seconds]"/><content type="second" default="{fence_agent.PATIENCE:g}"/>
<shortdesc lang="en">How long an answer of asha's agent is waited for</shortdesc>
</parameter>
</parameters>
<actions>
<action name="on" automatic="0"/>
<action name="off"/>
<action name="reboot"/>
<action name="status"/>
<action name="monitor"/>
<action name="list"/>
<action name="metadata"/>
<action name="validate-all"/>
</actions>
</resource-agent>
"""
_META_DATA = """<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="service" version="1.0">
<version>1.1</version>
<longdesc lang="en">
Service of an asha pair: the telephone line's relay and Asterisk follow this resource. A start is the grant of service;
it is answered as soon as asha's agent has taken charge. A stop is answered when the line is let go and Asterisk has
ended; it fails only when the line cannot be let go.
</longdesc>
<shortdesc lang="en">Service of an asha pair</shortdesc>
<parameters/>
<actions>
<action name="start" timeout="60s"/>
<action name="stop" timeout="120s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="meta-data" timeout="5s"/>
<action name="validate-all" timeout="20s"/>
</actions>
</resource-agent>
"""


def install(conf: Conf, node: Node, paths: PacemakerPaths) -> None:
    """Bring the files up to date, each whole or not at all. Raises ClusterError, HostError.

    The authkey must be there: the primary makes it, the secondary is given it.
    """
    if not conf.addresses:
        raise ClusterError(
            "The cluster has no address yet.",
            todo="Set it with 'asha conf set HACLUSTERIP ADDRESS' on both nodes.",
        )
    if not (paths.conf_dir / AUTHKEY).exists():
        _settle_key(conf, node, paths)
    ways = corosync.links(conf, own_address)
    with contextlib.suppress(FileExistsError):
        corosync.LOG.parent.mkdir(mode=0o755)
    _make_way(paths)
    write_if_changed(paths.conf_dir / "corosync.conf", corosync.render(conf, node, ways), 0o644)
    install_cib(conf, paths)


def foreign_cluster(paths: PacemakerPaths) -> str:
    """Return that Corosync runs by a corosync.conf of another making; "" when it does not."""
    path = paths.conf_dir / "corosync.conf"
    if is_ours(paths.conf_dir) or not path.exists() or Processes().corosync() is None:
        return ""
    return f"Corosync runs here, by a {path} that is not asha's"


def retire(conf_dir: Path) -> None:
    """Take corosync.conf away, without which neither Corosync nor Pacemaker starts. Raises HostError."""
    remove_own(conf_dir / "corosync.conf", MARK)


def _make_way(paths: PacemakerPaths) -> None:
    """Keep a corosync.conf of another making under another name. Raises ClusterError when Corosync runs by it."""
    path = paths.conf_dir / "corosync.conf"
    if foreign := foreign_cluster(paths):
        raise ClusterError(
            f"{foreign}.",
            todo="If no other cluster needs it, end both for good: systemctl disable --now pacemaker corosync.",
        )
    if is_ours(paths.conf_dir) or not path.exists():
        return
    set_aside = path.with_name("corosync.conf.before-asha")
    if not set_aside.exists():
        path.rename(set_aside)


def _settle_key(conf: Conf, node: Node, paths: PacemakerPaths) -> None:
    path = paths.conf_dir / AUTHKEY
    if node is Node.PRIMARY:
        made_key(paths.conf_dir)
        return
    raise ClusterError(
        f"{path} is missing. Both nodes need the same one, and the primary makes it.",
        todo=f"Start asha on {conf.primary_name} once, then bring it over: "
        f"scp -p -P {conf.ssh_port} {conf.primary_name}:{path} {path}",
    )


def install_cib(conf: Conf, paths: PacemakerPaths) -> None:
    """Write the CIB that Pacemaker begins with, unless it has asha's parts already. Raises ClusterError, HostError.

    A signature would be that of the text before, so it is removed with it.
    """
    path = paths.cib_dir / "cib.xml"
    before = _read_cib(path) or _empty_cib(paths)
    wanted = cib.with_own_parts(before, conf)
    if wanted == before and path.exists():
        return
    path.with_name("cib.xml.sig").unlink(missing_ok=True)
    write_if_changed(path, wanted, 0o600)
    try:
        shutil.chown(path, "hacluster", "haclient")
    except LookupError:
        raise HostError(
            "The user hacluster or the group haclient does not exist.", todo="Install the pacemaker package."
        ) from None


def install_resource_agent(paths: PacemakerPaths, command: Sequence[str | Path]) -> None:
    """Write the resource agent ocf:asha:service, which replaces itself by `command`. Raises HostError."""
    directory = paths.ocf_dir / _OCF_PROVIDER
    try:
        directory.mkdir(mode=0o755, exist_ok=True)
    except OSError as problem:
        raise HostError(f"{directory} could not be made: {problem.strerror}.") from problem
    words = shlex.join(str(word) for word in command)
    write_if_changed(directory / _OCF_TYPE, _AGENT.format(meta_data=_META_DATA, words=words), 0o755)


def install_fence_agent(directory: Path, command: Sequence[str | Path]) -> None:
    """Write the fence agent fence_asha, which replaces itself by `command`. Raises HostError."""
    words = shlex.join(str(word) for word in command)
    write_if_changed(
        directory / fence_agent.NAME, _FENCE_AGENT.format(meta_data=_FENCE_META_DATA, words=words), 0o755
    )


def made_key(conf_dir: Path) -> str:
    """Return the secret in `conf_dir`, which is made when there is none. Raises ClusterError, HostError."""
    write_if_missing(conf_dir / AUTHKEY, new_key(), 0o400)
    return read_key(conf_dir)


def new_key() -> str:
    """Return a secret as nobody has had it before."""
    return secrets.token_hex(_KEY_BYTES)


def read_key(conf_dir: Path) -> str:
    """Return the secret. Raises ClusterError for a key of another making, which cannot be carried as a word."""
    path = conf_dir / AUTHKEY
    try:
        text = read_file(path, _KEY_LIMIT).decode("ascii").strip()
        return checked_secret(text)
    except (UnicodeDecodeError, TooMuch, ClusterError):
        raise ClusterError(
            f"{path} is not of asha's making.", todo="Bring it to the other node yourself, with scp -p."
        ) from None
    except OSError as problem:
        raise HostError(f"{path} could not be read: {problem.strerror}.", todo="Are you root?") from problem


def place_key(conf_dir: Path, method: str, secret: str) -> None:
    """Write the authkey, unless it exists by now. Raises ClusterError, HostError."""
    if method != METHOD:
        raise ClusterError(f"The other node's secret is for {method!r}: its cluster engine is not Pacemaker.")
    write_if_missing(conf_dir / AUTHKEY, checked_secret(secret), 0o400)


def checked_secret(secret: str) -> str:
    """Return `secret` when it is one of asha's making. Raises ClusterError."""
    if len(secret) != 2 * _KEY_BYTES or not set(secret) <= set("0123456789abcdef"):
        raise ClusterError(f"A secret of Corosync is {2 * _KEY_BYTES} hexadecimal digits.")
    return secret


def own_address(device: str, peer: str) -> str:
    """Return the address from which this node reaches `peer` through `device`; `peer` itself when it is our own.

    Raises ClusterError.
    """
    try:
        with socket.socket(_family(peer), socket.SOCK_DGRAM) as asking:
            if not _is_own(peer):
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            asking.connect((peer, 9))
            return str(asking.getsockname()[0])
    except OSError as problem:
        raise ClusterError(
            f"{peer} is not reached through {device}: {problem.strerror}.",
            todo="HAMEDIA names interfaces that are up and have an address of their own.",
        ) from problem


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if version_of(address) == 6 else socket.AF_INET


def _is_own(address: str) -> bool:
    with socket.socket(_family(address), socket.SOCK_DGRAM) as trying:
        try:
            trying.bind((address, 0))
        except OSError:
            return False
        return True


def _read_cib(path: Path) -> str:
    try:
        return read_file(path, _CIB_LIMIT).decode(errors="replace")
    except (OSError, TooMuch):
        return ""


def _empty_cib(paths: PacemakerPaths) -> str:
    made = run([paths.cibadmin, "--empty"], deadline=_DEADLINE)
    if not made.ok:
        raise ClusterError(f"Pacemaker makes no empty configuration: {made.explain()}.")
    return made.output
