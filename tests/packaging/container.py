"""A container as docker or podman makes one of an image: its layers unpacked in order, in namespaces of its own."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What a privileged container has: its own /proc and /sys, devices, and the 64 MB of /dev/shm that docker gives, and its
# layers below an overlay. Arguments: a folder, its layers with ':' between, the folder to begin in, the entry point.
_INSIDE = """
set -e
cd "$1"
mount -t tmpfs image upper
mkdir upper/upper upper/work
mount -t overlay overlay -o "lowerdir=$2,upperdir=upper/upper,workdir=upper/work" root
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount -t tmpfs tmpfs root/dev
mkdir root/dev/pts root/dev/shm
for device in null zero full random urandom tty; do
    touch root/dev/$device
    mount --bind /dev/$device root/dev/$device
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts root/dev/pts
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
mount -t tmpfs -o size=64m tmpfs root/dev/shm
ip link set lo up
hostname asha-sim
begin=$3
shift 3
mkdir root/old
cd root
pivot_root . old
umount -l /old
rmdir /old
cd "$begin"
exec "$@"
"""


class Image:
    """An archive of `docker save`'s form, unpacked below `folder`; `config` is what it says of itself."""

    def __init__(self, archive: Path, folder: Path) -> None:
        blobs = folder / "archive"
        blobs.mkdir(parents=True)
        _untar(archive, blobs)
        (listed,) = json.loads((blobs / "manifest.json").read_text())
        self.tags: list[str] = listed["RepoTags"]
        self.files = [blobs / name for name in listed["Layers"]]
        self.config: dict[str, Any] = json.loads((blobs / listed["Config"]).read_text())
        self.oci = blobs
        self.layers: list[Path] = []
        for number, file in enumerate(self.files):
            layer = folder / f"layer{number}"
            layer.mkdir()
            _untar(file, layer)
            self.layers.append(layer)


def _untar(archive: Path, folder: Path) -> None:
    subprocess.run(["tar", "-C", folder, "--numeric-owner", "-xpf", archive], check=True, timeout=120)


def digest(file: Path) -> str:
    """The name that a registry gives these bytes."""
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


class Container:
    """A privileged container of `image` that runs its entry point; what is typed goes in by `type`."""

    def __init__(self, image: Image, folder: Path, words: Sequence[str] = ()) -> None:
        for name in ("upper", "root"):
            (folder / name).mkdir(parents=True)
        config = image.config["config"]
        lower = ":".join(str(layer) for layer in reversed(image.layers))
        argv = [
            *("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child=KILL"),
            *(
                "sh",
                "-c",
                _INSIDE,
                "inside",
                folder,
                lower,
                config["WorkingDir"],
                *config["Entrypoint"],
                *words,
            ),
        ]
        env = dict(variable.split("=", 1) for variable in config["Env"])
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
        )
        self.said = ""
        self._pieces: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def until(self, pattern: str, patience: float) -> re.Match[str]:
        """Wait until the container has said something of `pattern` since the last time; return it and forget it."""
        end = time.monotonic() + patience
        while (found := re.search(pattern, self.said)) is None:
            try:
                self.said += self._pieces.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"after {patience} s no {pattern!r} in: {self.said}") from None
        self.said = self.said[found.end() :]
        return found

    def type(self, line: str) -> None:
        """Type a line at its prompt."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def wait(self, patience: float) -> int:
        """Wait for its end; return its exit status."""
        return self._process.wait(patience)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine on the container's network."""
        argv = ["nsenter", f"--target={self._first()}", "--net", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)

    def end(self) -> None:
        """End it and all that is in it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(20)

    def _first(self) -> str:
        """Process 1's number outside."""
        pid = self._process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]

    def _listen(self) -> None:
        assert self._process.stdout
        while piece := os.read(self._process.stdout.fileno(), 1 << 16):
            self._pieces.put(piece.decode(errors="replace"))
