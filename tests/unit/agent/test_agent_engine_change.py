"""The agents' parts in a change of the cluster engine: killed at any step, they never run two engines, and arrive."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.agent.components import engine_change as module
from appliance.agent.components.engine_change import EngineChanges
from appliance.agent.this_node import ThisNode
from appliance.cluster import boot_services, installed
from appliance.config import Conf
from appliance.control.protocol import ControlRequest
from appliance.core.as_json import to_json
from appliance.core.engine_change import EngineReport
from appliance.core.engine_traits import EngineTraits
from appliance.core.errors import AshaError, ClusterError, HostError
from appliance.core.model import Node
from appliance.core.reading import Known
from appliance.core.roles import Role
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock

CONF = Conf(cluster_ip="10.77.0.100", primary_name="pbx1", secondary_name="pbx2")
TITLES = {"heartbeat": "Heartbeat", "pacemaker": "Pacemaker"}
ROUNDS = 400


class Engine:
    """One engine on one machine: it runs when it is started, unless the machine refuses it, or starts half of it."""

    def __init__(self, machine: Machine, word: str) -> None:
        self.traits, self.services = EngineTraits(TITLES[word]), (word,)
        self._machine, self._word = machine, word

    def identity(self) -> str:
        return "1:1" if self._machine.running == self._word else ""

    def place(self) -> str:
        return self._word

    def retire(self) -> None:
        if self._machine.keeps_files:
            raise HostError("The files could not be taken away.")
        self._machine.files.discard(self._word)

    def stop(self) -> bool:
        if self.identity():
            self._machine.run("")
        return True

    def start(self) -> None:
        if self._word in self._machine.refuses:
            raise ClusterError(f"{self.traits.title} does not start.")
        if self._word in self._machine.halves:
            self._machine.run(self._word, half=True)
            raise ClusterError(f"{self.traits.title} starts in part only.")
        if not self.identity() or self._machine.half:
            self._machine.run(self._word)


class Machine:
    """A machine with its conf, its disk, its init, and its agent, which begins anew whenever it is killed.

    `files`: the engines that have their files. `at_boot`: those that init starts, when they have. `half`: what runs is
    Corosync without Pacemaker, which gives no service. `by_init_at`: when init started what runs; such an engine waits
    for the other node for HAINITDEAD before it gives service.
    """

    def __init__(self, world: World, node: Node, folder: Path) -> None:
        self.world, self.node, self.folder = world, node, folder
        folder.mkdir()
        self.conf, self.running, self.boots = "heartbeat", "heartbeat", 0
        self.files, self.at_boot, self.keeps_files = {"heartbeat"}, {"heartbeat"}, False
        self.half, self.by_init_at = False, float("-inf")
        self.on, self.refuses, self.halves = True, set[str](), set[str]()
        self.engines = {word: Engine(self, word) for word in TITLES}
        self.step: asyncio.Task[None] | None = None
        self.begin_agent()

    def begin_agent(self) -> None:
        """Start an agent, which works with the engine of the conf and knows what is on disk."""
        self.anew, word = False, self.conf
        engine = self.engines[word]
        context = node_context(self.folder, ThisNode(CONF, self.node), self.world.clock)

        machine = self

        async def start() -> None:
            await asyncio.to_thread(engine.start)

        async def stop() -> bool:
            return await asyncio.to_thread(engine.stop)

        async def prepare() -> None:
            machine.files.add(word)

        async def report(to: str, *, brief: bool = False) -> EngineReport:
            return self.report(word)

        off: Any = type(
            "Conf", (), {"engine_off": property(lambda _: machine.running != word), "adopt": self._adopt}
        )()
        parts: Any = SimpleNamespace(
            control=SimpleNamespace(prepare=prepare, start=start),
            orders=SimpleNamespace(start=start, stop=stop),
            facts=SimpleNamespace(name=word, report=report),
            engine=engine,
        )
        self.agent = EngineChanges(
            context,
            engine=parts.engine,
            control=parts.control,
            orders=parts.orders,
            facts=parts.facts,
            active_conf=off,
            path=self.folder / "change.json",
        )

    def report(self, word: str) -> EngineReport:
        roles = {Node.PRIMARY: Role.ACTIVE, Node.SECONDARY: Role.STANDBY}
        role = roles[self.node] if self.running else Role.OFF
        return EngineReport(
            self.node.value, self.node.value, "2.0", word, self.running, role.value, True, True, calls=0
        )

    def run(self, word: str, *, half: bool = False, by_init: bool = False) -> None:
        self.running, self.half = word, half
        self.by_init_at = self.world.clock.now() if by_init else float("-inf")
        self.world.look()

    @property
    def waits(self) -> bool:
        """True while an engine that init has started waits for the other node."""
        return self.world.clock.now() < self.by_init_at + CONF.initdead

    @property
    def gives_service(self) -> str:
        """The engine that may give service here."""
        return "" if self.half or self.waits else self.running

    def _adopt(self, conf: object) -> None:
        self.anew = True

    async def ask(self, verb: str, **arguments: str) -> Any:
        CURRENT.set(self)
        return await self.agent.verbs[verb](ControlRequest(verb, arguments))

    async def go_on(self) -> None:
        CURRENT.set(self)
        with contextlib.suppress(AshaError):
            await self.agent._go_on()

    def kill_agent(self) -> None:
        if self.step is not None:
            self.step.cancel()
            self.step = None
        self.begin_agent()

    def cut_power(self) -> None:
        self.kill_agent()
        self.on, self.boots = False, self.boots + 1
        self.run("")

    def boot(self) -> None:
        """Switch the machine on: init starts what it has files of, and the agent."""
        if self.on:
            return
        self.on = True
        for word in self.at_boot & self.files:
            self.run(word, by_init=True)
        self.begin_agent()

    def turn(self) -> None:
        """Begin the next step of the agent, when none is under way."""
        if self.step is not None and not self.step.done():
            return
        if self.anew:
            self.begin_agent()
        if self.on and self.agent.under_way:
            self.step = asyncio.get_running_loop().create_task(self.go_on())


CURRENT: ContextVar[Machine] = ContextVar("CURRENT")


class World:
    """Two machines, and what must never be of them: each with another engine."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = HandClock(sleeping=True)
        self.answers = True
        self.torn: list[tuple[str, str]] = []
        self.primary = Machine(self, Node.PRIMARY, folder / "primary")
        self.secondary = Machine(self, Node.SECONDARY, folder / "secondary")
        self.machines = (self.primary, self.secondary)
        fakes: Mapping[str, Callable[..., Any]] = {
            "installed_engine": lambda word: CURRENT.get().engines[word],
            "have_secret": lambda engine, this_node: "",
            "set_values": self._set_values,
            "boot_identity": lambda: str(CURRENT.get().boots),
            "duplicated": lambda *asked: Known("mac" if self._other().running else None, 0.0),
            "way_to_peer": lambda conf, node: node,
            "ask_once": self._ask_once,
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(module, name, fake)
        monkeypatch.setattr(installed, "engines", lambda: tuple(CURRENT.get().engines.values()))
        monkeypatch.setattr(boot_services, "started_at_boot", self._started_at_boot)
        monkeypatch.setattr(boot_services, "set_at_boot", self._set_at_boot)
        monkeypatch.setattr(module, "_LOOK", 0.0)

    def look(self) -> None:
        if not hasattr(self, "machines"):
            return
        running = (self.primary.gives_service, self.secondary.gives_service)
        if "" not in running and len(set(running)) > 1:
            self.torn.append(running)

    def _other(self) -> Machine:
        return self.secondary if CURRENT.get() is self.primary else self.primary

    @staticmethod
    def _started_at_boot(services: Sequence[str]) -> tuple[str, ...]:
        return tuple(CURRENT.get().at_boot & set(services))

    @staticmethod
    def _set_at_boot(services: Sequence[str], *, on: bool) -> None:
        at_boot = CURRENT.get().at_boot
        (at_boot.update if on else at_boot.difference_update)(services)

    @staticmethod
    def _set_values(path: Path, values: Mapping[str, str]) -> Any:
        CURRENT.get().conf = values["HAENGINE"]
        return SimpleNamespace(before="", after="", conf=None)

    def _ask_once(self, way: object, verb: str, asked: Mapping[str, str], *, patience: float) -> Any:
        peer = self._other()
        if not (peer.on and self.answers):
            raise ClusterError("It does not answer.")
        words = {"to": asked["to"], "by": "the peer"}
        if asked["do"] == "switch":
            call = peer.ask("engine switch", number=asked["number"], **words)
        else:
            call = peer.ask("engine", cancel=asked["number"], **words)
        return {"report": to_json(asyncio.run_coroutine_threadsafe(call, self.loop).result(10.0))}

    async def settle(self) -> None:
        """Let everything go on undisturbed until nothing is left to do."""
        self.answers = True
        for machine in self.machines:
            machine.refuses = machine.halves = set()
            machine.boot()
        await self.arrive()

    async def arrive(self) -> None:
        """Let everything go on until no change is under way, and what init has started then gives service."""
        for _ in range(ROUNDS):
            if not any(machine.agent.under_way or machine.anew for machine in self.machines):
                self.clock.sleep(CONF.initdead)
                self.look()
                return
            await self.round()
        raise AssertionError([machine.agent.says() for machine in self.machines])

    async def round(self, struck: Machine | None = None, after: float = 0.0) -> None:
        """Let both agents take a step; the agent of `struck` is killed within it, `after` so many seconds."""
        # Agents are quicker than HAINITDEAD, however busy the machine of this test is.
        hurries = any(machine.waits and machine.agent.under_way for machine in self.machines)
        self.clock.sleep(0.1 if hurries else 2.0)
        self.look()
        for machine in self.machines:
            machine.turn()
        if struck is not None:
            await asyncio.sleep(after)
            struck.kill_agent()
        steps = [machine.step for machine in self.machines if machine.step is not None]
        if steps:
            done, _ = await asyncio.wait(steps, timeout=0.02)
            for step in done:
                step.result()

    async def begin(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.secondary.ask("engine migrate", to="pacemaker", by="root")

    def end(self) -> None:
        """Both run the same engine, which the conf of both names, and have taken the other's files away."""
        assert self.torn == []
        assert {machine.running for machine in self.machines} <= {self.primary.conf}
        assert self.primary.conf == self.secondary.conf == self.primary.running
        assert all(machine.files == machine.at_boot == {machine.conf} for machine in self.machines)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_auto_starts_no_other_engine_than_the_peer_runs(world: World) -> None:
    """The primary's disk was replaced, and its new installation prefers another engine."""
    world.primary.cut_power()
    world.primary.on, world.primary.conf = True, "pacemaker"
    world.primary.begin_agent()

    async def ask() -> None:
        world.loop = asyncio.get_running_loop()
        CURRENT.set(world.primary)
        ask_peer = world.primary.agent.why_not_asked
        with pytest.raises(
            ClusterError, match="pbx2 runs Heartbeat, and HAENGINE=auto has chosen"
        ) as refused:
            await ask_peer()
        assert "asha conf set HAENGINE heartbeat" in refused.value.todo
        world.secondary.run("")
        assert await ask_peer() == "", "it runs none"
        world.answers = False
        assert "pbx2 could not be asked which engine it runs" in await ask_peer()
        world.primary.run("pacemaker")
        assert await ask_peer() == "", "it runs already"

    asyncio.run(ask())


def test_undisturbed_both_change(world: World) -> None:
    async def play() -> None:
        await world.begin()
        await world.settle()

    asyncio.run(play())
    world.end()
    assert world.primary.running == world.secondary.running == "pacemaker"


@pytest.mark.parametrize("starts", ["not at all", "in part"])
def test_what_the_primary_cannot_start_both_leave(world: World, starts: str) -> None:
    async def play() -> None:
        if starts == "in part":
            for machine in world.machines:
                machine.halves = {"pacemaker"}
        else:
            world.primary.refuses = {"pacemaker"}
        await world.begin()
        await world.arrive()

    asyncio.run(play())
    world.end()
    assert world.primary.running == world.secondary.running == "heartbeat"
    for machine in world.machines:
        assert machine.agent._note is not None and "could not be started" in machine.agent._note.says


@pytest.mark.parametrize("enabled", [{"heartbeat"}, {"heartbeat", "pacemaker"}])
def test_a_secondary_that_boots_before_its_order_does_not_take_init_s_engine_for_the_pair_s(
    world: World, enabled: set[str]
) -> None:
    async def play() -> None:
        world.secondary.at_boot = set(enabled)
        await world.begin()
        world.answers = False
        for _ in range(ROUNDS):
            if "pacemaker" in world.secondary.files:
                break
            await world.round()
        world.secondary.cut_power()
        await world.settle()

    asyncio.run(play())
    assert world.torn == []
    assert world.primary.running == world.secondary.running == world.secondary.conf == "heartbeat"


def test_a_primary_that_boots_in_its_change_asks_before_it_serves(world: World) -> None:
    """The secondary has gone on alone meanwhile, and init has started the new engine on the primary."""

    async def play() -> None:
        world.primary.at_boot = set(TITLES)
        await world.begin()
        for _ in range(ROUNDS):
            if "pacemaker" in world.primary.files:
                break
            await world.round()
        world.primary.cut_power()
        world.clock.sleep(1000.0)
        for _ in range(ROUNDS):
            if not world.secondary.agent.under_way and not world.secondary.anew:
                break
            await world.round()
        assert world.secondary.running == "pacemaker"
        await world.settle()

    asyncio.run(play())
    assert world.torn == []
    assert world.primary.running == world.secondary.running == "pacemaker"


def test_a_change_that_was_given_up_keeps_the_reason_of_the_node_that_took_part(world: World) -> None:
    async def play() -> None:
        world.primary.refuses = {"pacemaker"}
        await world.begin()
        await world.arrive()
        note = world.primary.agent._note
        assert note is not None and "could not be started" in note.says
        await world.primary.ask("engine", to="pacemaker", cancel=note.number)
        assert world.primary.agent._note == note
        await world.primary.ask("engine", to="pacemaker", cancel="another")
        assert world.primary.agent._note != note

    asyncio.run(play())


def test_files_that_cannot_be_taken_away_are_told(world: World) -> None:
    async def play() -> None:
        world.secondary.keeps_files = True
        await world.begin()
        await world.arrive()

    asyncio.run(play())
    journal = "".join(path.read_text() for path in world.secondary.folder.rglob("*") if path.is_file())
    assert "could not be taken away" in journal


def test_it_begins_on_the_secondary_and_once(world: World) -> None:
    async def play() -> None:
        world.loop = asyncio.get_running_loop()
        with pytest.raises(AshaError, match="begins on the secondary"):
            await world.primary.ask("engine migrate", to="pacemaker")
        with pytest.raises(AshaError, match="no such engine"):
            await world.secondary.ask("engine migrate", to="/bin/sh")
        with pytest.raises(AshaError, match="Heartbeat already"):
            await world.secondary.ask("engine migrate", to="heartbeat")
        world.answers = False
        with pytest.raises(AshaError, match="does not answer"):
            await world.secondary.ask("engine migrate", to="pacemaker")
        world.answers = True
        await world.begin()
        with pytest.raises(AshaError, match="under way"):
            await world.begin()
        with pytest.raises(AshaError, match="ordered by nobody"):
            await world.secondary.ask("engine switch", to="pacemaker", number="7")

    asyncio.run(play())


@pytest.mark.parametrize("seed", range(64))
def test_killed_at_any_step_no_two_engines_run_and_both_end_with_the_same(world: World, seed: int) -> None:
    """Each seed has one kind of fault: agents killed, questions lost, a power cut, an engine that does not start."""
    chance = random.Random(seed)
    kind = (
        "kills",
        "lost questions",
        "power cut",
        "refusal",
        "refusal, then power cut",
        "half a start",
        "half a start, and kills",
        "kills, then power cut",
    )[seed % 8]
    victim = chance.choice(world.machines)
    if chance.random() < 0.5:  # Debian starts at boot what is installed
        for machine in world.machines:
            machine.at_boot = set(TITLES)

    async def play() -> None:
        await world.begin()
        cut_at = chance.randrange(1, 16)
        for number in range(45):
            if kind.startswith("refusal"):
                world.primary.refuses = {"pacemaker"} if chance.random() < 0.7 else set()
            if kind.startswith("half"):
                for machine in world.machines:
                    machine.halves = {"pacemaker"} if chance.random() < 0.7 else set()
            struck = chance.choice(world.machines) if chance.random() < 0.3 else None
            world.answers = kind != "lost questions" or chance.random() < 0.6
            if kind.endswith("power cut") and number == cut_at:
                victim.cut_power()
            if not victim.on:
                world.clock.sleep(chance.uniform(0.0, 40.0))
                if number > cut_at + 12 and chance.random() < 0.3:
                    victim.boot()
            strikes = "kills" in kind or kind == "refusal"
            await world.round(struck if strikes else None, chance.uniform(0.0, 0.004))
            if chance.random() < 0.2 and not any(machine.waits for machine in world.machines):
                world.clock.sleep(chance.uniform(0.0, 20.0))
        await world.settle()

    asyncio.run(play())
    assert world.torn == []
    running = {machine.running for machine in world.machines} - {""}
    assert len(running) == 1, "somebody serves"
    assert world.secondary.running
