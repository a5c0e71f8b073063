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

from hwsim.nodes.engines import HEARTBEAT, Engine
from hwsim.nodes.inside import SYSTEM_PATH
from hwsim.nodes.prefix import RACKS

_PROGRAMS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
}
_IPADDR2 = Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2")
_TRIAL_DEADLINE = 10.0
_OVERLAY = (
    'mount -t tmpfs tmpfs "$0" && mkdir "$0/upper" "$0/work" && '
    'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" /etc'
)
_WIRES = "ip link add br0 type bridge && ip link add p0 type veth peer name p1 && ip link set p0 master br0"


def missing(engine: Engine = HEARTBEAT) -> list[str]:
    """Return what keeps a rack with `engine` from running here; empty when nothing does. Leaves nothing behind."""
    if os.geteuid() != 0:
        return ["The rack needs root: it makes namespaces, mounts and network links. Run it with sudo."]
    absent = [*_programs(), *_engine(engine), *_directories()]
    return absent or [sentence for trial in _TRIALS if (sentence := trial()) is not None]


def missing_for_hid() -> list[str]:
    """Return what keeps a simulated HID device from running here; empty when nothing does."""
    wanted = {"/dev/fuse": "its module fuse (modprobe fuse)", "/sys/class/hidraw": "CONFIG_HIDRAW"}
    return [
        f"There is no {place}: the kernel needs {what}."
        for place, what in wanted.items()
        if not Path(place).exists()
    ]


def _programs() -> list[str]:
    return [
        f"The program '{name}' is missing: install the package {package}."
        for name, package in _PROGRAMS.items()
        if shutil.which(name, path=SYSTEM_PATH) is None
    ]


def _engine(engine: Engine) -> list[str]:
    packages = " ".join(engine.packages)
    sentences = [
        f"{engine.title}'s program '{name}' is missing: install {packages}."
        for name, places in engine.programs.items()
        if not any(os.access(Path(place) / name, os.X_OK) for place in places)
    ]
    if not os.access(_IPADDR2, os.X_OK):
        sentences.append(f"{_IPADDR2} is missing: install the package resource-agents.")
    try:
        pwd.getpwnam("hacluster")
        grp.getgrnam("haclient")
    except KeyError:
        sentences.append(f"User hacluster or group haclient is missing: install {packages}.")
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
