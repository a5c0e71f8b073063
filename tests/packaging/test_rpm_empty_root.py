"""The installed product where there is nothing else: our files, /dev, /proc and /sys."""

from __future__ import annotations

from hosts import Host, ok

# As the kernel has it when nothing but the root is there.
_WRAP = (
    *("unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child=KILL"),
    *("sh", "-c", 'mount -t proc proc "$0/proc" && hostname haprimary && exec "$@"'),
)


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
    assert "NOT  HA engine" in checked.stdout
