"""Two machines whose agents change the cluster engine, in virtual time, with the test's choice of what goes wrong.

The agents are the product's (`EngineChanges.run`); the engines, disks, init and the network are modelled here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from appliance.agent import engine_change_note, engine_change_peer, engine_change_sides, engine_change_steps
from appliance.agent.components import engine_change
from appliance.agent.components.engine_change import EngineChanges
from appliance.agent.this_node import ThisNode
from appliance.cluster import boot_services, installed
from appliance.config import Conf
from appliance.control.protocol import ControlRequest
from appliance.core.as_json import to_json
from appliance.core.engine_change import EngineReport
from appliance.core.engine_traits import EngineTraits
from appliance.core.errors import ClusterError, HostError
from appliance.core.grant import Grant
from appliance.core.model import Node
from appliance.core.reading import Known
from appliance.core.roles import Role
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock
from tests.plugins.virtual_loop import play

CONF = Conf(cluster_ip="10.77.0.100", primary_name="pbx1", secondary_name="pbx2")
# Seconds after a split within which both run the same engine.
AGREED = 60.0
TITLES = {"heartbeat": "Heartbeat", "pacemaker": "Pacemaker"}
# The modules in which the world stands for the machine, the network and the other node.
MODULES: Sequence[ModuleType] = (
    engine_change,
    engine_change_note,
    engine_change_peer,
    engine_change_sides,
    engine_change_steps,
)
# Virtual seconds within which everything comes to its end, once nothing is disturbed any more.
SETTLES = 3000.0
NEVER = float("-inf")


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
    for the other node for HAINITDEAD before it gives service. `slow`: how many seconds longer everything takes here.
    """

    def __init__(self, world: World, node: Node, folder: Path) -> None:
        self.world, self.node, self.folder = world, node, folder
        folder.mkdir()
        self.conf, self.running, self.boots = "heartbeat", "heartbeat", 0
        self.files, self.at_boot, self.keeps_files = {"heartbeat"}, {"heartbeat"}, False
        self.half, self.by_init_at = False, NEVER
        self.on, self.refuses, self.halves = True, set[str](), set[str]()
        self.engines = {word: Engine(self, word) for word in TITLES}
        self.slow = 0.0
        self.grant, self.serves = Grant(), node is Node.PRIMARY
        self.task: asyncio.Task[None] | None = None
        self.agent: EngineChanges | None = None
        self.answers: set[asyncio.Future[Any]] = set()

    @property
    def restless(self) -> bool:
        """True while a change is under way here, or no agent runs."""
        return self.on and (self.agent is None or self.agent.under_way)

    def begin_agent(self) -> None:
        """Start an agent, which works with the engine of the conf and knows what is on disk."""
        self.agent = self._agent(self.conf)
        token = CURRENT.set(self)
        self.task = asyncio.get_running_loop().create_task(self.agent.run())
        CURRENT.reset(token)

    def _agent(self, word: str) -> EngineChanges:
        engine, machine = self.engines[word], self

        async def start() -> None:
            await asyncio.to_thread(engine.start)

        async def stop() -> bool:
            return await asyncio.to_thread(engine.stop)

        async def prepare() -> None:
            machine.files.add(word)

        async def report(to: str, *, brief: bool = False) -> EngineReport:
            return self.report(word)

        parts: Any = SimpleNamespace(
            control=SimpleNamespace(prepare=prepare, start=start),
            orders=SimpleNamespace(start=start, stop=stop),
            facts=SimpleNamespace(name=word, report=report),
            engine=engine,
            conf=_ActiveConf(self, word),
        )
        context = node_context(self.folder, ThisNode(CONF, self.node), self.world.clock, grant=self.grant)
        self.journal, self.observations = context.journal, context.observations
        return EngineChanges(
            context,
            engine=parts.engine,
            control=parts.control,
            orders=parts.orders,
            facts=parts.facts,
            active_conf=parts.conf,
            path=self.folder / "change.json",
        )

    def report(self, word: str) -> EngineReport:
        alone = self.gives_service not in ("", self.world.other(self).gives_service)
        role = Role.ACTIVE if self.serves or (alone and self.node is Node.SECONDARY) else Role.STANDBY
        role = role if self.running else Role.OFF
        return EngineReport(
            self.node.value, self.node.value, "2.0", word, self.running, role.value, True, True, calls=0
        )

    def run(self, word: str, *, half: bool = False, by_init: bool = False) -> None:
        self.running, self.half = word, half
        self.by_init_at = self.world.clock.now() if by_init else NEVER
        self.world.look()
        if by_init:
            asyncio.get_running_loop().call_later(CONF.initdead + 0.001, self.world.look)

    @property
    def gives_service(self) -> str:
        """The engine that may give service here."""
        waits = self.world.clock.now() < self.by_init_at + CONF.initdead
        return "" if self.half or waits else self.running

    async def ask(self, verb: str, **arguments: str) -> Any:
        assert self.agent is not None, "no agent runs"
        CURRENT.set(self)
        answer = asyncio.ensure_future(self.agent.verbs[verb](ControlRequest(verb, arguments)))
        self.answers.add(answer)
        answer.add_done_callback(self.answers.discard)
        await asyncio.wait({answer})
        if answer.cancelled():
            raise ClusterError("The agent was killed.")
        return answer.result()

    def kill_agent(self) -> None:
        """End the agent; another begins soon, as its supervisor has it."""
        if self.task is None:
            return
        if self.task.done() and not self.task.cancelled():
            self.task.result()
        for begun in (self.task, *self.answers):
            begun.cancel()
        self.journal.close()
        self.task = self.agent = None
        again = self.world.chance.uniform(0.1, 3.0)
        asyncio.get_running_loop().call_later(again, self._begin_again, self.boots)

    def _begin_again(self, boots: int) -> None:
        if self.on and self.boots == boots and self.agent is None:
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
        for word in sorted(self.at_boot & self.files):
            self.run(word, by_init=True)
        again = self.world.chance.uniform(0.1, 3.0)
        asyncio.get_running_loop().call_later(again, self._begin_again, self.boots)


class _ActiveConf:
    """The conf in force, as far as a change needs it: a new HAENGINE is another agent's."""

    def __init__(self, machine: Machine, word: str) -> None:
        self._machine, self._word = machine, word

    @property
    def engine_off(self) -> bool:
        return self._machine.running != self._word

    def adopt(self, conf: object) -> None:
        asyncio.get_running_loop().call_soon(self._machine.kill_agent)


CURRENT: ContextVar[Machine] = ContextVar("CURRENT")


class World:
    """Two machines, and what must never be of them: each with another engine.

    `answers`: a question from node to node gets through. `lan`: so does one for the cluster address. `hangs`: how
    likely it is that a program or a question takes much longer than usual. `loses`: how likely it is that a question is
    lost, or its answer. `carry`: how many seconds late a question arrives.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = HandClock()
        self.chance = random.Random(0)
        self.answers = self.lan = True
        self.hangs = self.loses = 0.0
        self.lan_is_looked_at: Callable[[], object] = lambda: None
        self.carry: Callable[[Mapping[str, str]], float] = lambda asked: 0.0
        self.torn: list[tuple[float, str, str]] = []
        self.primary = Machine(self, Node.PRIMARY, folder / "primary")
        self.secondary = Machine(self, Node.SECONDARY, folder / "secondary")
        self.machines = (self.primary, self.secondary)
        fakes: Mapping[str, Callable[..., Any]] = {
            "installed_engine": lambda word: CURRENT.get().engines[word],
            "have_secret": lambda engine, this_node: "",
            "set_values": self._set_values,
            "boot_identity": lambda: str(CURRENT.get().boots),
            "duplicated": self._duplicated,
            "ways_to_peer": lambda conf, node: (node,),
            "ask_once": self._ask_once,
        }
        for name, fake in fakes.items():
            for module in MODULES:
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, fake)
        monkeypatch.setattr(installed, "engines", lambda: tuple(CURRENT.get().engines.values()))
        monkeypatch.setattr(boot_services, "started_at_boot", self._started_at_boot)
        monkeypatch.setattr(boot_services, "set_at_boot", self._set_at_boot)

    def play(self, scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Play `scene`, with an agent on each machine."""
        play(self.clock, self._doing, self._with_agents(scene))

    async def _with_agents(self, scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
        for machine in self.machines:
            if machine.on:
                machine.begin_agent()
        try:
            await scene()
        finally:
            for machine in self.machines:
                machine.journal.close()

    async def _doing(self, work: Callable[[], Any], future: asyncio.Future[Any]) -> Any:
        """Do what an agent has given to a thread. It takes its time, and may just outlive an agent that is killed."""
        machine = CURRENT.get()
        boots = machine.boots
        await asyncio.wait({future}, timeout=self._takes() + machine.slow)
        if future.cancelled():
            await asyncio.sleep(self.chance.uniform(0.0, 1.0))
        if (future.cancelled() and self.chance.random() < 0.5) or machine.boots != boots:
            raise HostError("Nothing is done any more.")
        return work()

    def _takes(self) -> float:
        if self.chance.random() < self.hangs:
            return self.chance.uniform(1.0, 40.0)
        return self.chance.uniform(0.01, 0.4)

    def look(self) -> None:
        running = (self.primary.gives_service, self.secondary.gives_service)
        if "" not in running and len(set(running)) > 1:
            self.torn.append((self.clock.now(), *running))

    def other(self, machine: Machine) -> Machine:
        """The machine that `machine` is not."""
        return self.secondary if machine is self.primary else self.primary

    def _duplicated(self, *asked: object) -> Known[str | None]:
        """Tell what a look at the LAN finds, which takes a while: it is of before `lan_is_looked_at`."""
        seen = self.lan and self.other(CURRENT.get()).gives_service
        self.lan_is_looked_at()
        return Known("mac" if seen else None, 0.0)

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

    async def _ask_once(self, way: object, verb: str, asked: Mapping[str, str], *, patience: float) -> Any:
        """Carry a question to the other node; what has not been answered in time may still get there."""
        answer = asyncio.get_running_loop().create_task(self._carried(self.other(CURRENT.get()), asked))
        done, _ = await asyncio.wait({answer}, timeout=patience)
        if not done:
            answer.add_done_callback(lambda late: late.cancelled() or late.exception())
            raise ClusterError("It has not answered.")
        return answer.result()

    async def _carried(self, peer: Machine, asked: Mapping[str, str]) -> Any:
        if not self.answers or self.chance.random() < self.loses:
            await asyncio.sleep(5.0)
            raise ClusterError("It does not answer.")
        await asyncio.sleep(self._takes() + self.carry(asked))
        if not peer.on or peer.agent is None:
            raise ClusterError("It does not answer.")
        words = {"to": asked["to"], "by": "the other node"}
        if asked["do"] == "switch":
            said = await peer.ask("engine switch", number=asked["number"], **words)
        else:
            said = await peer.ask("engine", cancel=asked["number"], **words)
        await asyncio.sleep(self._takes())
        if not self.answers or self.chance.random() < self.loses:
            raise ClusterError("It does not answer.")
        return {"report": to_json(said)}

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Let time go on until `condition` holds."""
        end = self.clock.now() + SETTLES
        while not condition():
            for machine in self.machines:
                if machine.task is not None and machine.task.done():
                    machine.task.result()
            assert self.clock.now() < end, f"not seen: {what}; {[self._says(one) for one in self.machines]}"
            await asyncio.sleep(0.05)

    @staticmethod
    def _says(machine: Machine) -> str:
        return machine.agent.says() if machine.agent is not None else "no agent"

    async def settle(self) -> None:
        """Let everything go on undisturbed until nothing is left to do."""
        self.answers = self.lan = True
        self.hangs = self.loses = 0.0
        for machine in self.machines:
            machine.refuses = machine.halves = set()
            machine.boot()
        await self.arrive()

    async def arrive(self) -> None:
        """Let everything go on until no change is under way, and what init has started then gives service."""
        quiet = 0
        while quiet < 2:  # what is noticed once both rest may begin something
            await self.until(lambda: not any(one.restless for one in self.machines), "the end of the change")
            await asyncio.sleep(CONF.initdead + 1.0)
            quiet = 0 if any(one.restless for one in self.machines) else quiet + 1

    async def begin(self) -> None:
        await self.secondary.ask("engine migrate", to="pacemaker", by="root")

    def alike(self) -> None:
        """Both run the same engine, wholly."""
        assert self.primary.running == self.secondary.running != ""
        assert not self.primary.half and not self.secondary.half

    def end(self) -> None:
        """Both run the same engine, which the conf of both names, and have taken the other's files away."""
        assert self.torn == []
        assert {machine.running for machine in self.machines} <= {self.primary.conf}
        assert self.primary.conf == self.secondary.conf == self.primary.running
        assert all(machine.files == machine.at_boot == {machine.conf} for machine in self.machines)
