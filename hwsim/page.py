"""The page of a server on the rack: furnished as the packages do it, kept running as init would keep it."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from hwsim.nodes import NodeError, Running
from hwsim.nodes.init import OVERLAID, in_tree
from hwsim.server import Server

PANEL_PORT = 8443
PANEL_ANSWERS = f"until (exec 3<>/dev/tcp/127.0.0.1/{PANEL_PORT}) 2>/dev/null; do :; done"
FIRST_LOGIN_CODE = re.compile(r"\b[0-9a-z]{5}(?:-[0-9a-z]{5}){2}\b")
_DEADLINE = 60.0
# What the packages do when they are installed.
_FURNISH = """\
getent group asha-panel >/dev/null || groupadd -r asha-panel
id asha-panel >/dev/null 2>&1 || useradd -r -M -g asha-panel -d /var/lib/asha/panel -s /usr/sbin/nologin asha-panel
mkdir -p -m 755 /var/lib/asha
mkdir -p -m 700 /var/lib/asha/panel
chown asha-panel:asha-panel /var/lib/asha/panel
"""


def _way_to_python() -> str:
    """Return a script that lets the page's user reach this interpreter on a node, as anybody may on a server.

    Only the node's own disk is changed: what is not on it is left as it is.
    """
    above = [str(place) for place in Path(sys.base_prefix).parents]
    own = [place for place in above if any(in_tree(place, directory) for directory in OVERLAID)]
    return "".join(f"chmod o+x {shlex.quote(place)}\n" for place in own)


_WAY_TO_PYTHON = _way_to_python()


class Page:
    """The page of `server`, which `program` runs: the words of `asha`."""

    def __init__(self, server: Server, program: list[str]) -> None:
        self.log = server.logs / f"{server.side}-panel.log"
        self._server = server
        self._program = program
        self._running: Running | None = None

    async def open(self) -> str:
        """Furnish the server and start its page; return the code for the first login once the page answers.

        Raises NodeError.
        """
        await self._sh(_FURNISH)
        said = await self._server.asha("panel", "welcome")
        code = FIRST_LOGIN_CODE.search(said.output)
        if code is None:
            raise NodeError(f"'asha panel welcome' on the {self._server.side} has printed no code: {said}")
        await self._start()
        await self._sh(PANEL_ANSWERS)
        return code.group()

    async def keep(self) -> bool:
        """Start the page again if it has ended; return whether it had. Raises NodeError when its machine goes down."""
        if not self._server.powered or self._running is None or self._running.code is None:
            return False
        await self._start()
        return True

    async def _start(self) -> None:
        await self._sh(
            _WAY_TO_PYTHON
        )  # again after each boot, which gives a node's directories the host's modes
        self._running = await self._server.node.spawn([*self._program, "panel", "run"], self.log)

    async def _sh(self, script: str) -> None:
        done = await self._server.node.run(["bash", "-ec", script], _DEADLINE)
        if not done.ok:
            raise NodeError(f"The page of the {self._server.side}: {done.err.strip() or done.out.strip()}")
