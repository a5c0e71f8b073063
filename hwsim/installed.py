"""A server of the rack as a new user gets it: the RPMs installed by rpm, with their private runtime."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from hwsim.nodes import NodeError, RackError, Running
from hwsim.page import FIRST_LOGIN_CODE, PANEL_ANSWERS
from hwsim.server import Server

RPMS = Path(__file__).parents[1] / "out" / "rpm"
PACKAGES = ("asha", "asha-runtime")
PROGRAM = "/usr/sbin/asha"
# The directories of /usr into which the packages install files; the rest of /usr is the host's.
_WRITTEN_TO = ("/usr/sbin", "/usr/lib", "/usr/share")
# The exit code tells how the pair is; an agent that does not answer leaves nothing on standard output.
_AGENT_ANSWERS = f'until [ -n "$({PROGRAM} status 2>/dev/null)" ]; do :; done'
_START_DEADLINE = 30.0


def package_files() -> list[Path]:
    """Return the RPM of each of PACKAGES. Raises RackError when one was not built."""
    found = [sorted(RPMS.glob(f"{name}-[0-9]*.rpm")) for name in PACKAGES]
    if not all(found):
        raise RackError(f"There are no RPMs in {RPMS}: make rpm first.")
    return [files[-1] for files in found]


class InstalledServer:
    """A server with asha installed; `code` is the first-login code that the installation printed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.side = server.side
        self.code = ""
        self._running: dict[str, Running] = {}

    async def install(self) -> None:
        """Run `rpm -Uvh`. An existing conf file stays as it is. Raises RackError."""
        files = [str(file) for file in package_files()]
        await self.sh("; ".join(map(_own, _WRITTEN_TO)))
        printed = await self.sh(f"rpm -Uvh --nodeps {shlex.join(files)}", 120)
        found = FIRST_LOGIN_CODE.search(printed)
        if found is None:
            raise NodeError(f"The installation on the {self.side} has printed no code: {printed}")
        self.code = found.group()

    async def configure(self, values: Mapping[str, str]) -> None:
        """Run `asha conf set` for each of `values`."""
        for key, value in values.items():
            await self.sh(shlex.join((PROGRAM, "conf", "set", key, value)))

    async def start_agent(self) -> None:
        """Start the agent's service as init does, and wait until the agent answers."""
        await self._start("agent")
        await self.sh(_AGENT_ANSWERS, _START_DEADLINE)

    async def start_panel(self) -> None:
        """Start the panel's service as init does, and wait until the panel answers."""
        await self._start("panel", "run")
        await self.sh(PANEL_ANSWERS, _START_DEADLINE)

    async def sh(self, script: str, deadline: float = 20.0) -> str:
        """Run a shell script on the server as root; return its output. Raises NodeError when it fails."""
        done = await self.server.node.run(["bash", "-c", script], deadline)
        if not done.ok:
            raise NodeError(
                f"On the {self.side}: {script}: {done.code} {done.err.strip()} {done.out.strip()}"
            )
        return done.out + done.err

    async def _start(self, *words: str) -> None:
        log = self.server.logs / f"{self.side}-{words[0]}.log"
        self._running[words[0]] = await self.server.node.spawn([PROGRAM, *words], log)


def _own(directory: str) -> str:
    """Return shell commands that lay a disk of the server's own over a directory of the host."""
    layer = f"/run/own{directory.replace('/', '-')}"
    options = f"lowerdir={directory},upperdir={layer}/upper,workdir={layer}/work,index=off"
    return f"mkdir -p {layer}/upper {layer}/work; mount -t overlay overlay -o {options} {directory}"
