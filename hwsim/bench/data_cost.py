"""The cost of keeping a big house's data in step, beside a bare rsync of the same trees over the same ssh."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from hwsim.bench.family import of_family, proportional
from hwsim.bench.play import on_fresh_rack
from hwsim.bench.spread import Spread, once, spread
from hwsim.bench.stopwatch import timed
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.introduction import introduce
from hwsim.nodes import Network, Node
from hwsim.nodes.sshd import AUTHORIZED_KEYS, shell
from hwsim.pbxdata import CONF, MAIL, SOUNDS, PbxData
from hwsim.rack import Rack
from hwsim.site import SYNCHRONISED, Site

DATA_FIGURES = (
    *(f"data.{what}_{who}" for what in ("first", "same") for who in ("asha", "rsync", "ratio")),
    "data.same_command",
    "data.lag",
    "data.memory",
)
BOXES = 500
FIRST_RUNS, SAME_RUNS, CHANGES = 3, 10, 20
_TREES = (CONF, SOUNDS, str(Path(MAIL).parent))
_BIG_TREE = Path(__file__).with_name("on_node") / "big_tree.py"
_SCRATCH = "/var/tmp/bare"  # on the node
_PERIOD = 5.0  # seconds between two passes of the worker: time for one bare rsync
_PATIENCE = 180.0
_LOOK = 0.01
_SYNC = r"^\S+ \S+/asha sync --now$"
_SAMPLE = 0.1
# root's ssh with an operator's key over a connection kept open, as the product keeps its own; the ciphers are
# the same.
_SSH = (
    "ssh -lroot -i/root/.ssh/operator -oHostKeyAlias=asha-peer -oUserKnownHostsFile=/var/lib/asha/ssh/known_hosts "
    "-oControlMaster=auto -oControlPath=/run/operator -oControlPersist=600"
)


async def data_cost(logs: Path) -> dict[str, Spread]:
    """Measure DATA_FIGURES on two fresh racks.

    Units: seconds, MB (10⁶ bytes), and how many times a bare rsync's time. asha and rsync are measured in
    pairs, one after the other; a ratio is that of such a pair. Raises RunFailed.
    """
    site = Site(profile="dynamic").with_conf({**SYNCHRONISED, "SYNCPERIOD": f"{_PERIOD:g}"})
    by_hand = await on_fresh_rack(_by_command, logs / "by-command", site.with_conf({"HASYNCH": "LOOSE"}))
    return by_hand | await on_fresh_rack(_by_itself, logs / "by-itself", site)


async def _by_command(rack: Rack) -> dict[str, Spread]:
    """Measure first syncs and passes with nothing changed, each by `asha sync --now`, from outside."""
    house = await _House.furnished(rack)
    firsts, memory = [], 0.0
    for _ in range(FIRST_RUNS):
        await house.wipe()
        bare = await house.rsync()
        await house.wipe()
        async with _peak(house.standby, _SYNC) as peak:
            firsts.append((await house.sync(), bare))
        memory = max(memory, peak.megabytes)
    await house.rsync()
    same = [(await house.sync(), await house.rsync()) for _ in range(SAME_RUNS)]
    return {
        **_figures("first", firsts),
        "data.same_command": _spread([ours / bare for ours, bare in same]),
        "data.memory": once(memory),
    }


async def _by_itself(rack: Rack) -> dict[str, Spread]:
    """Measure the agent's worker: passes with nothing changed, by its history, and how soon changes follow."""
    house = await _House.furnished(rack)
    await house.until_in_step()
    await house.rsync()
    same = []
    for _ in range(SAME_RUNS):
        ours = await house.next_pass()
        same.append((ours, await house.rsync()))
    return {**_figures("same", same), "data.lag": _spread([await house.follow(n) for n in range(CHANGES)])}


@dataclass(frozen=True, slots=True)
class _House:
    """A pair at home with a big house's voicemail on the primary."""

    rack: Rack
    stage: Stage

    @classmethod
    async def furnished(cls, rack: Rack) -> _House:
        house = cls(rack, Stage(rack, lambda words: None))
        await PbxData(house.primary).furnish()
        await _must(house.primary, [sys.executable, "-IS", "-c", _BIG_TREE.read_text(), MAIL, str(BOXES)])
        await house.stage.home()
        await introduce(rack.servers)
        made = await shell(house.standby, "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/operator")
        keys = house.primary.path(AUTHORIZED_KEYS)
        public = house.standby.path("/root/.ssh/operator.pub").read_text() if made.ok else ""
        house.primary.write(AUTHORIZED_KEYS, keys.read_text() + public, 0o600)
        await _must(house.standby, ["bash", "-c", f"{_SSH} {house.address} true"])
        return house

    @property
    def primary(self) -> Node:
        return self.stage.primary.node

    @property
    def standby(self) -> Node:
        return self.stage.secondary.node

    @property
    def address(self) -> str:
        return Network.address("primary", "eth0")

    async def wipe(self) -> None:
        """Make the standby as if it had never received anything."""
        await _must(self.standby, ["bash", "-c", f"rm -rf {_SCRATCH} /var/lib/asha/sync {SOUNDS}/* {MAIL}"])

    async def rsync(self) -> float:
        """Return the seconds of a bare rsync of the same trees."""
        others = (f":{tree}" for tree in _TREES[1:])
        sources = (f"{self.address}:{_TREES[0]}", *others)
        argv = ("rsync", "-aR", "--delete", f"--rsh={_SSH}", *sources, f"{_SCRATCH}/")
        (seconds,) = await timed(self.standby, *argv, deadline=_PATIENCE)
        return seconds

    async def sync(self) -> float:
        """Return the seconds of an operator's pass."""
        argv = (sys.executable, self.rack.site.asha, "sync", "--now")
        (seconds,) = await timed(self.standby, *argv, deadline=_PATIENCE)
        return seconds

    async def until_in_step(self) -> None:
        """Wait until the worker has fetched everything, and found nothing more to fetch."""
        while (await self._newest())[1] != "same":
            await self.rack.pause(1.0)

    async def next_pass(self) -> float:
        """Return the seconds of the worker's next pass in which nothing had changed."""
        before = await self._newest()
        while (now := await self._newest()) == before:
            await self.rack.pause(_SAMPLE)
        if now[1] != "same":
            raise ScenarioFailed(f"a pass has found something: {now}")
        return now[2]

    async def follow(self, number: int) -> float:
        """Return the seconds from a new message on the active node until it is verified on the standby."""
        box = 1000 + number * 17 % BOXES
        name = f"{MAIL}/{box}/INBOX/msg0100.wav"
        there = self.standby.path(name)
        began = self.rack.now()
        self.primary.write(name, f"a new message, {number}")
        while not there.exists():
            if self.rack.now() > began + _PATIENCE:
                raise ScenarioFailed(f"{name} did not follow")
            await self.rack.pause(_LOOK)
        return self.rack.now() - began

    async def _newest(self) -> tuple[float, str, float]:
        """Return when the newest pass ended, how, and after how many seconds, by the product's history."""
        said = await self.stage.ask(self.stage.secondary, "sync", "history", "--json", "--count", "1")
        for newest in json.loads(said):
            return float(newest["at"]), str(newest["outcome"]), float(newest["seconds"])
        return 0.0, "", 0.0


@dataclass(slots=True)
class _Peak:
    megabytes: float = 0.0


@contextlib.asynccontextmanager
async def _peak(node: Node, pattern: str) -> AsyncIterator[_Peak]:
    """Measure the most memory that the process and its descendants have together.

    The memory is sampled every tenth of a second.
    """
    peak = _Peak()

    async def watch() -> None:
        while True:
            peak.megabytes = max(peak.megabytes, await asyncio.to_thread(_together, node, pattern))
            await asyncio.sleep(_SAMPLE)

    watching = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        watching.cancel()


def _together(node: Node, pattern: str) -> float:
    processes = [node.path("/proc") / str(pid) for pid in node.pids(pattern)]
    return sum(_memory(process) for process in processes) / 1e6


def _memory(process: Path) -> int:
    with contextlib.suppress(OSError):  # the process has just ended
        return sum(of_family(process, proportional))
    return 0


def _figures(what: str, pairs: list[tuple[float, float]]) -> dict[str, Spread]:
    ours, bare = zip(*pairs, strict=True)
    return {
        f"data.{what}_asha": _spread(list(ours)),
        f"data.{what}_rsync": _spread(list(bare)),
        f"data.{what}_ratio": _spread([one / other for one, other in pairs]),
    }


def _spread(values: list[float]) -> Spread:
    found = spread(values)
    assert found is not None  # there is at least one value
    return found


async def _must(node: Node, argv: list[str]) -> None:
    done = await node.run(argv, _PATIENCE)
    if not done.ok:
        raise ScenarioFailed(f"'{' '.join(argv)[:80]}' on {node.hostname}: {done.err.strip()[-300:]}")
