"""A distribution's own boot menus with two entries more: install the primary, install the secondary."""

from __future__ import annotations

import re

from kickstart.release import Release
from kickstart.site import ROLES, Role

_LABEL = re.compile(
    r"^[ \t]*label[ \t]+\S+[ \t]*\n(?:(?![ \t]*label[ \t]).*\n?)*", re.MULTILINE | re.IGNORECASE
)
_KERNEL = re.compile(r"^[ \t]*kernel[ \t]+(\S+)", re.MULTILINE | re.IGNORECASE)
_APPEND = re.compile(r"^[ \t]*append[ \t]+(.+)", re.MULTILINE | re.IGNORECASE)
_ENTRY = re.compile(
    r"^[ \t]*menuentry[ \t][^\n]*\{[ \t]*\n"
    r"[ \t]*(?P<linux>linux(?:efi)?)[ \t]+(?P<kernel>\S+)[ \t]*(?P<arguments>[^\n]*)\n"
    r"[ \t]*(?P<initrd>initrd(?:efi)?)[ \t]+(?P<image>[^\n]*)\n",
    re.MULTILINE,
)
# What an entry for something else than a plain installation has on its kernel's command line.
_OTHER = re.compile(r"(?:^|\s)(?:rescue|inst\.rescue|rd\.live\.check|nomodeset|inst\.ks=\S*|ks=\S*)(?=\s|$)")


class NoInstallEntry(ValueError):
    """The menu has no entry that installs, so none can be made after its pattern."""


def with_isolinux_entries(text: str, release: Release) -> str:
    """`text`, an isolinux.cfg, with our entries at its end: what it starts by default stays so.

    Raises NoInstallEntry.
    """
    for stanza in _LABEL.findall(text):
        kernel, append = _KERNEL.search(stanza), _APPEND.search(stanza)
        if kernel and append and not _OTHER.search(append[1]):
            entries = [_label(role, kernel[1], _arguments(append[1], release, role)) for role in ROLES]
            return "".join([_ending_a_line(text), *entries])
    raise NoInstallEntry


def with_grub_entries(text: str, release: Release) -> str:
    """The same for a grub.cfg, whose default is the number of an entry."""
    for entry in _ENTRY.finditer(text):
        if not _OTHER.search(entry["arguments"]):
            entries = [
                _menuentry(role, entry, _arguments(entry["arguments"], release, role)) for role in ROLES
            ]
            return "".join([_ending_a_line(text), *entries])
    raise NoInstallEntry


def _label(role: Role, kernel: str, arguments: str) -> str:
    return (
        f"\nlabel asha-{role}\n  menu label asha: install the {role}\n"
        f"  kernel {kernel}\n  append {arguments}\n"
    )


def _menuentry(role: Role, like: re.Match[str], arguments: str) -> str:
    return (
        f"\nmenuentry 'asha: install the {role}' {{\n"
        f"\t{like['linux']} {like['kernel']} {arguments}\n\t{like['initrd']} {like['image']}\n}}\n"
    )


def _ending_a_line(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _arguments(base: str, release: Release, role: Role) -> str:
    """The kernel's arguments: those of the distribution's entry, and where the kickstart file is."""
    path = f"/asha/{release.name}-{role}.ks"
    if release.major == 5:
        return f"{base.strip()} ks=cdrom:{path}"
    # Where the installer itself is: found by the same words, on a disc as on a stick.
    stage2 = re.search(r"inst\.stage2=(\S+)", base)
    return f"{base.strip()} inst.ks={stage2[1] if stage2 else 'cdrom'}:{path}"
