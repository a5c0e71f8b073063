"""systemd's units as their files say, below any root: enabled, with which values, running. See systemd.unit(5)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from appliance.host.text_files import lines_of

# The first wins.
_DIRECTORIES = (
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
)
_GROUPS = ("sys/fs/cgroup/system.slice", "sys/fs/cgroup/systemd/system.slice")
_MASK = "/dev/null"


def enabled_by(root: Path, name: str) -> Iterator[Path]:
    """Yield the links by which the unit NAME.service is started with a target; none when it is masked."""
    if _is_masked(root, name):
        return
    # A link may lead nowhere: systemd goes by its name. So it is looked for without following it.
    seen: set[str] = set()
    for directory in _DIRECTORIES:
        for kind in ("wants", "requires"):
            for group in sorted((root / directory).glob(f"*.{kind}")):
                link = group / f"{name}.service"
                if os.path.lexists(link) and os.path.realpath(group) not in seen:
                    seen.add(os.path.realpath(group))
                    yield link


def _is_masked(root: Path, name: str) -> bool:
    files = (root / directory / f"{name}.service" for directory in _DIRECTORIES)
    first = next((file for file in files if os.path.lexists(file)), None)
    return first is not None and first.is_symlink() and str(first.readlink()) == _MASK


def has_unit(root: Path, name: str) -> bool:
    """Return whether there is a unit file NAME.service, masked or not."""
    return any(os.path.lexists(root / directory / f"{name}.service") for directory in _DIRECTORIES)


def unit_value(root: Path, name: str, key: str) -> str:
    """Return the value of `key` in force in NAME.service, with its drop-ins; "" when there is none.

    Raises OSError.
    """
    return unit_values(root, name, (key,)).get(key, "")


def unit_values(root: Path, name: str, keys: Collection[str]) -> dict[str, str]:
    """Return the values of `keys` in force in NAME.service, with its drop-ins; none of one that is masked.

    Raises OSError.
    """
    found: dict[str, str] = {}
    if _is_masked(root, name):
        return found
    for file in (*_fragment(root, name), *_drop_ins(root, name)):
        for line in lines_of(file):
            word, equals, value = line.partition("=")
            if equals and word.strip() in keys:
                found[word.strip()] = value.strip()
    return found


def _fragment(root: Path, name: str) -> list[Path]:
    files = [root / directory / f"{name}.service" for directory in _DIRECTORIES]
    return [file for file in files if file.is_file()][:1]


def _drop_ins(root: Path, name: str) -> list[Path]:
    """Return the drop-ins in the order in which they are read: by file name, each name from the first directory."""
    by_name: dict[str, Path] = {}
    for directory in _DIRECTORIES:
        for file in (root / directory / f"{name}.service.d").glob("*.conf"):
            by_name.setdefault(file.name, file)
    return [by_name[one] for one in sorted(by_name)]


def is_active(root: Path, name: str) -> bool:
    """Return whether processes run in the unit's control group."""
    for group in _GROUPS:
        try:
            if (root / group / f"{name}.service/cgroup.procs").read_bytes().strip():
                return True
        except OSError:
            continue  # not a machine with systemd, or the unit does not run
    return False
