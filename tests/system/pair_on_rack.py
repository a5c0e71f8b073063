"""A pair on a rack for several tests in a row, and the watchman who looks at it all the while."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from appliance.core.document import parse_json
from appliance.core.journal_rules import Moment, Violation, energised_without_grant, two_owners
from appliance.core.model import Node, Relay
from appliance.host.disk import read_small
from hwsim.card import vendortool
from hwsim.card.card import Position
from hwsim.demo.scenario import OTHER, ScenarioFailed, Stage
from hwsim.nodes import NodeError, Power, SerialCable
from hwsim.nodes.engines import Engine
from hwsim.nodes.network import LINKS
from hwsim.rack import SIDES, Rack
from hwsim.server import Said, Server
from hwsim.service_log import Settled, recorded
from hwsim.site import Site

Status = dict[str, Any]
Entry = dict[str, Any]
GRANT = "/run/asha/grant"
TOOL = "/usr/local/bin/rhinofailover"
SERIAL = "/dev/ttyS9"
CLUSTER_NODE = {"primary": Node.PRIMARY, "secondary": Node.SECONDARY}
# The site that the tests play on; a test says only what is other on its own. Heartbeat's times are as short as a busy
# machine allows: with a deadtime of 0.5 s a node whose machine stood still for a second while Heartbeat started was
# taken for dead, both served, and Heartbeat alone does not mend that.
PAIR_SITE = Site(
    keepalive=0.1,
    deadtime=1.5,
    initdead=3.0,
    boot_time=0.1,
    profile="dynamic",
    move_dwell=7.0,
    extra={"HAWARNTIME": "250ms"},
)
# Seconds for which the nodes are split while both serve.
SPLIT = 6.0
# Seconds from the heal until one node serves alone for good, and for which it then is looked at.
HEALS, STAYS = 30.0, 8.0
_SAMPLE_PERIOD = 0.2
# How often the telephone outside asks, in seconds: a fifth of what is needed where milliseconds are measured, because
# three racks share two processors.
_ASKS_EACH = 0.05
_TEST_DEADLINE = 120.0  # seconds
_TOLD = 12
# Noticing that the line has left: the driver's loss-to-red time, a look at the spans, a turn of the cycle.
_NOTICE = 3.0


class Watchman:
    """Looks at the pair five times a second and keeps what core's audit is asked about afterwards."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self.moments: list[Moment] = []
        # Seconds the relay may stay energised after a grant has ended; a test of a faulty card allows more.
        self.grace = 1.0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.moments.append(await self.look())
            await asyncio.sleep(_SAMPLE_PERIOD)

    async def look(self) -> Moment:
        """The pair as it is now, with every node's own word where it can be had."""
        claims = dict(zip(SIDES, await asyncio.gather(*map(self._claims, SIDES)), strict=True))
        energised = self._rack.card.position() is Position.NO
        return Moment(
            at=self._rack.now(),
            relay=Relay.ENERGISED if energised else Relay.RELEASED,
            granted={CLUSTER_NODE[side]: self.granted(side) for side in SIDES},
            claims_line={CLUSTER_NODE[side]: claims[side] for side in SIDES},
        )

    def granted(self, side: str) -> bool:
        """The grant on file on that node."""
        try:
            found = parse_json(read_small(self._rack.servers[side].node.path(GRANT)) or b"null")
        except (OSError, ValueError, NodeError):
            return False
        return isinstance(found, dict) and found.get("held") is True

    def violations(self) -> list[Violation]:
        """What was seen and must never be."""
        found = [*two_owners(self.moments, _NOTICE), *energised_without_grant(self.moments, self.grace)]
        self.moments.clear()
        return found

    async def _claims(self, side: str) -> bool:
        """It says that the line is in service on it, and runs Asterisk; False where no line is on the relay."""
        if self._rack.site.extra.get("RHINOSPF") == "NO":
            return False
        status = await self._rack.servers[side].status()
        return status is not None and status["role"] == "active" and self._rack.asterisk_runs(side)


class Pair:
    """The rack of one test module. `play` runs a test on it and looks at what the watchman saw."""

    def __init__(self, site: Site, *, serial: bool = False, deadline: float = _TEST_DEADLINE) -> None:
        self.rack = Rack(site, _ASKS_EACH)
        self.watchman = Watchman(self.rack)
        self._runner = asyncio.Runner()
        self._serial = serial
        self._deadline = deadline
        self._cable: SerialCable | None = None
        self._watching: asyncio.Task[None] | None = None

    def up(self) -> None:
        """Both machines on, nothing started."""
        self._runner.run(self._up())

    def down(self) -> None:
        """Away with it."""
        try:
            self._runner.run(self._down())
        finally:
            self._runner.close()

    def play(self, test: Coroutine[Any, Any, None], logs: Path) -> None:
        """Run `test`; the journals must hold and the watchman must have seen nothing.

        A failure keeps the logs and tells what was seen last, for who has only the test runner's words.
        """
        try:
            self._runner.run(self._watched(test))
        except BaseException as failed:
            self.rack.keep_logs(logs)
            happened = list(map(str, self.rack.history.happenings))
            (logs / "history.txt").write_text("\n".join(happened) + "\n")
            failed.add_note("\n".join(["What the rack saw last:", *happened[-_TOLD:]]))
            raise

    # -- the two servers

    @property
    def primary(self) -> Server:
        """The server with the card."""
        return self.rack.servers["primary"]

    @property
    def secondary(self) -> Server:
        """The other."""
        return self.rack.servers["secondary"]

    @property
    def engine(self) -> Engine:
        """The cluster engine that both run."""
        return self.rack.site.engine

    def server(self, side: str) -> Server:
        """By its side."""
        return self.rack.servers[side]

    # -- bringing about

    async def home(self) -> None:
        """Whatever was before: primary active with the line in service, secondary standing by and fit."""
        self._mend_hardware()
        for side in SIDES:
            await self.power_up(side)
            await self.fresh_agent(side)
        for side in SIDES:
            status = await self.server(side).status()
            if status is not None and not status["engine"]["running"]["value"]:
                await self.stage.ask(self.server(side), "ha", "start")
        for side in SIDES:
            title = self.engine.title
            # A master that waits for the end of a lost move says for an hour that resources move; the product ends that
            # (test_pair_trap.py).
            await self.until_status(side, _settled, f"{title} on the {side} has settled", 120)
        await self._bring_to_primary()
        for side in SIDES:
            await self.server(side).asha("cleanup")  # refused where no move is counted
        await self.until_status("secondary", ready_standby, "the secondary is a fit standby")
        await self.until_status(
            "primary", _serves_with_peer, "the primary serves and sees the other node fit"
        )
        if not self.rack.site.telephones:  # a real Asterisk has no span here
            await self.until(lambda: self.rack.in_service("primary"), "the line is in service on the primary")

    async def away(self) -> None:
        """From home on: the secondary active with the line, the primary standing by and fit."""
        await self.move("takeover", to="secondary")

    async def move(self, command: str, to: str) -> None:
        """`asha takeover` on `to` or `asha standby` on the other; until `to` serves and the other is fit."""
        asked = self.server(to) if command == "takeover" else self.server(OTHER[to])
        fault = self.rack.now()
        await self.stage.ask(asked, command)
        await self.served(fault, to)
        await self.until_status(OTHER[to], ready_standby, f"the {OTHER[to]} is a fit standby")
        await self.until_status(to, _serves_with_peer, f"the {to} serves and sees the other node fit")

    async def served(self, fault: float, to: str, deadline: float = 30.0) -> None:
        """Until `to` serves: line, cluster address, Asterisk and its own word."""
        await self.stage.moved(fault, to, deadline)

    async def power_up(self, side: str) -> None:
        """Thawed, booted, with its serial port."""
        node = self.server(side).node
        if node.power is Power.HUNG:
            self.rack.thaw(side)
        if node.power is Power.OFF:
            await self.rack.boot(side)
        if self._cable is not None:
            node.symlink(SERIAL, self._cable.ends[SIDES.index(side)])

    async def fresh_agent(self, side: str) -> None:
        """An agent that remembers no earlier move and no earlier failure."""
        server = self.server(side)
        if await server.status() is not None:
            await server.stop_agent(15)
        await self.rack.start_agent(side)

    async def script(self, side: str, *words: str, deadline: float = 60.0) -> Said:
        """The engine's own call of its resource script on `side`."""
        result = await self.server(side).node.run([self.engine.script, *words], deadline)
        return Said(-1 if result.code is None else result.code, result.out, result.err)

    async def resource_state(self, side: str) -> str:
        """What the resource script answers to the engine's question on `side`: running or stopped."""
        result = await self.server(side).node.run(["sh", "-c", self.engine.state], 60.0)
        return result.out.strip()

    # -- seeing

    async def until(self, condition: Callable[[], bool], what: str, deadline: float = 30.0) -> None:
        """Wait for something visible from outside."""
        await self.stage.until(condition, deadline, what)

    async def until_status(
        self, side: str, wanted: Callable[[Status], bool], what: str, deadline: float = 30.0
    ) -> Status:
        """Wait for something that `asha status` says on `side`."""
        return await self.stage.until_status(self.server(side), wanted, deadline, what)

    async def entry(
        self, side: str, wanted: Callable[[Entry], bool], after: float, deadline: float = 30.0
    ) -> Entry:
        """The first journal entry on `side` after `after` that is as wanted, looked for every few ms."""
        end = self.rack.now() + deadline
        while self.rack.now() < end:
            for entry in self.entries(side, after):
                if wanted(entry):
                    return entry
            await asyncio.sleep(0.005)
        raise AssertionError(f"no such entry in the {side}'s journal within {deadline:g} s")

    def entries(self, side: str, after: float) -> list[Entry]:
        """The journal of `side` from `after` on."""
        return [entry for entry in self.server(side).journal() if entry["at"] >= after]

    def orders(self, side: str, after: float) -> list[str]:
        """Names of the orders given on `side` since."""
        return [entry["order"] for entry in self.entries(side, after) if entry["kind"] == "order"]

    def moved_since(self, after: float) -> list[tuple[str, str]]:
        """Every move of relay and service since: (what, side)."""
        kinds = ("relay", "in_service", "out_of_service")
        return [
            (seen.kind, seen.side)
            for seen in self.rack.history.happenings
            if seen.at >= after and seen.kind in kinds
        ]

    async def stays(self, side: str, seconds: float) -> None:
        """For that long nothing moves: `side` stays in service, relay and Asterisk as they are."""
        began, pid = self.rack.now(), self.server(side).asterisk_pid()
        moved = await self.rack.history.wait(lambda: bool(self.moved_since(began)), seconds)
        assert not moved, self.moved_since(began)
        assert self.rack.in_service(side)
        assert self.server(side).asterisk_pid() == pid
        assert not self.rack.asterisk_runs(OTHER[side])

    async def split_and_healed(self) -> Settled:
        """Cut the primary off until both serve, and heal that. Returns who then serves alone; the other stands by."""
        async with recorded(self.rack) as log:
            for link in LINKS:
                self.primary.node.cut(link)
            await self.until(lambda: log.serves("secondary"), "the secondary serves too")
            await self.rack.pause(SPLIT)
            for link in LINKS:
                self.primary.node.heal(link)
            settled = await log.settled(self.rack.now(), HEALS, STAYS)
        print(settled)
        other = OTHER[settled.owner]
        await self.until_status(other, lambda status: status["role"] == "standby", "the other stands by")
        return settled

    # -- inside

    async def _up(self) -> None:
        await self.rack.up()
        self.stage = Stage(self.rack, lambda text: None)
        if self._serial:
            self._cable = SerialCable()

    async def _down(self) -> None:
        await self.rack.down()
        if self._cable is not None:
            self._cable.close()

    async def _watched(self, test: Coroutine[Any, Any, None]) -> None:
        self.watchman.moments.clear()
        self.watchman.grace = 1.0
        watching = asyncio.create_task(self.watchman.run())
        try:
            async with asyncio.timeout(self._deadline):
                await test
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        await self._verify()

    async def _verify(self) -> None:
        assert self.watchman.moments, "the watchman saw nothing"
        violations = self.watchman.violations()
        assert violations == [], violations
        for side, server in self.rack.servers.items():
            if server.powered:
                said = await server.asha("events", "--verify")
                assert said.code == 0, f"{side}: {said}"

    def _mend_hardware(self) -> None:
        self.rack.card.faults.clear()
        self.rack.line.restore()
        for side in SIDES:
            node = self.server(side).node
            node.heal("eth0")
            node.heal("eth1")
            node.write(TOOL, vendortool.tool_text(), 0o755)
        at_tty = self.rack.on_network is None and self.primary.node.power is Power.ON
        if at_tty and not self.rack.tty.plugged:
            self.rack.plug_card()

    async def _bring_to_primary(self) -> None:
        """Ask for service on the primary, and once more when a split that heals has moved it meanwhile."""
        async with asyncio.timeout(90.0):
            while not await self._is_home():
                primary = await self.until_status("primary", _placed, "the primary knows its place")
                if not primary["granted"]:
                    await self.until_status("primary", lambda status: status["fit"], "the primary is fit")
                    await self.primary.asha(
                        "takeover"
                    )  # refused when it has been granted by itself meanwhile
                    with contextlib.suppress(ScenarioFailed):
                        await self.until_status("primary", lambda status: status["granted"], "it has it", 10)
                await self.rack.pause(0.2)

    async def _is_home(self) -> bool:
        primary, secondary = await self.primary.status(), await self.secondary.status()
        if primary is None or secondary is None:
            return False
        return _serves_with_peer(primary) and ready_standby(secondary)


def _settled(status: Status) -> bool:
    return status["engine"]["holds"]["value"] not in (None, "transition")


def _placed(status: Status) -> bool:
    return status["role"] in ("active", "acquiring", "standby")


def ready_standby(status: Status) -> bool:
    """Tell whether the node stands by, is known to be ready, and sees its peer."""
    ready = status["fit"] and not status["doubts"]
    return bool(status["role"] == "standby" and ready and status["peer"]["alive"]["value"])


def _serves_with_peer(status: Status) -> bool:
    peer = status["peer"]
    ready = peer["fit"]["value"] and not peer["doubts"]
    return bool(status["role"] == "active" and peer["alive"]["value"] and ready)
