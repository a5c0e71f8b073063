"""A real Asterisk on a rack's nodes, run from the root folder of a Debian that still has one.

The node's own programs stay the host's: a program of that root is run by chroot, where the node's files of Asterisk,
its devices and its processes are seen at their places. `make lab` makes the root.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.nodes.errors import NodeError

if TYPE_CHECKING:
    from hwsim.nodes import Node

# Where 'make lab' puts it (setup.sh).
ROOT = Path(__file__).resolve().parents[2] / "out" / "asterisk"
PROGRAM = "/usr/sbin/asterisk"
# The node's places that its Asterisk sees, and the files that the package brings there.
_SHARED = (
    "/etc/asterisk",
    "/var/lib/asterisk",
    "/var/spool/asterisk",
    "/var/log/asterisk",
    "/run",
    "/proc",
    "/dev",
    "/sys",
)
_PACKAGED = ("/etc/asterisk", "/var/lib/asterisk", "/var/spool/asterisk", "/var/log/asterisk")
_UNITS = ("usr/lib/systemd/system/asterisk.service", "lib/systemd/system/asterisk.service")
# What a server without a sound card, a database or a DAHDI kernel module cannot load, at the cost of a second's boot.
_LEFT_OUT = (
    *("chan_alsa", "chan_console", "chan_oss", "pbx_gtkconsole", "res_config_odbc", "res_config_pgsql"),
    *("app_directory_odbc", "chan_dahdi", "app_meetme"),
)


def is_there(root: Path = ROOT) -> bool:
    """Tell whether a root with Asterisk was made."""
    return (root / PROGRAM[1:]).exists()


def install(node: Node, left_out: Iterable[str] = (), root: Path = ROOT) -> None:
    """Put the package's files on the node's disk: conf files, unit, user; and the program where it is called from.

    `left_out`: modules that it is not to load. Raises NodeError when there is no such root.
    """
    if not is_there(root):
        raise NodeError(f"There is no Asterisk in {root}: run 'make lab'.")
    node.write("/usr/local/sbin/asterisk", f'#!/bin/sh\nexec chroot {root} {PROGRAM} "$@"\n', 0o755)
    for place in _PACKAGED:
        node.disk.make_parents(f"{place}/x")
        _copy(root / place[1:], node.disk.upper(place))
    for table in ("/etc/passwd", "/etc/group"):  # as the package made it
        others = [line for line in Path(table).read_text().splitlines() if not line.startswith("asterisk:")]
        theirs = [
            line for line in (root / table[1:]).read_text().splitlines() if line.startswith("asterisk:")
        ]
        node.write(table, "\n".join((*theirs, *others)) + "\n")
    unit = next((root / place for place in _UNITS if (root / place).exists()), None)
    if unit is not None:
        node.write("/etc/systemd/system/asterisk.service", unit.read_text())
    node.write("/etc/asterisk/modules.conf", "\n".join(_modules(left_out)) + "\n")


def _copy(source: Path, target: Path) -> None:
    """Copy a directory as the package made it: its Asterisk reads by its own user's rights."""
    shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
    for one in (source, *source.rglob("*")):
        seen = one.lstat()
        os.chown(target / one.relative_to(source), seen.st_uid, seen.st_gid, follow_symlinks=False)


async def mount(node: Node, root: Path = ROOT) -> None:
    """Show the node's places to its Asterisk; after each boot, for no mount outlives one. Raises NodeError."""
    steps = "\n".join(f"mkdir -p {root}{place}; mount --rbind {place} {root}{place}" for place in _SHARED)
    done = await node.run(["sh", "-ec", steps])
    if not done.ok:
        raise NodeError(f"The Asterisk of {root} cannot see {node.hostname}: {done.err.strip()}")


def _modules(left_out: Iterable[str]) -> Iterator[str]:
    yield "[modules]"
    yield "autoload=yes"
    for name in (*_LEFT_OUT, *left_out):
        yield f"noload => {name}.so"
