"""A machine of the rack: boots, loses power, hangs, reboots; keeps its disk; runs the real programs."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from hwsim.nodes import census
from hwsim.nodes.disk import Disk, beneath
from hwsim.nodes.errors import NodeError
from hwsim.nodes.freezer import Freezer, discard, freeze, open_freezer
from hwsim.nodes.init import OVERLAID, in_tree
from hwsim.nodes.inside import SYSTEM_PATH, Door, Result, Running, in_cgroup
from hwsim.nodes.network import Link, Network
from hwsim.nodes.own_clock import OwnClock

SHARED = "/run/hwsim"
"""The directory of each node in which it sees what the rack shares with it."""

_INIT = Path(__file__).with_name("init.py")
_KEEP = (Path(__file__).resolve().parents[2], Path(sys.prefix), Path(sys.base_prefix))
_BOOT_DEADLINE = 10.0
_REAPED_EACH = 0.5
_UNSHARE = ("unshare", "-m", "-u", "-i", "-p", "--fork", "--kill-child", "--mount-proc")


class Power(enum.Enum):
    """The power state of a machine as seen from outside."""

    OFF = "off"
    ON = "on"
    HUNG = "hung"  # the machine has power and nothing answers


class Node:
    """One machine of `network`: `name` is its place there, `hostname` what `uname -n` says.

    `root_dir` holds its disk and boot log; it must be on a tmpfs or a plain filesystem and outside
    the directories the disk is laid over (take `rack_dir(prefix)`). `path_first` are directories put
    before the system's in PATH, `env` is added to every program's environment. `disk_size` is in bytes, 0 for no limit.
    With `own_clock` its wall clock can be stepped; else it is the host's.
    """

    def __init__(
        self,
        name: str,
        hostname: str,
        root_dir: Path,
        network: Network,
        *,
        path_first: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        disk_size: int = 0,
        own_clock: bool = False,
    ) -> None:
        if any(in_tree(str(root_dir.resolve()), directory) for directory in OVERLAID):
            raise NodeError(f"{root_dir} lies under a directory every node overlays; use rack_dir(prefix).")
        self.name = name
        self.hostname = hostname
        self.network = network
        self.disk = Disk(root_dir / name / "disk")
        self.shared = root_dir / "shared"  # the node sees it as SHARED
        self.boot_log = root_dir / name / "boot.log"
        self.env = {
            "PATH": ":".join((*path_first, SYSTEM_PATH)),
            "HOME": "/root",
            "LANG": "C.UTF-8",
            **(env or {}),
        }
        self.on_down: Callable[[], None] = lambda: None  # called on the loop whenever the machine goes down
        self._power = Power.OFF
        self._init = 0
        self._handle = -1  # pidfd of the init, so that no other process is ever killed in its place
        self._freezer: Freezer | None = None
        self._life: asyncio.Task[None] | None = None
        self._spawned: list[Running] = []
        self.disk.top.mkdir(parents=True, exist_ok=True)
        if disk_size:
            self.disk.limit(disk_size)
        self.shared.mkdir(parents=True, exist_ok=True)
        self._clock: OwnClock | None = None
        if own_clock:
            self._clock = OwnClock(name, self.shared, SHARED)
            self._clock.begin()
        network.unplug(name)

    @property
    def power(self) -> Power:
        """The state: off, on or hung."""
        return self._power

    @property
    def init(self) -> int:
        """The host's pid of the node's PID 1. Raises NodeError while the node is off."""
        if self._power is Power.OFF:
            raise NodeError(f"{self.hostname} is off.")
        return self._init

    def prepare(
        self,
        *,
        empty: Iterable[str] = (),
        absent: Iterable[str] = (),
        files: Mapping[str, str | bytes] | None = None,
    ) -> None:
        """Prepare the disk: empty directories, hide the host's files, write files (mode 0644).

        For use before the first boot.
        """
        if self._power is not Power.OFF:
            raise NodeError(f"{self.hostname} is on: its disk is prepared while it is off.")
        for path in empty:
            self.disk.empty(path)
        for path in absent:
            self.disk.hide(path)
        for path, text in {"/etc/hostname": self.hostname + "\n", **(files or {})}.items():
            self.write(path, text)

    async def boot(self) -> None:
        """Power on, and return when the machine is up with its own addresses. Raises NodeError."""
        if self._power is not Power.OFF:
            raise NodeError(f"{self.hostname} is already on.")
        await self.wait_down()
        self._freezer = open_freezer(self.network.namespace(self.name))
        resetting = asyncio.create_task(self.network.reset(self.name))
        try:
            await self._start()
        except BaseException:
            await discard(self._freezer)
            raise
        finally:
            await resetting
        self.network.plug(self.name)

    def power_off(self) -> float:
        """Cut the mains: the ports go dark, then every process dies. Return the monotonic time."""
        gone = time.monotonic()
        if self._power is not Power.OFF:
            self.network.unplug(self.name)
            with contextlib.suppress(ProcessLookupError):  # the init has just ended by itself
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            self._went_down()
        return gone

    async def wait_down(self) -> None:
        """Wait until the machine is off and its remains are gone (after power_off or a reboot from inside)."""
        if self._life is not None:
            await asyncio.shield(self._life)

    async def close(self) -> None:
        """Power off if needed and wait for the end."""
        self.power_off()
        await self.wait_down()

    async def freeze(self) -> float:
        """Hang with power on: processes stop, links keep carrier but are silent. Return the monotonic time."""
        hung = time.monotonic()
        init, freezer = self.init, self._opened()
        self.network.mute(self.name)
        self._power = Power.HUNG
        await freeze(freezer, init)
        return hung

    def thaw(self) -> float:
        """Resume the processes where they stopped. Return the monotonic time."""
        if self._power is not Power.HUNG:
            raise NodeError(f"{self.hostname} is not hung.")
        self._power = Power.ON
        self.network.unmute(self.name)
        self._opened().go_on(self._init)
        return time.monotonic()

    def step_clock(self, seconds: float) -> None:
        """Set the node's wall clock forward by `seconds`, or back when negative, as far as `own_clock.py` says.

        The step outlives a boot, as that of a machine's clock does. Raises NodeError when it has no clock of its own.
        """
        if self._clock is None:
            raise NodeError(f"{self.hostname} has no wall clock of its own.")
        self._clock.step(seconds)

    def cut(self, link: Link) -> None:
        """Pull a network cable of this node."""
        self.network.cut(self.name, link)

    def heal(self, link: Link) -> None:
        """Put a network cable of this node back."""
        self.network.heal(self.name, link)

    async def run(
        self, argv: Sequence[str], deadline: float = 10.0, env: Mapping[str, str] | None = None
    ) -> Result:
        """Run a program inside for at most `deadline` seconds. Raises NodeError when off or hung."""
        return await self._door().run(argv, deadline, env or {})

    async def spawn(self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Running:
        """Start a program inside that keeps running; its output is appended to `log` on the host."""
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            running = await self._door().start(argv, env or {}, handle, handle)
        finally:
            os.close(handle)
        self._spawned.append(running)
        return running

    def pids(self, pattern: str) -> list[int]:
        """Return the node's own pids whose command line matches the regular expression `pattern`."""
        return census.matching(self._init, pattern) if self._power is not Power.OFF else []

    def kill(self, pid: int, number: int = signal.SIGKILL) -> float:
        """Signal the node's process `pid` and return the monotonic time. Raises NodeError without one."""
        sent = census.kill(self.init, pid, number)
        if sent is None:
            raise NodeError(f"{self.hostname} has no process {pid}.")
        return sent

    def path(self, path: str) -> Path:
        """Return the host's path to the node's `path`; while off, only to the node's own disk files."""
        if self._power is Power.OFF:
            return self.disk.upper(path)
        return beneath(Path(f"/proc/{self._init}/root"), path)

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a whole file on the node, owned by root, whether the node is on or off."""
        if self._power is Power.OFF:
            place = self.disk.make_parents(path)
        else:
            place = self.path(path)
            place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(place.name + ".new")
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        new.chmod(mode)
        new.replace(place)

    def symlink(self, path: str, target: str) -> None:
        """Make or replace a symlink on the running node, as when a serial port appears."""
        place = beneath(Path(f"/proc/{self.init}/root"), str(Path(path).parent)) / Path(path).name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    def unlink(self, path: str) -> None:
        """Remove a file or link (not its target) of the running node; harmless when absent."""
        place = beneath(Path(f"/proc/{self.init}/root"), str(Path(path).parent)) / Path(path).name
        place.unlink(missing_ok=True)

    async def _start(self) -> None:
        program = [sys.executable, "-IS", str(_INIT), self.hostname, str(self.disk.top), str(self.shared)]
        argv = [
            "ip",
            "netns",
            "exec",
            self.network.namespace(self.name),
            *_UNSHARE,
            *program,
            *map(str, _KEEP),
        ]
        argv = in_cgroup(self._opened().entry, ["setpriv", "--pdeathsig", "KILL", *argv])
        with self.boot_log.open("ab") as log:
            machine = await asyncio.create_subprocess_exec(
                *argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.env,
                start_new_session=True,
            )
        try:
            self._init = await self._await_ready(machine)
            self._handle = os.pidfd_open(self._init)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                machine.kill()
            await machine.wait()
            raise
        self._power = Power.ON
        self._life = asyncio.create_task(self._live(machine))

    async def _await_ready(self, machine: asyncio.subprocess.Process) -> int:
        """Return the init's pid, once the init has reported that it is up."""
        assert machine.stdout is not None
        said = b""
        with contextlib.suppress(TimeoutError):
            said = await asyncio.wait_for(machine.stdout.readline(), _BOOT_DEADLINE)
        init = census.child_of(machine.pid)
        if said == b"ready\n" and init is not None:
            return init
        last = self.boot_log.read_text(errors="replace").strip().splitlines()[-1:]
        raise NodeError(f"{self.hostname} did not boot: {''.join(last) or 'it said nothing'}.")

    async def _live(self, machine: asyncio.subprocess.Process) -> None:
        """Wait until the init is gone, killed from outside or rebooted from inside; then be off.

        It goes when all its processes are reaped, and those that were spawned are reaped by their nsenter, which stops
        when they are stopped.
        """
        ending = asyncio.create_task(machine.wait())
        while not ending.done():
            await asyncio.wait({ending}, timeout=_REAPED_EACH)
            if self._power is Power.OFF:
                for running in self._spawned:
                    running.go_on()
        self._spawned.clear()
        self._went_down()
        os.close(self._handle)
        await discard(self._opened())

    def _went_down(self) -> None:
        if self._power is Power.OFF:
            return
        hung = self._power is Power.HUNG
        self._power = Power.OFF
        self.network.unplug(self.name)
        if hung:
            self.network.unmute(self.name)
            self._opened().go_on(self._init)  # a frozen process cannot die under cgroup version 1
        self.on_down()

    def _door(self) -> Door:
        if self._power is Power.HUNG:
            raise NodeError(f"{self.hostname} is hung: nothing can be run on it.")
        return Door(self.init, self._opened().entry, self.env, self._clock.env if self._clock else {})

    def _opened(self) -> Freezer:
        assert self._freezer is not None
        return self._freezer
