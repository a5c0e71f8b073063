"""Which of the agent's loops comes first is chance: the status document must not show it.

A whole agent (`AgentParts`) is put on a machine of nothing but files and stand-ins for what its sensors ask. Its loops
are taken one round at a time, in every order that Hypothesis finds, with a clock moved by hand. Two things must hold in
each order: what nobody has looked at yet is never told as if somebody had; and once everybody has looked, the document
is the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.agent import wiring as wiring_module
from appliance.agent.active_conf import InstalledConf
from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.components.provisioning import Provisioning
from appliance.agent.components.samples import Samples
from appliance.agent.components.settings import Threads
from appliance.agent.components.silences import Silences
from appliance.agent.engine_control import EngineControl
from appliance.agent.peer_message import DataWord, Hearing, tell
from appliance.agent.sensors import address, asterisk, card, lan
from appliance.agent.wiring import AgentParts
from appliance.cluster.engine import EngineView, PeerMessage
from appliance.core.as_json import to_json
from appliance.core.data_policy import LOOSE, NEWER
from appliance.core.fitness import Fitness
from appliance.core.grant import Grant, Verb
from appliance.core.lan import LanInterface
from appliance.core.model import DChannel, Line, Relay
from appliance.core.reading import Known, Unknown
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState
from appliance.core.transfer import Peer, Seen
from appliance.host.paths import SyncPaths
from appliance.host.worker_thread import WorkerThread
from appliance.hw.usb_identity import DeviceInfo
from appliance.notify.spool import Spool
from appliance.sark.mirror import Mirror
from tests.plugins.fake_engine import FakeEngine, as_engine
from tests.plugins.hand_clock import HandClock

HERE = os.uname().nodename
PEER = "the-other"
ENGINE = "7:99"
_WORDLESS = Unknown("the engine has not spoken of it", 0.0)
# It runs, and has said nothing yet.
SILENT_ENGINE = EngineView(Known(True, 0.0), ENGINE, _WORDLESS, _WORDLESS, _WORDLESS)
# Rounds until all is known in the worst order: process, an answer, the D-channel, a turn that links, one that is done.
LONGEST_CHAIN = 5
CONSOLE = 0.004  # seconds the console takes for an answer, whoever asks
T1 = 'Span 1: R1T1/0 "Rhino R1T1 T1/PRI Card 0" (MASTER) B8ZS/ESF \n\n\t   1 R1T1/0/1 Clear (In use) \n'
LAN = LanInterface("eth0", exists=True, up=True, carrier=True, addresses=(("10.77.0.1", 24),))
NOBODY = (
    "not checked yet",
    "not asked yet",
    "has said nothing yet",
    "has not spoken of",
    "has not said what",
)


@dataclass(frozen=True)
class Case:
    """What the machine is: the node's part, HASYNCH, whether it holds the grant, and whether data are newer here."""

    name: str
    primary: bool = False
    synch: str = "LAZY"
    serves: bool = False
    served: bool = False
    peer_served: bool = False


CASES = (
    Case("primary-serves", primary=True, serves=True),
    Case("primary-stands-by", primary=True, peer_served=True),
    Case("standby"),
    Case("standby-with-newer-data", served=True),
    Case("standby-loose", synch="LOOSE"),
    Case("standby-loose-after-service", synch="LOOSE", served=True),
    Case("primary-loose", primary=True, synch="LOOSE", serves=True, peer_served=True),
    Case("secondary-serves", serves=True, served=True),
)


class Console:
    """A probe, or the question for the D-channels: it takes its time on the clock that is moved by hand."""

    def __init__(self, name: str, clock: HandClock) -> None:
        self.name = name
        self._clock = clock

    async def ask(self, now: Callable[[], float]) -> Known[str]:
        self._clock.time += CONSOLE
        return Known("it answers", now())

    def close(self) -> None:
        pass


class Machine:
    """One agent, whose loops are taken a round at a time."""

    def __init__(self, place: Path, case: Case, clock: HandClock, engine: FakeEngine) -> None:
        self.engine = engine
        self.case = case
        self.clock = clock
        self.place = place
        self._write_conf()
        self.parts = AgentParts(place / "asha.conf", self.clock, Threads(), lambda: None)
        self._asked: dict[str, float] = {}
        self.rounds: dict[str, Callable[[], Awaitable[None]]] = {
            "engine": self._engine,
            "engine's word": self._word_of_engine,
            "peer's word": self._word_of_peer,
            "process": self._process,
            "console": lambda: self._probe("cli"),
            "ami": lambda: self._probe("ami"),
            "dchannel": self._dchannel,
            "line": self.parts.line.first_look,
            "address": self._address,
            "lan": self._lan,
            "data": self._data,
            "alerts": self.parts.alerts.first_look,
            "provisioning": next(
                one for one in self.parts.components if isinstance(one, Provisioning)
            ).first_look,
            "samples": self.parts.samples.first_look,
            "cycle": self._cycle,
        }
        if case.primary:
            self.rounds["card"] = self.parts.card.first_look

    async def begin(self) -> None:
        """As the daemon does: Heartbeat is known before anything moves; nothing else has been looked at."""
        parts = self.parts
        parts.engine_sensor.look()
        if self.case.serves:
            parts.cycle.ask(Verb.START, 1.0, parts.context.observations.engine_id)
        parts.cycle.start()

    async def take(self, name: str) -> None:
        self.clock.time += 0.001
        await self.rounds[name]()

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(json.dumps(to_json(self.parts.control_api.status())))
        return document

    def end(self) -> None:
        """As the daemon ends. A journal that still wrote would give the next machine this one's generation."""
        self.parts.close()
        self.parts.context.journal.close()

    # -- one round of each loop

    async def _engine(self) -> None:
        self.parts.engine_sensor.look()

    async def _word_of_engine(self) -> None:
        now = self.clock.now()
        self.engine.run(
            ENGINE,
            peer_alive=Known(True, now),
            holds=Known("all" if self.case.serves else "none", now),
            serves=Known(self.case.serves, now),
            links={"eth1": True},
        )
        await self._hear()

    async def _hear(self, *messages: PeerMessage) -> None:
        """Have the engine speak, and wait until the agent has heard it; what it knows already makes no news."""
        observations = self.parts.context.observations
        observations.changed.clear()
        self.engine.watches[-1].say(*messages)
        if not messages:
            await observations.changed.wait()
        # No event tells of a message that says nothing new.
        while messages and getattr(observations.report, "at", None) != messages[-1].at:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def _word_of_peer(self) -> None:
        now = self.clock.now()
        nothing = Unknown("not looked", now)
        seen = Seen(
            commanded=Known(Relay.RELEASED, now),
            card=nothing,
            line=Known(Line.ABSENT if self.case.serves else Line.CLEAR, now),
            dchannel=nothing,
            pbx=nothing,
            address=nothing,
            peer=Peer(nothing, nothing, nothing, nothing, nothing),
            busy=frozenset(),
            failed={},
        )
        role = Role.STANDBY if self.case.serves else Role.ACTIVE
        word = DataWord(self.case.peer_served, 40.0)
        state = ServiceState(Grant(held=not self.case.serves, generation=3), now, now, role=role)
        fields = tell(state, Fitness(), seen, now, data=word, hearing=Hearing(nothing))
        await self._hear(PeerMessage(PEER, fields, now))

    async def _process(self) -> None:
        self.parts.asterisk.look()

    async def _probe(self, name: str) -> None:
        probe = next(probe for probe in self.parts.asterisk._probes if probe.name == name)
        self._asked[name] = await self.parts.asterisk._ask_if_due(probe, self._last(name))

    async def _dchannel(self) -> None:
        self._asked["dchannel"] = await self.parts.asterisk._ask_dchannel_if_due(self._last("dchannel"))

    def _last(self, name: str) -> float:
        return self._asked.get(name, float("-inf"))

    async def _address(self) -> None:
        self.parts.address.look()

    async def _lan(self) -> None:
        self.parts.lan.look()

    async def _data(self) -> None:
        self.parts.data.look()

    async def _cycle(self) -> None:
        self.parts.cycle.turn()
        await self.parts.executor.settle()

    def _write_conf(self) -> None:
        names = (HERE, PEER) if self.case.primary else (PEER, HERE)
        values = {
            "HACLUSTERIP": "10.77.0.100",
            "HAPRINODE": names[0],
            "HASECNODE": names[1],
            "HASYNCH": self.case.synch,
            "RHINOSPF": "YES",
            "SIPPORT": "0",
            "AMIUSER": "asha",
            "AMISECRET": "x",
            "MAILTO": "root@localhost",
            "DAHDIROOT": str(self.place / "dahdi"),
        }
        conf = self.place / "asha.conf"
        conf.touch(0o600)
        conf.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        (self.place / "dahdi/proc/dahdi").mkdir(parents=True, exist_ok=True)
        alarm = "" if self.case.serves else "RED "
        (self.place / "dahdi/proc/dahdi/1").write_text(T1.replace("B8ZS/ESF ", f"B8ZS/ESF {alarm}"))
        sync = self.place / "var/lib/asha/sync"
        sync.mkdir(parents=True)
        (sync / "state.json").write_text(json.dumps({"verified_at": self.clock.wall()}))
        if self.case.served:
            (sync / "served").write_text("1.000 1.000")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Case], Machine]]:
    """Makes a machine whose /var/lib/asha and /run/asha are folders, and whose sensors' questions are answered."""
    _move_places(tmp_path, monkeypatch)
    _at_once(monkeypatch)
    case: Case = CASES[0]
    clock = HandClock()
    engine = FakeEngine()

    def dchannel(conf: object, now: Callable[[], float], deadline: float) -> Known[DChannel]:
        clock.time += CONSOLE
        return Known(DChannel.UP, now())

    monkeypatch.setattr(wiring_module, "engine_of", lambda conf: as_engine(engine))
    monkeypatch.setattr(address, "read_address", lambda device, ip, now: Known(case.serves, now))
    monkeypatch.setattr(lan, "read_lan_interface", lambda *words: Known(LAN, words[-1]))
    monkeypatch.setattr(
        asterisk, "find_pid", lambda conf, now, thorough: Known(os.getpid() if case.serves else None, now)
    )
    monkeypatch.setattr(asterisk, "find_program", lambda program: program)
    monkeypatch.setattr(asterisk, "read_dchannel", dchannel)
    monkeypatch.setattr(asterisk, "probes_for", lambda conf: (Console("cli", clock), Console("ami", clock)))
    device = DeviceInfo(Path("/dev/ttyUSB0"), None)
    monkeypatch.setattr(card, "find_relay", lambda conf, clock, store: Known(device, clock.now()))
    monkeypatch.setattr(wiring_module, "Actuator", Done)

    def made(wanted: Case) -> Machine:
        nonlocal case, clock
        case, clock = wanted, HandClock()
        engine.seen = SILENT_ENGINE
        for folder in (tmp_path / "var", tmp_path / "run"):
            _empty(folder)
        return Machine(tmp_path, wanted, clock, engine)

    yield made


class Done:
    """Whatever is ordered was done already."""

    def __init__(self, *words: object) -> None:
        self.mended: list[str] = []

    def perform(self, order: object) -> None:
        pass

    def announce(self, still_wanted: object) -> None:
        pass

    def close(self) -> None:
        pass


def _move_places(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place of asha's own that a module of the product names, or takes when it is given none, into `folder`."""
    for owner, places in (
        (Spool, ["var/lib/asha/notify", "run/asha/notify"]),
        (Provisioning, ["var/etc-asha", "var/lib/asha/regenerate"]),
        (InstalledConf, ["var/lib/asha/standing.json"]),
        (EngineControl, ["run/asha/engine-restart", "var/lib/asha/engine-target"]),
        (MaintenanceSwitch, ["var/lib/asha/maintenance.json"]),
        (Samples, ["var/lib/asha/trends.json"]),
        (Silences, ["var/lib/asha/silences.json"]),
        (Mirror, ["asha.conf", "var/lib/asha/sark.json"]),
    ):
        monkeypatch.setattr(owner.__init__, "__defaults__", tuple(folder / place for place in places))
    for module in [module for name, module in sys.modules.items() if name.startswith("appliance.")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, Path) and str(value).startswith(("/var/lib/asha", "/run/asha")):
                monkeypatch.setattr(module, name, folder / str(value).lstrip("/"))
            elif isinstance(value, SyncPaths):
                moved = SyncPaths(
                    folder / "var/lib/asha/sync", folder / "run/asha/sync", folder / "var/etc-asha"
                )
                monkeypatch.setattr(module, name, moved)


def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a thread would do is done in its turn, so that the order is the test's."""

    async def do(self: WorkerThread, job: Callable[[], Any], patience: float = 30.0) -> Any:
        return job()

    async def to_thread(job: Callable[..., Any], *words: Any) -> Any:
        return job(*words)

    monkeypatch.setattr(WorkerThread, "__init__", lambda self, name, what: None)
    monkeypatch.setattr(WorkerThread, "do", do)
    monkeypatch.setattr(asyncio, "to_thread", to_thread)


def _empty(folder: Path) -> None:
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()


# What a part of the document is told of, and whose look that takes. "console or dchannel": either of them.
LOOKERS: dict[str, tuple[str, ...]] = {
    "peer.alive.value": ("engine's word",),
    "engine.holds.value": ("engine's word",),
    "peer.fit.value": ("peer's word",),
    "peer.granted.value": ("peer's word",),
    "peer.line.value": ("peer's word",),
    "peer.relay.value": ("peer's word",),
    "peer.maintenance": ("peer's word",),
    "peer.heard": ("peer's word",),
    "peer.data_age": ("peer's word",),
    "pbx.state.value": ("process", "cycle"),
    "line.value": ("line",),
    "spans.value": ("line",),
    "relay.card.value": ("card",),
    "address.here.value": ("address",),
    "dchannel.value": ("dchannel",),
    "probes.cli.ms": ("console", "dchannel"),
    "probes.ami.ms": ("ami",),
    "notify.waiting": ("alerts",),
}


def part(document: dict[str, Any], path: str) -> Any:
    found: Any = document
    for name in path.split("."):
        found = None if found is None else found[name]
    return found


def timeless(document: dict[str, Any]) -> dict[str, Any]:
    """`document` without what is only older or younger."""
    kept = json.loads(json.dumps(document))
    del kept["agent"], kept["peer"]["heard"], kept["data"]["age"]
    for time in ("began", "since"):
        (kept["transfer"] or {}).pop(time, None)
    return kept


async def in_order(machine: Machine, order: list[str], final: dict[str, Any] | None) -> dict[str, Any]:
    """Every loop in that order, again and again; a claim that nobody has looked at fails. Returns the last document."""
    await machine.begin()
    for number, name in enumerate(order, 1):
        await machine.take(name)
        looked, document = set(order[:number]), machine.document()
        for path, lookers in LOOKERS.items():
            if not looked & set(lookers):
                assert part(document, path) is None, (path, "nobody has looked", sorted(looked))
        if final is not None:
            assert set(document["problems"]) <= set(final["problems"]), sorted(looked)
    for name in order * LONGEST_CHAIN:
        await machine.take(name)
    machine.end()
    return timeless(machine.document())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_order_of_the_loops_is_not_seen(machine: Callable[[Case], Machine], case: Case) -> None:
    one = machine(case)
    usual = list(one.rounds)
    final = asyncio.run(in_order(one, usual, None))

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(order=st.permutations(usual))
    def every_order(order: list[str]) -> None:
        assert asyncio.run(in_order(machine(case), order, final)) == final

    every_order()
    text = json.dumps(final)
    assert not [words for words in NOBODY if words in text]
    assert final["problems"] == ([NEWER] if case.name == "standby-with-newer-data" else [])
    assert (final["data"]["why"] == LOOSE) is (case.synch == "LOOSE")
    for name, probe in final["probes"].items():
        expected = CONSOLE * 1000 if case.serves else None
        assert probe["ms"] == expected, name


# What the first look of an agent's start leaves to others: Heartbeat's and the peer's word, and Asterisk's answers.
OTHERS_WORD = {"engine's word", "peer's word", "console", "ami", "dchannel"}


async def as_started(machine: Machine) -> dict[str, Any]:
    """The first document that anybody is given."""
    await machine.begin()
    await machine.parts.first_look()
    await machine.parts.first_report()
    document = machine.document()
    machine.end()
    return document


def test_the_first_document_tells_what_this_node_can_see_itself(machine: Callable[[Case], Machine]) -> None:
    one = machine(CASES[0])
    document = asyncio.run(as_started(one))
    for path, lookers in LOOKERS.items():
        assert (part(document, path) is None) is bool(set(lookers) & OTHERS_WORD), path
    assert document["fit"] is True and document["problems"] == []
    assert one.parts.data.word.age is not None


def test_what_hangs_delays_the_start_a_moment_and_is_told_as_not_looked_at(
    machine: Callable[[Case], Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    one = machine(CASES[0])
    monkeypatch.setattr(wiring_module, "_FIRST_LOOK", 0.01)
    monkeypatch.setattr(one.parts.line, "first_look", hangs)
    monkeypatch.setattr(one.parts.alerts, "first_look", hangs)
    document = asyncio.run(as_started(one))
    assert document["line"] == {"value": None, "why": "not checked yet"}
    assert document["notify"] == {"waiting": None, "problems": {}}
    assert document["relay"]["card"]["value"] is True


def test_a_first_look_that_breaks_ends_the_agent(
    machine: Callable[[Case], Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks() -> None:
        raise RuntimeError("a sensor broke")

    one = machine(CASES[0])
    monkeypatch.setattr(one.parts.line, "first_look", breaks)
    with pytest.raises(RuntimeError, match="a sensor broke"):
        asyncio.run(as_started(one))
