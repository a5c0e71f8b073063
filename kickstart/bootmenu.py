"""A distribution's own boot menus with two more entries: install the primary, install the secondary."""

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
# The kernel arguments by which a menu entry is recognised as something else than a plain installation.
_OTHER = re.compile(r"(?:^|\s)(?:rescue|inst\.rescue|rd\.live\.check|nomodeset|inst\.ks=\S*|ks=\S*)(?=\s|$)")


class NoInstallEntry(ValueError):
    """The menu has no entry that installs, so there is no pattern for asha's entries."""


def with_isolinux_entries(text: str, release: Release) -> str:
    """Return `text`, an isolinux.cfg, with asha's entries at its end. Raises NoInstallEntry.

    The entry that the menu starts by default stays the same.
    """
    for stanza in _LABEL.findall(text):
        kernel, append = _KERNEL.search(stanza), _APPEND.search(stanza)
        if kernel and append and not _OTHER.search(append[1]):
            entries = [_label(role, kernel[1], _arguments(append[1], release, role)) for role in ROLES]
            return "".join([_ending_a_line(text), *entries])
    raise NoInstallEntry


def with_grub_entries(text: str, release: Release) -> str:
    """Return `text`, a grub.cfg, with asha's entries at its end. Raises NoInstallEntry.

    The default of a grub.cfg is the number of an entry, so it stays the same.
    """
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
    """Return the kernel's arguments: those of the distribution's entry, and the place of the kickstart file."""
    path = f"/asha/{release.name}-{role}.ks"
    if release.major == 5:
        return f"{base.strip()} ks=cdrom:{path}"
    # The installer's own place: the same words find it on a disc and on a stick.
    stage2 = re.search(r"inst\.stage2=(\S+)", base)
    return f"{base.strip()} inst.ks={stage2[1] if stage2 else 'cdrom'}:{path}"
