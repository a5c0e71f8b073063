"""A server of the rack as a new user gets it: the RPMs installed by rpm, their services started, nothing set up."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from hwsim.nodes import Network, Running
from hwsim.nodes.sshd import start_sshd
from hwsim.server import Server

TREE = Path(__file__).parents[2]
RPMS = TREE / "out/rpm"
PACKAGES = ("asha", "asha-runtime")
# Other names than the conf file's defaults: nothing is set up by chance.
NAMES = {"primary": "pbx1", "secondary": "pbx2"}
URL = "https://127.0.0.1:8443/"
# The rest of /usr is the host's; these are where the packages put something.
_WRITTEN_TO = ("/usr/sbin", "/usr/lib/systemd", "/usr/share")
_KNOCK = "until (exec 3<>/dev/tcp/127.0.0.1/8443) 2>/dev/null && asha status >/dev/null 2>&1; do :; done"
_CODE = re.compile(r"\b[0-9a-z]{5}(?:-[0-9a-z]{5}){2}\b")
# What a site's own hardware would not need to be told: here the spans are shown in a directory.
_HARDWARE = {"DAHDIROOT": "/run/hwsim/{side}.dahdi", "AMIUSER": "asha", "AMISECRET": "rack", "POSTSYNC": ""}


class InstalledServer:
    """`code` is the first-login code that the installation printed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.side = server.side
        self.code = ""
        self.printed = ""
        self._running: list[Running] = []

    async def install(self) -> None:
        """`rpm -Uvh`, and what init does afterwards."""
        hosts = "".join(f"{Network.address(side)} {name}\n" for side, name in NAMES.items())
        self.server.node.write("/etc/hosts", f"127.0.0.1 localhost\n{hosts}")
        await self.sh(f"hostname {NAMES[self.side]}; rm -f /etc/asha.conf /etc/ha.d/authkeys")
        await self.sh("; ".join(map(_own, _WRITTEN_TO)))
        files = [str(next(RPMS.glob(f"{name}-[0-9]*.rpm"))) for name in PACKAGES]
        self.printed = await self.sh(f"rpm -Uvh --nodeps {shlex.join(files)}", 120)
        found = _CODE.search(self.printed)
        assert found, f"the installation has printed no code: {self.printed}"
        self.code = found.group()
        for key, value in _HARDWARE.items():
            await self.sh(f"/usr/sbin/asha conf set {key} '{value.format(side=self.side)}'")
        await start_sshd(self.server.node)
        await self.start()

    async def start(self) -> None:
        """The two services, as init does; both answer."""
        for words in (("agent",), ("panel", "run")):
            log = self.server.logs / f"{self.side}-{words[0]}.log"
            self._running.append(await self.server.node.spawn(["/usr/sbin/asha", *words], log))
        await self.sh(_KNOCK, 30)

    async def sh(self, script: str, deadline: float = 20.0) -> str:
        """A line of shell on the server, as root; what it printed."""
        done = await self.server.node.run(["bash", "-c", script], deadline)
        assert done.code == 0, (
            f"on the {self.side}: {script}: {done.code} {done.err.strip()} {done.out.strip()}"
        )
        return done.out + done.err


def _own(directory: str) -> str:
    """Shell: lay a disk of the server's own over a directory of the host."""
    layer = f"/run/own{directory.replace('/', '-')}"
    options = f"lowerdir={directory},upperdir={layer}/upper,workdir={layer}/work,index=off"
    return f"mkdir -p {layer}/upper {layer}/work; mount -t overlay overlay -o {options} {directory}"


def chromium_on(server: Server, namespace: str, folder: Path) -> Path:
    """A program that is Chromium with the network of `server`: a browser on that very machine."""
    program = folder / f"chromium-{server.side}"
    program.write_text(f'#!/bin/sh\nexec ip netns exec {namespace} /usr/bin/chromium "$@"\n')
    program.chmod(0o755)
    assert sys.platform == "linux"
    return program
