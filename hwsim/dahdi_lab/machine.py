"""One virtual machine of the lab, by QEMU without any acceleration that a machine may lack."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "lab: "
_MEMORY = 256  # MB
_TO_END = 10.0


class LabError(Exception):
    """What was waited for did not happen, or a machine has ended."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a machine said, and when that arrived, in seconds of the monotonic clock."""

    at: float
    words: str


class Machine:
    """A machine that boots what `made` (out/dahdi) holds, and talks by its serial console.

    `extra` is a file system that is unpacked over the common one, `line` the socket of its network card.
    """

    def __init__(
        self, name: str, made: Path, extra: Path, line: Path, *, mac: str, peer: str, timing: int
    ) -> None:
        self.name = name
        self.started = time.monotonic()
        self._said: list[Said] = []
        self._console: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        words = f"console=ttyS0 quiet panic=-1 lab_role={name} lab_peer={peer} lab_timing={timing}"
        self._process = subprocess.Popen(
            [
                *_qemu(made),
                *("-accel", "tcg", "-cpu", "qemu64", "-smp", "1", "-m", str(_MEMORY)),
                *("-nodefaults", "-no-reboot", "-nographic", "-serial", "stdio", "-monitor", "none"),
                *("-kernel", str(made / "vmlinuz"), "-initrd", str(extra), "-append", words),
                *("-netdev", f"stream,id=line,server=off,addr.type=unix,addr.path={line}"),
                *("-device", f"virtio-net-pci,netdev=line,mac={mac},romfile="),
            ],
            env={**os.environ, "QEMU_MODULE_DIR": str(made / "qemu/usr/lib/x86_64-linux-gnu/qemu")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, name=f"console of {name}", daemon=True)
        self._reader.start()

    def tell(self, command: str) -> None:
        """Type `command` on its console."""
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()

    def wait_for(self, words: str, since: float = 0.0, deadline: float = 60.0) -> Said:
        """Return the first time that it said `words`, not before `since`. Raises LabError after `deadline` seconds."""
        end = time.monotonic() + deadline
        with self._changed:
            while (found := self._find(words, since)) is None:
                if self._ended or not self._changed.wait(end - time.monotonic()):
                    raise LabError(
                        f"{self.name} did not say '{words}'. Its console:\n" + "\n".join(self._console)
                    )
        return found

    def said(self, since: float = 0.0) -> list[Said]:
        """Return all that it said from `since` on."""
        with self._changed:
            return [one for one in self._said if one.at >= since]

    def end(self) -> None:
        """End it, and wait until it has."""
        self._process.kill()
        self._process.wait(_TO_END)
        self._reader.join(_TO_END)

    def _find(self, words: str, since: float) -> Said | None:
        return next((one for one in self._said if one.words == words and one.at >= since), None)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text, now = line.decode(errors="replace").strip(), time.monotonic()
            with self._changed:
                self._console.append(text)
                if _PREFIX in text:
                    self._said.append(Said(now, text.partition(_PREFIX)[2]))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _qemu(made: Path) -> list[str]:
    """Return how QEMU is called: by its own loader, which finds its own libraries whatever this machine has."""
    root = made / "qemu"
    libraries = ":".join(str(root / place / "x86_64-linux-gnu") for place in ("lib", "usr/lib"))
    firmware = [word for name in ("qemu", "seabios") for word in ("-L", str(root / "usr/share" / name))]
    loader = root / "lib64/ld-linux-x86-64.so.2"
    # Should the one who started it be killed, it ends too.
    outlives_nobody = ["setpriv", "--pdeathsig", "KILL", "--"]
    return [
        *outlives_nobody,
        str(loader),
        "--library-path",
        libraries,
        str(root / "usr/bin/qemu-system-x86_64"),
        *firmware,
    ]
