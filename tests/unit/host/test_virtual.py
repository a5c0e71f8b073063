"""What kind of machine this is, by the signs of firmware, hypervisor and container."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.host.virtual import virtual

DMI = "sys/class/dmi/id/"
PLAIN = "processor: 0\nflags\t: fpu sse\n"
GUEST = "processor: 0\nflags\t: fpu hypervisor sse\n"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({DMI + "sys_vendor": "QEMU\n"}, "a virtual machine (QEMU)"),
        (
            {DMI + "sys_vendor": "Microsoft Corporation", DMI + "product_name": "Virtual Machine"},
            "a virtual machine (Virtual Machine)",
        ),
        ({DMI + "sys_vendor": "Microsoft Corporation", DMI + "product_name": "Surface"}, ""),
        ({DMI + "sys_vendor": "Dell Inc.", "proc/cpuinfo": PLAIN}, ""),
        ({DMI + "bios_vendor": "BHYVE"}, "a virtual machine (BHYVE)"),
        (
            {
                DMI + "sys_vendor": "Amazon EC2",
                DMI + "product_name": "t3.small",
                "proc/cpuinfo": GUEST,
            },
            "a virtual machine (Amazon EC2)",
        ),
        ({DMI + "sys_vendor": "Amazon EC2", DMI + "product_name": "m5.metal", "proc/cpuinfo": PLAIN}, ""),
        ({"sys/hypervisor/type": "xen\n"}, "a virtual machine (Xen)"),
        ({"sys/hypervisor/type": "xen\n", "proc/xen/capabilities": "control_d\n"}, ""),
        ({"proc/device-tree/hypervisor/compatible": "linux,kvm\0"}, "a virtual machine (linux,kvm)"),
        (
            {"proc/sysinfo": "Type: 8561\nVM00 Control Program: KVM/Linux\n"},
            "a virtual machine (KVM/Linux)",
        ),
        ({"proc/cpuinfo": GUEST}, "a virtual machine (its processor has a hypervisor)"),
        ({"run/systemd/container": "lxc\n", DMI + "sys_vendor": "QEMU"}, "a container (lxc)"),
        ({"proc/1/environ": "PATH=/bin\0container=systemd-nspawn\0"}, "a container (systemd-nspawn)"),
        ({".dockerenv": ""}, "a container (docker)"),
        ({"run/.containerenv": ""}, "a container (podman)"),
        ({"proc/vz/version": ""}, "a container (openvz)"),
        ({"proc/vz/version": "", "proc/bc/0": ""}, ""),
        ({"proc/sys/kernel/osrelease": "5.15.90-microsoft-standard-WSL2"}, "a container (wsl)"),
        ({}, ""),
    ],
)
def test_its_kind(tmp_path: Path, files: dict[str, str], kind: str) -> None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert virtual(tmp_path) == kind


def test_what_cannot_be_read_is_no_sign(tmp_path: Path) -> None:
    (tmp_path / "proc/cpuinfo").mkdir(parents=True)
    assert virtual(tmp_path) == ""
