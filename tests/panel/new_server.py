"""A server that a new user has just got: packages installed, services started, nothing set up; a browser on it."""

from __future__ import annotations

from pathlib import Path

from hwsim.installed import InstalledServer
from hwsim.nodes import Network
from hwsim.nodes.sshd import start_sshd
from hwsim.page import PANEL_PORT
from hwsim.server import Server

# Other names than the conf file's defaults: nothing is set up by chance.
NAMES = {"primary": "pbx1", "secondary": "pbx2"}
URL = f"https://127.0.0.1:{PANEL_PORT}/"
# What a site's own machine would not need to be told: here the spans are shown in a directory, and both engines are
# installed, of which HAMEDIA's default is for one only.
_MACHINE = {
    "HAENGINE": "heartbeat",
    "DAHDIROOT": "/run/hwsim/{side}.dahdi",
    "AMIUSER": "asha",
    "AMISECRET": "rack",
    "POSTSYNC": "",
}


async def set_up(server: Server) -> InstalledServer:
    """`rpm -Uvh` on a machine that has never heard of asha, and what init does afterwards."""
    new = InstalledServer(server)
    hosts = "".join(f"{Network.address(side)} {name}\n" for side, name in NAMES.items())
    server.node.write("/etc/hosts", f"127.0.0.1 localhost\n{hosts}")
    await new.sh(f"hostname {NAMES[server.side]}; rm -f /etc/asha.conf /etc/ha.d/authkeys")
    await new.install()
    await new.configure({key: value.format(side=server.side) for key, value in _MACHINE.items()})
    await start_sshd(server.node)
    await new.start_agent()
    await new.start_panel()
    return new


def chromium_on(server: Server, namespace: str, folder: Path) -> Path:
    """A program that is Chromium with the network of `server`: a browser on that very machine."""
    program = folder / f"chromium-{server.side}"
    program.write_text(f'#!/bin/sh\nexec ip netns exec {namespace} /usr/bin/chromium "$@"\n')
    program.chmod(0o755)
    return program
