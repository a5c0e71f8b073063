"""Hosts to install RPMs on: a folder as root, in namespaces of its own, with an EL5-like system or with nothing."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

DBPATH = "/var/lib/rpm"  # EL5's, written out because Debian's rpm keeps its own elsewhere
PATH = "/sbin:/usr/sbin:/bin:/usr/bin"
_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    "console": (1, 3),
    "ptmx": (5, 2),
}
_ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C"}
# Arguments: the root, the name of the host, then what is process 1.
_INSIDE = """
set -e
mount -t proc proc "$1/proc"
mkdir -p "$1/dev/pts" && mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
ip link set lo up
ip link add eth0 type veth peer name cable && ip link set eth0 up && ip link set cable up
hostname "$2"
root=$1
shift 2
exec chroot "$root" "$@"
"""

Done = subprocess.CompletedProcess[str]


class Host:
    """A root folder. `up` gives it processes, a network and a name of its own; `down` takes it all away."""

    RUN = "/var/run"
    APART: tuple[str, ...] = (DBPATH, "/proc", "/dev")

    def __init__(self, root: Path, name: str = "haprimary") -> None:
        self.root = root
        self.name = name
        self.log = root.with_suffix(".log")
        self._holder: subprocess.Popen[bytes] | None = None
        root.mkdir(parents=True, exist_ok=True)
        _make_devices(root / "dev")

    # -- power --------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Switch it on, and wait until it has booted."""
        self.path("/var/run/runlevel").unlink(missing_ok=True)
        argv = [
            *("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child=KILL"),
            *("sh", "-c", _INSIDE, "inside", self.root, self.name, "/sbin/init"),
        ]
        with self.log.open("ab") as log:
            self._holder = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": PATH}
            )
        until(self._is_up, "the host is up")
        until(self.path("/var/run/runlevel").exists, "the boot is over", 60)

    def down(self) -> None:
        """Cut its power: every process in it is gone."""
        if self._holder is not None:
            first = self._first()
            if first is not None:
                subprocess.run(
                    ["kill", "-KILL", str(first)], check=False, stderr=subprocess.DEVNULL, timeout=5
                )
            self._holder.wait(timeout=10)
            self._holder = None

    def _first(self) -> int | None:
        """Process 1's number outside."""
        assert self._holder is not None
        pid = self._holder.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except FileNotFoundError:
            return None
        return int(children[0]) if children else None

    def _is_up(self) -> bool:
        first = self._first()
        # Until the chroot the first process is still the shell that prepares it.
        return first is not None and os.readlink(f"/proc/{first}/root") == str(self.root)

    # -- doing things -------------------------------------------------------------------------------------

    def run(self, *words: str, wrap: tuple[str, ...] = (), given: str = "", timeout: float = 60) -> Done:
        """Run a command inside. `wrap` stands before its entering of the root; `given` is its input."""
        return self._enter([*wrap, *self._to_root(), *words], timeout, given)

    def sh(self, script: str, timeout: float = 60) -> Done:
        """Run a shell script inside."""
        return self.run("/bin/sh", "-c", script, timeout=timeout)

    def rpm(self, *words: str | Path, wrap: tuple[str, ...] = ()) -> Done:
        """This machine's rpm on that host's root and database; its scripts see the host's own /proc."""
        argv = [*wrap, "rpm", "--force-debian", "--root", self.root, "--dbpath", DBPATH, *words]
        return self._enter(argv, 120)

    def spawn(self, *words: str, wrap: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a command inside and let it run; it ends with the host at the latest."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self._inside(), *wrap, *self._to_root(), *words],
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _to_root(self) -> list[str | Path]:
        return ["chroot", self.root]

    def _inside(self) -> list[str]:
        if self._holder is None:
            return []
        return ["nsenter", f"--target={self._first()}", "--mount", "--pid", "--net", "--uts", "--ipc"]

    def _enter(self, argv: list[str | Path], timeout: float, given: str = "") -> Done:
        return subprocess.run(
            [*self._inside(), *argv],
            env=_ENVIRONMENT,
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    # -- its disk -----------------------------------------------------------------------------------------

    def path(self, path: str) -> Path:
        """`path` of the host, as seen from here."""
        return self.root / path.lstrip("/")

    def read(self, path: str) -> str:
        return self.path(path).read_text()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)
        self.path(path).chmod(mode)

    def make_node(self, path: str, major: int, minor: int) -> None:
        """A character device."""
        os.mknod(self.path(path), stat.S_IFCHR | 0o660, os.makedev(major, minor))

    def files(self) -> set[str]:
        """Every file and folder on its disk but the packages' database and what a running system writes by itself."""
        apart = {self.path(path) for path in self.APART}
        found = set()
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if Path(folder, name) not in apart]
            found |= {str(Path(folder, name).relative_to(self.root)) for name in (*names, *folders)}
        return found


def ok(done: Done) -> str:
    """What a command said that ended well."""
    assert done.returncode == 0, f"{done.args}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def until(true: Callable[[], bool], what: str, patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"after {patience} s it is not so that {what}"
        time.sleep(0.05)


def _make_devices(dev: Path) -> None:
    dev.mkdir(exist_ok=True)
    for name, numbers in _DEVICES.items():
        os.mknod(dev / name, stat.S_IFCHR | 0o666, os.makedev(*numbers))
        (dev / name).chmod(0o666)
