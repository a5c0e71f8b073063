"""What this machine is made of: whether it is a virtual one or a container, by the signs that systemd-detect-virt uses.

None of them needs a program, systemd or a newer kernel than EL5's. Inside a container firmware may not be visible; what
made the container leaves its own sign.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.text_files import text_of

# What firmware says in a virtual machine, of vendor or product.
_VIRTUAL = (
    *("QEMU", "KVM", "VMware", "VirtualBox", "Xen", "Virtual Machine", "Bochs", "Parallels", "OpenStack"),
    *(
        "Amazon EC2",
        "Google Compute Engine",
        "Droplet",
        "RHEV",
        "oVirt",
        "Proxmox",
        "BHYVE",
        "Hyper-V",
        "Apple Virtual",
    ),
)
_DMI = ("sys_vendor", "product_name", "board_vendor", "bios_vendor", "product_version")
# The environment of the first process and this file name what has made a container.
_MADE_BY = "run/systemd/container"
_SIGNS = ((".dockerenv", "docker"), ("run/.containerenv", "podman"))


def virtual(root: Path = Path("/")) -> str:
    """Return what kind of machine this is, such as "a virtual machine (KVM)" or "a container (lxc)"; "" for a real one.

    What cannot be read counts as no sign. `root`: where the machine's files are.
    """
    if container := next(_containers(root), ""):
        return f"a container ({container})"
    if _is_bare_metal_for_hire(root) or _is_first_domain(root):
        return ""
    named = next(_machines(root), "")
    return f"a virtual machine ({named})" if named else ""


def _containers(root: Path) -> Iterator[str]:
    if made := _text(root / _MADE_BY):
        yield made
    for assignment in _text(root / "proc/1/environ").split("\0"):
        name, _, value = assignment.partition("=")
        if name == "container" and value:
            yield value
    for path, name in _SIGNS:
        if (root / path).exists():
            yield name
    if (root / "proc/vz").is_dir() and not (root / "proc/bc").is_dir():  # the host has both
        yield "openvz"
    if "microsoft" in _text(root / "proc/sys/kernel/osrelease").lower():
        yield "wsl"


def _machines(root: Path) -> Iterator[str]:
    for field in _DMI:
        said = _text(root / "sys/class/dmi/id" / field)
        if any(sign in said for sign in _VIRTUAL):
            yield said
    if kind := _text(root / "sys/hypervisor/type"):
        yield kind.capitalize()
    if compatible := _text(root / "proc/device-tree/hypervisor/compatible"):  # ARM, POWER
        yield compatible.strip("\0").replace("\0", " ")
    if "Control Program" in (said := _text(root / "proc/sysinfo")):  # z/Architecture
        yield next(line.partition(":")[2].strip() for line in said.splitlines() if "Control Program" in line)
    flags = (line for line in _text(root / "proc/cpuinfo").splitlines() if line.startswith("flags"))
    if "hypervisor" in next(flags, "").split():
        yield "its processor has a hypervisor"


def _is_bare_metal_for_hire(root: Path) -> bool:
    """Tell whether this is a whole machine of a provider whose firmware names him as that of a virtual one does."""
    product = _text(root / "sys/class/dmi/id/product_name")
    flags = (line for line in _text(root / "proc/cpuinfo").splitlines() if line.startswith("flags"))
    return product.endswith(".metal") and "hypervisor" not in next(flags, "").split()


def _is_first_domain(root: Path) -> bool:
    """Tell whether this is the domain of Xen that has the hardware; it is paused by nobody."""
    return "control_d" in _text(root / "proc/xen/capabilities")


def _text(path: Path) -> str:
    with contextlib.suppress(OSError, HostError):
        return text_of(path).strip()
    return ""
