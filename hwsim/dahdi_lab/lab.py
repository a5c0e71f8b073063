"""Two nodes and an exchange as virtual machines, and the relay that leads the line to one of the nodes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from hwsim.dahdi_lab.initramfs import archive, own_files
from hwsim.dahdi_lab.machine import Machine
from hwsim.dahdi_lab.relay import EXCHANGE, NODES, LineRelay

MADE = Path("out/dahdi")
# Both nodes have one address: to the exchange, the line has one other end.
_EXCHANGE_MAC, _NODE_MAC = "52:54:00:00:00:01", "52:54:00:00:00:02"
_ARMATURE = 0.010  # seconds in which a relay's contact is at neither side (docs/facts/pri-timing.md)


class Lab:
    """The three machines; a context manager that ends them all.

    `files` are put into each node's machine, by their paths there. A file reader.py in the folder lab is started.
    """

    def __init__(self, files: Mapping[str, bytes], made: Path = MADE) -> None:
        self._files = dict(files)
        self._made = made.resolve()
        self.machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="dahdi-lab-")
        folder = Path(self._folder.name)
        self.relay = LineRelay(folder)
        try:
            for name in (EXCHANGE, *NODES):
                self.machines[name] = self._start(name, folder)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for machine in self.machines.values():
            machine.end()
        self.relay.close()
        self._folder.cleanup()

    def move(self, node: str | None) -> float:
        """Lead the line to `node` as a relay does, and return when its contact closed there."""
        self.relay.connect(None)
        time.sleep(_ARMATURE)
        self.relay.connect(node)
        return time.monotonic()

    def _start(self, name: str, folder: Path) -> Machine:
        is_exchange = name == EXCHANGE
        own = own_files() | ({} if is_exchange else self._files)
        extra = folder / f"{name}.cpio.gz"
        extra.write_bytes((self._made / "guest.cpio.gz").read_bytes() + archive(own))
        mac, peer = (_EXCHANGE_MAC, _NODE_MAC) if is_exchange else (_NODE_MAC, _EXCHANGE_MAC)
        # A PBX takes its timing from the line, 1; the exchange gives it, 0.
        timing = 0 if is_exchange else 1
        return Machine(name, self._made, extra, self.relay.paths[name], mac=mac, peer=peer, timing=timing)
