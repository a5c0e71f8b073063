"""What is noted while a soak goes on: readings every few seconds, new journal entries, alerts."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from hwsim.bench.agent_cost import AGENT
from hwsim.bench.panel.pair import PANEL
from hwsim.mailbox import Mailbox
from hwsim.nodes import Network, Power
from hwsim.rack import SIDES, Rack
from hwsim.soak.explained import (
    FaultWindow,
    Unexplained,
    tracebacks,
    unexplained_alert,
    unexplained_entry,
    unexplained_start,
)
from hwsim.soak.judgement import Soaked
from hwsim.soak.pages import Pages
from hwsim.soak.process import read_process

READ_EACH = 5.0
_PATTERNS: Mapping[str, str] = {"agent": AGENT, "page": PANEL}
# A mail tells the second in which its alert came up.
_WHOLE_SECOND = 1.0


class Record:
    """The record of `run` on `rack`. `windows`: the rounds so far. `quiet`: nothing is injected, the pair is at home.

    `told` is called after each look.
    """

    def __init__(
        self, run: Soaked, rack: Rack, mail: Mailbox, pages: Pages, told: Callable[[], None]
    ) -> None:
        self.windows: list[FaultWindow] = []
        self.quiet = False
        self._run, self._rack, self._mail, self._pages, self._told = run, rack, mail, pages, told
        self._began = rack.now()
        self._last_hash = dict.fromkeys(SIDES, "")
        self._mails = self._starts = 0
        self._broken = dict.fromkeys(
            (f"{program} of the {side}" for program in _PATTERNS for side in SIDES), 0
        )

    @property
    def elapsed(self) -> float:
        """How many seconds ago it was begun."""
        return self._rack.now() - self._began

    def begin(self) -> None:
        """Pass over what was written until now, while the pair was set up, and over what comes of that."""
        self._began = self._rack.now()
        self.windows.append(FaultWindow(0.0, self._began, ()))
        self._news()
        self._mails = len(self._mail.received)

    async def read_all(self) -> None:
        """Look at every process each few seconds, until cancelled."""
        while True:
            self._read()
            self._told()
            await asyncio.sleep(READ_EACH)

    def collect(self) -> None:
        """Judge what was written since the last time by the rounds so far."""
        rack, windows, run = self._rack, self.windows, self._run
        found = [unexplained_entry(side, entry, windows) for side, entry in self._news()]
        mails, self._mails = self._mail.received[self._mails :], len(self._mail.received)
        ahead = time.time() - rack.now()
        names = {Network.address(side): side for side in SIDES}
        found += [
            unexplained_alert(
                mail.at + _WHOLE_SECOND - ahead, names.get(mail.sender, mail.sender), mail.subject, windows
            )
            for mail in mails
        ]
        starts, self._starts = self._pages.starts[self._starts :], len(self._pages.starts)
        found += [unexplained_start("page", side, at, windows) for side, at in starts]
        run.unexplained += [one for one in found if one is not None] + self._exceptions()

    def _read(self) -> None:
        self._run.load = max(self._run.load, os.getloadavg()[0])
        for side in SIDES:
            node = self._rack.servers[side].node
            if node.power is Power.OFF:
                continue
            for program, pattern in _PATTERNS.items():
                seen = read_process(node, pattern, self.elapsed, program, side, quiet=self.quiet)
                self._run.readings += [seen] if seen is not None else []

    def _news(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the journals' entries since the last time, each with its side."""
        news = []
        for side in SIDES:
            entries = self._rack.servers[side].journal()
            last = self._last_hash[side]
            known = next((n for n, entry in enumerate(entries, 1) if entry.get("hash") == last), 0)
            news += [(side, entry) for entry in entries[known:]]
            self._last_hash[side] = str(entries[-1].get("hash", "")) if entries else last
        return news

    def _exceptions(self) -> list[Unexplained]:
        found = []
        for side in SIDES:
            agent_log = self._rack.servers[side].logs / f"{side}-agent.log"
            logs = {"agent": agent_log.read_text(errors="replace"), "page": self._pages.log(side)}
            for program, text in logs.items():
                source = f"{program} of the {side}"
                count, before = tracebacks(text), self._broken[source]
                self._broken[source] = count
                if count > before:
                    says = f"{count - before} exceptions that nobody caught are in its log"
                    found.append(Unexplained(self._rack.now(), source, says))
        return found
