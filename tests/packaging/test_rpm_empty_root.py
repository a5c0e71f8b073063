"""The installed product where there is nothing else: our files, /dev, /proc and /sys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Rpms
from hosts import Host, ok

# As the kernel has it when nothing but the root is there.
_WRAP = (
    *("unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child=KILL"),
    *("sh", "-c", 'mount -t proc proc "$0/proc" && hostname haprimary && exec "$@"'),
)


@pytest.fixture
def empty(tmp_path: Path, rpms: Rpms) -> Host:
    """The files of asha and its runtime, unpacked."""
    host = Host(tmp_path / "empty")
    for folder in ("proc", "sys", "tmp"):
        host.path(folder).mkdir()
    for name in ("asha-runtime", "asha"):
        unpack = f"rpm2cpio {rpms[name]} | cpio --quiet -idm -D {host.root}"
        subprocess.run(["sh", "-c", unpack], check=True, timeout=60)
    return host


def test_nothing_else_is_there(empty: Host) -> None:
    assert not empty.path("/bin").exists() and not empty.path("/lib").exists()
    assert [path.name for path in empty.path("/usr").iterdir() if path.name == "lib"] == [
        "lib"
    ]  # the unit's folder


def test_it_runs(empty: Host) -> None:
    wrap = (*_WRAP[:-1], _WRAP[-1], str(empty.root))
    assert "asha, version 2.0.0" in ok(empty.run("/usr/sbin/asha", "--version", wrap=wrap))
    checked = empty.run("/usr/sbin/asha", "check", wrap=wrap)
    assert checked.returncode == 3, checked.stderr
    assert "ok   conf        /etc/asha.conf has no problem; this node is the primary" in checked.stdout
    assert "NOT  Heartbeat" in checked.stdout
