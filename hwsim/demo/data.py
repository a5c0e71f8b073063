"""The scenario of the data: changes at home, failover, changes on the secondary, failback, the account."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from hwsim.demo.evidence import Evidence
from hwsim.demo.ledger import Era, Lag, Lags, Ledger
from hwsim.demo.marks import Marks
from hwsim.demo.scenario import OTHER, Outcome, ScenarioFailed, Stage, in_step
from hwsim.introduction import introduce
from hwsim.nodes.sshd import start_sshd
from hwsim.pbxdata import CONF, Item, PbxData

# Seconds between two checks whether a change has arrived, and the longest it may take: the worst case of asha
# 1.0.0-2.
_LOOK = 0.01
_ARRIVAL = 60.0
_BETWEEN_CALLS = 0.25
_Made = Item | Awaitable[Item]
_BOTH = "extensions_custom.conf"  # the file that both nodes change


async def data(stage: Stage) -> Outcome:
    """Change phones' data wherever Asterisk serves; in the end everything must be on both nodes, once."""
    play = DataPlay(stage)
    await play.begin()
    await play.change_at_home()
    marks = await play.lose_power()
    await play.change_on_the_secondary()
    await play.primary_returns()
    await play.change_while_it_stands_by()
    await play.go_home()
    return play.proof(marks, await play.conflicts())


class DataPlay:
    """The acts, in the order of `data`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rack = stage.rack
        self._at = {side: PbxData(stage.rack.servers[side].node) for side in OTHER}
        # by the node to which the change had to travel
        self._lags: dict[str, list[Lag]] = {side: [] for side in OTHER}
        self._aside = b""
        self._failback = self._told = 0.0

    async def begin(self) -> None:
        """Exchange keys, write data on the primary, and bring the pair home and in step."""
        self._stage.say(
            "sshd runs on both nodes; each accepts the other's key: asha ssh-setup, asha ssh-accept"
        )
        await introduce(self._rack.servers)
        home = self._at["primary"]
        await home.furnish()
        home.edit(_BOTH, "exten => 100,1,Dial(SIP/100)\n")
        self._ledger = Ledger(home.items())
        await self._stage.home()
        await self._stage.until_status(self._stage.secondary, in_step, 30, "the secondary's data are in step")

    async def change_at_home(self) -> None:
        """Make one change after the other, each timed until it is on the standby."""
        self._stage.say("callers leave voicemail, a greeting is spoken, conf files and databases are written")
        home = self._at["primary"]
        for number, mailbox in enumerate(("100", "101", "102", "100", "101", "100", "102")):
            await self._follows("secondary", home.deliver, mailbox, f"home-{number}")
        await self._follows("secondary", home.greet, "100", "you have reached 100")
        await self._follows("secondary", home.prompt, "custom-welcome", "welcome")
        await self._follows("secondary", home.edit, _BOTH, "exten => 100,1,Dial(SIP/100,20)\n")
        await self._follows("secondary", home.edit, "sip_custom.conf", "[100]\n")
        for write in (home.sark_row, home.astdb_row):
            for key in ("100", "101"):
                await self._follows("secondary", write, key, "home")
        self._stage.say(f"each on the standby after {Lags(tuple(self._lags['secondary'])).words()}")

    async def lose_power(self) -> Marks:
        """Cut the primary's power just after changes that have not travelled yet."""
        home = self._at["primary"]
        unsent = [
            home.deliver("101", "unsent-0"),
            home.deliver("102", "unsent-1"),
            home.greet("102", "you have reached 102"),
            home.edit(_BOTH, "exten => 100,1,Dial(SIP/100,30)\n"),
        ]
        fault = self._rack.power_off("primary")
        self._stage.say("a message has just been stored on the primary, and its power is cut")
        marks = await self._stage.moved(fault, "secondary")
        for item in unsent:
            if self._at["secondary"].has(item):
                raise ScenarioFailed(f"{item.name} is on the secondary, and had no time to get there")
            self._ledger.wrote(Era.UNSENT, item)
        return marks

    async def change_on_the_secondary(self) -> None:
        """Make every kind of change on the secondary while the primary is dead."""
        self._stage.say("on the secondary: new messages, some heard, one deleted; greeting, conf, databases")
        away, wrote = self._at["secondary"], self._ledger.wrote
        for number, mailbox in enumerate(("100", "101", "101", "102")):
            wrote(Era.AWAY, away.deliver(mailbox, f"away-{number}"))
        for mailbox, caller in (("100", "home-0"), ("100", "home-3"), ("102", "away-3")):
            self._ledger.moved(Era.AWAY, *away.hear(mailbox, caller))
        self._ledger.removed(Era.AWAY, away.delete("101", "home-1"))
        wrote(Era.AWAY, away.greet("100", "100 is on holiday"))
        wrote(Era.AWAY, away.edit("sip_custom.conf", "[100]\n[102]\n"))
        aside = away.edit(_BOTH, "exten => 100,1,VoiceMail(100)\n")
        self._ledger.set_aside(Era.AWAY, aside)
        self._aside = away.read(aside.name)
        for write in (away.sark_row, away.astdb_row):
            for key in ("101", "102"):
                wrote(Era.AWAY, await write(key, "away"))

    async def primary_returns(self) -> None:
        """Bring up power, sshd, agent and engine as an administrator would; the primary merges by itself."""
        self._stage.say("the primary has power again, and stands by")
        await self._rack.boot("primary")
        await start_sshd(self._stage.primary.node)
        await self._rack.start_agent("primary")
        await self._stage.ask(self._stage.primary, "ha", "start")
        await self._stage.until_status(self._stage.primary, _fit, 60, "the primary stands by and is fit")
        await self._stage.until(lambda: self._whole("primary"), 60, "everything has come to the primary")
        self._stage.say("what the secondary has got is merged into what the primary had")

    async def change_while_it_stands_by(self) -> None:
        """Make changes that travel in the other direction."""
        away = self._at["secondary"]
        for number, mailbox in enumerate(("100", "101", "102")):
            await self._follows("primary", away.deliver, mailbox, f"late-{number}")
        await self._follows("primary", away.edit, "queues_custom.conf", "[sales]\n")

    async def go_home(self) -> None:
        """Give the operator's two commands while callers speak until the very moment Asterisk ends there."""
        looked = await self._stage.ask(self._stage.primary, "failback", "--dry-run")
        self._stage.say(f"asha failback --dry-run: {looked.splitlines()[0]}")
        self._stage.say("asha failback, while callers go on leaving messages")
        calling = asyncio.create_task(self._callers())
        began = self._rack.now()
        try:
            said = await self._stage.ask(self._stage.primary, "failback", "--yes")
            self._told = self._rack.now() - began
            marks = await self._stage.moved(began, "primary")
            await calling
        finally:
            calling.cancel()
        self._failback = marks.line_in_service or 0.0
        self._stage.say(f"asha failback: {said.splitlines()[-1]}")
        await self._stage.until_status(self._stage.secondary, in_step, 60, "the secondary follows again")
        settled = await self._stage.ask(self._stage.secondary, "sync", "--now")
        self._stage.say(f"asha sync on the secondary: {settled.splitlines()[0]}")

    async def conflicts(self) -> dict[str, bool]:
        """Return the primary's conflicts, and whether each version set aside is what was written."""
        listed = json.loads(await self._stage.ask(self._stage.primary, "conflicts", "--json"))
        kept = {str(one["path"]): self._at["primary"].read(one["kept"]) == self._aside for one in listed}
        return {f"{CONF}/{_BOTH}": False, **kept}

    def proof(self, marks: Marks, conflicts: dict[str, bool]) -> Outcome:
        """Return the account. Raises ScenarioFailed with it when it is not even."""
        evidence = Evidence(
            rows=self._ledger.account(self._at["primary"].items(), self._at["secondary"].items()),
            lags=Lags(tuple(self._lags["secondary"])),
            back=Lags(tuple(self._lags["primary"])),
            failback=self._failback,
            told=self._told,
            conflicts=conflicts,
        )
        problems = evidence.problems()
        if problems:
            raise ScenarioFailed("; ".join(problems), evidence)
        return Outcome(marks, "everything is on both nodes, once, whoever wrote it and where", evidence)

    async def _callers(self) -> None:
        away = self._at["secondary"]
        number = 0
        while self._rack.asterisk_runs("secondary"):
            self._ledger.wrote(Era.AWAY, away.deliver("100", f"last-{number}"))
            number += 1
            await self._rack.pause(_BETWEEN_CALLS)

    async def _follows(self, to: str, change: Callable[[str, str], _Made], *words: str) -> None:
        """Make a change on the other side and time it until it is on `to`."""
        began = self._rack.now()
        made = change(*words)
        item = await made if isinstance(made, Awaitable) else made
        while not self._at[to].has(item):
            if self._rack.now() > began + _ARRIVAL:
                raise ScenarioFailed(f"{item.name} was not on the {to} after {_ARRIVAL:g} s")
            await self._rack.pause(_LOOK)
        self._lags[to].append(Lag(item, self._rack.now() - began))
        self._ledger.wrote(Era.HOME if to == "secondary" else Era.AWAY, item)

    def _whole(self, side: str) -> bool:
        return self._at[side].items() == self._ledger.expected


def _fit(status: dict[str, Any]) -> bool:
    return bool(status["role"] == "standby" and status["fit"] and not status["doubts"])
