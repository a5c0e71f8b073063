"""A system booted with systemd, this very one or another root: an overlay, so that nothing of it is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hosts import DBPATH, PATH, Done, Host, ok, until

# Arguments: a folder, and the root that lies below. All mounts are in a namespace that ends with it.
_INSIDE = """
set -e
mount -t tmpfs upper "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
root=$1/root
rm -f "$root/etc/machine-id" "$root/etc/fstab"
echo haprimary >"$root/etc/hostname"
cat >"$root/etc/systemd/system/test.target" <<UNIT
[Unit]
Requires=basic.target
After=basic.target
AllowIsolate=yes
UNIT
exec systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network --hostname=haprimary \
    --boot systemd.unit=test.target
"""


class SystemdHost(Host):
    """Booted to basic.target: systemd and its own helpers, none of this machine's services."""

    RUN = "/run"  # a link would lead out of its root

    def __init__(self, folder: Path, lower: Path = Path("/")) -> None:
        self.root = folder  # until it is up
        self._lower = lower
        self.name = "haprimary"
        self.log = folder.with_suffix(".log")
        self._folder = folder
        self._holder = None
        folder.mkdir(parents=True, exist_ok=True)

    def up(self) -> None:
        argv = ["unshare", "--mount", "sh", "-c", _INSIDE, "inside", self._folder, self._lower]
        with self.log.open("ab") as log:
            self._holder = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": PATH}
            )
        until(self._is_up, "the host is up", patience=60)
        self.root = Path(f"/proc/{self._first()}/root")
        until(self._has_booted, "the host has booted", patience=60)
        ok(
            self.sh(
                "ip link add eth0 type veth peer name cable && ip link set eth0 up && ip link set cable up"
            )
        )

    def down(self) -> None:
        first = self._first() if self._holder is not None else None
        if first is not None:
            subprocess.run(["kill", "-KILL", str(first)], check=False, timeout=5)
        if self._holder is not None:
            self._holder.wait(timeout=20)
            self._holder = None

    def rpm(self, *words: str | Path, wrap: tuple[str, ...] = ()) -> Done:
        return self._enter([*wrap, "rpm", "--force-debian", "--dbpath", DBPATH, *words], 120)

    def bring(self, rpms: Mapping[str, Path]) -> list[str]:
        """Put packages where the host sees them; their names there."""
        self.path("/root/rpms").mkdir(exist_ok=True)
        for rpm in rpms.values():
            shutil.copy(rpm, self.path("/root/rpms"))
        return [f"/root/rpms/{rpm.name}" for rpm in rpms.values()]

    def _to_root(self) -> list[str | Path]:
        return []  # its mounts have their root already

    def _first(self) -> int | None:
        """systemd: the child of nspawn, and not one that nspawn has while it prepares."""
        found = super()._first()
        try:
            named = found is not None and Path(f"/proc/{found}/comm").read_text().strip() == "systemd"
        except OSError:
            return None
        return found if named else None

    def _is_up(self) -> bool:
        first = self._first()
        try:
            return first is not None and os.path.exists(f"/proc/{first}/root/run/systemd/private")
        except OSError:
            return False

    def _has_booted(self) -> bool:
        return self.run("systemctl", "is-active", "test.target").stdout.strip() == "active"
