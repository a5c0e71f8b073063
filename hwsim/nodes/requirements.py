"""The requirements of a rack on its host, one sentence each; tested for real where a test is cheap."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from hwsim.nodes.inside import SYSTEM_PATH
from hwsim.nodes.prefix import RACKS

_PROGRAMS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "cl_status": "heartbeat",
}
_HEARTBEAT = ("/usr/libexec/heartbeat", "/usr/lib/heartbeat", "/usr/lib64/heartbeat")
_IPADDR2 = Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2")
_TRIAL_DEADLINE = 10.0
_OVERLAY = (
    'mount -t tmpfs tmpfs "$0" && mkdir "$0/upper" "$0/work" && '
    'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" /etc'
)
_WIRES = "ip link add br0 type bridge && ip link add p0 type veth peer name p1 && ip link set p0 master br0"


def missing() -> list[str]:
    """Return what keeps a rack from running here; empty when nothing does. Leaves nothing behind."""
    if os.geteuid() != 0:
        return ["The rack needs root: it makes namespaces, mounts and network links. Run it with sudo."]
    absent = [*_programs(), *_heartbeat(), *_directories()]
    return absent or [sentence for trial in _TRIALS if (sentence := trial()) is not None]


def _programs() -> list[str]:
    return [
        f"The program '{name}' is missing: install the package {package}."
        for name, package in _PROGRAMS.items()
        if shutil.which(name, path=SYSTEM_PATH) is None
    ]


def _heartbeat() -> list[str]:
    sentences = []
    if not any(os.access(Path(place) / "heartbeat", os.X_OK) for place in _HEARTBEAT):
        sentences.append("Heartbeat is missing: install the package heartbeat.")
    if not os.access(_IPADDR2, os.X_OK):
        sentences.append(f"{_IPADDR2} is missing: install the package resource-agents.")
    try:
        pwd.getpwnam("hacluster")
        grp.getgrnam("haclient")
    except KeyError:
        sentences.append("User hacluster or group haclient is missing: install the package heartbeat.")
    return sentences


def _directories() -> list[str]:
    if os.access(RACKS.parent, os.W_OK) and Path("/dev/pts/ptmx").exists():
        return []
    return ["A writable /dev/shm and a mounted /dev/pts are needed."]


def _namespaces() -> str | None:
    if _works(["unshare", "-m", "-u", "-i", "-n", "-p", "--fork", "--mount-proc", "true"]):
        return None
    return "This system does not allow new namespaces (in a container, run it privileged)."


def _wires() -> str | None:
    if _works(["unshare", "-n", "sh", "-c", _WIRES]):
        return None
    return "The kernel has no bridges or veth links: load its modules bridge and veth (modprobe bridge veth)."


def _overlay() -> str | None:
    with tempfile.TemporaryDirectory(dir=RACKS.parent) as trial:
        if _works(["unshare", "-m", "sh", "-c", _OVERLAY, trial]):
            return None
    return "The kernel cannot lay an overlay over /etc: load its module (modprobe overlay)."


def _works(argv: list[str]) -> bool:
    done = subprocess.run(argv, capture_output=True, timeout=_TRIAL_DEADLINE, check=False)
    return done.returncode == 0


_TRIALS: tuple[Callable[[], str | None], ...] = (_namespaces, _wires, _overlay)
