"""Two nodes of a rack whose data are fetched by the product's own passes, without an agent."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.host.paths import SyncPaths
from appliance.sync.newer_data_mark import read_mark, set_mark
from hwsim.nodes import Network, Node, NodeError, Running
from hwsim.nodes.sshd import HOST_KEY, shell, sshd_answers, start_sshd

CONF = """
HACLUSTERIP=10.77.0.100
"""
# What the peer's key may run: the questions, answered without an agent, or rsync by the product's gate.
# /run/health says why the data are not to be copied, /run/serving is there while the node serves, /run/ahead says by
# how many seconds the clock is ahead.
_SOURCE = """
import os, sys
from pathlib import Path
from appliance.config import load
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync.server import SourceHealth, SyncServer
wanted = os.environ["SSH_ORIGINAL_COMMAND"]
def standing():
    health = Path("/run/health").read_text() if Path("/run/health").exists() else ""
    return SourceHealth(health, Path("/run/serving").exists())
if wanted == "asha-source serve":
    class Clock(SystemClock):
        def wall(self):
            ahead = Path("/run/ahead")
            return super().wall() + (float(ahead.read_text()) if ahead.exists() else 0.0)
    source = SyncServer(load(Path("/etc/asha.conf")), SyncPaths(), Clock(), standing, dict)
    source.serve(sys.stdin.buffer, sys.stdout.buffer)
elif wanted == "asha-source watch":
    from appliance.sync.watch import TreeWatch
    TreeWatch(load(Path("/etc/asha.conf"))).run(sys.stdout.buffer)
else:
    import shutil
    from appliance.sync.gate import give, judge, read_words
    from appliance.sync.trees import trees
    ours = trees(load(Path("/etc/asha.conf")))
    found = judge(wanted, ours, SyncPaths(), lambda: read_words(0))
    give(found, Path(shutil.which("rsync")), ours, SyncPaths())
"""
HERE = """
import sys
from pathlib import Path
from appliance.sync_setup import LOCAL_FILES
from appliance.sync_setup import vet_for
from appliance.config import load
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.sync.peer_link import PeerLink
from appliance.sync.sync_pass import Request
from appliance.host.paths import SyncPaths
from appliance.sync.errors import SyncProblem
from appliance.sync.session import SyncSession
from appliance.sync.ssh import Ssh
conf, clock = load(Path("/etc/asha.conf")), SystemClock()
def session(node, live=False):
    return SyncSession(conf, node, clock, lambda: None, vet_for(conf), LOCAL_FILES, SyncPaths(), live)
here = session(Node.SECONDARY)
def one_pass(session, peer, request, progress=lambda *news: None):
    outcome = session.run(peer, request, progress, patient=True)
    told = [len(outcome.changed), len(outcome.removed), outcome.left]
    if session.node is Node.PRIMARY:
        told += [outcome.messages, len(outcome.conflicts), "settled" if outcome.settled else "open"]
    print(*told, flush=True)
"""
_PASS = f"""
{HERE}
side, address, *words = sys.argv[1:]
scope = tuple(words[words.index("only") + 1 :]) if "only" in words else None
try:
    with PeerLink(Ssh(address, 22)) as peer:
        request = Request("test", scope, dry_run="dry" in words, deep="deep" in words)
        one_pass(session(Node(side), "live" in words), peer, request)
except SyncProblem as problem:
    print(f"{{problem.kind.value}}: {{problem}}")
"""
# Nothing but what the peer tells of brings a second pass within an hour.
_FOLLOW = f"""
{HERE}
from appliance.sync.follow import Follower
def run(peer, request):
    one_pass(here, peer, request)
    return True
Follower(Ssh("10.77.0.1", 22), clock, 3600.0, run, lambda problem: print(problem, flush=True)).run()
"""
_TREES = "/etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail"
# Name, mode, owner, size and time of files, links with their targets, directories, then the contents.
SHOW = (
    rf"find {_TREES} -type f -printf '%p %m %U:%G %s %T@\0' | LC_ALL=C sort -z | base64;"
    rf"find {_TREES} -type l -printf '%p %l\0' | LC_ALL=C sort -z | base64;"
    rf"find {_TREES} -type d -printf '%p %m\0' | LC_ALL=C sort -z | base64;"
    rf"find {_TREES} -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; sqlite3 /opt/sark/db/sark.db .dump"
)

# A link of that rate, outwards.
SLOW = "tc qdisc add dev eth0 root tbf rate {rate} burst 16kb latency 400ms"


def places_of(node: Node) -> SyncPaths:
    """Where `node` keeps the things of its synchronisation, as seen from here."""
    return SyncPaths(*map(node.path, ("/var/lib/asha/sync", "/run/asha/sync", "/etc/asha")))


def mark_served(node: Node, *starts: float) -> None:
    """Have `node` marked as its agent does, once for each start of Asterisk; a start is a wall time."""
    for wall in starts:
        set_mark(places_of(node), wall)


def is_marked(node: Node) -> bool:
    """`node` has data that its peer has not got, as its agent sees it."""
    return bool(read_mark(places_of(node)))


def pass_command(asking: Node, giving: Node, *words: str, by_ipv6: bool = False) -> list[str]:
    """The command on `asking` that makes one pass. `words`: "live", "dry", "only" and directories."""
    address = (Network.address6 if by_ipv6 else Network.address)(giving.name, "eth0")
    return [sys.executable, "-c", _PASS, asking.name, address, *words]


async def one_pass(asking: Node, giving: Node, *words: str, by_ipv6: bool = False) -> str:
    """What the pass has counted: changed, removed, left; a merge also messages, conflicts, and how it stands."""
    result = await asking.run(pass_command(asking, giving, *words, by_ipv6=by_ipv6), 120)
    assert result.code == 0, result.err
    return result.out.strip()


@asynccontextmanager
async def following(secondary: Node) -> AsyncIterator[Callable[[int], Awaitable[list[str]]]]:
    """The secondary follows. Gives what waits for that many passes that found something, and tells what they found."""
    log = secondary.path("/tmp") / "follow.log"
    follower = await secondary.spawn([sys.executable, "-c", _FOLLOW], log)

    async def passes(count: int) -> list[str]:
        end = asyncio.get_running_loop().time() + 30
        while len(found := [line for line in log.read_text().splitlines() if line != "0 0 0"]) < count:
            assert asyncio.get_running_loop().time() < end, found
            await asyncio.sleep(0.02)
        return found

    try:
        yield passes
    finally:
        follower.signal(signal.SIGKILL)
        await follower.wait()


async def introduce(*, giving: Node, asking: Node) -> None:
    """sshd runs on `giving`, and the two know each other's keys."""
    await shell(
        asking, "mkdir -p -m 700 /var/lib/asha/ssh; ssh-keygen -q -t ed25519 -N '' -f /var/lib/asha/ssh/id"
    )
    await start_sshd(giving, "/etc/ssh/rack_authorized")
    key = asking.path("/var/lib/asha/ssh/id.pub").read_text()
    giving.write("/etc/ssh/rack_source.py", _SOURCE)
    giving.write(
        "/etc/ssh/rack_authorized", f'command="{sys.executable} /etc/ssh/rack_source.py" {key}', 0o600
    )
    pin = " ".join(giving.path(f"{HOST_KEY}.pub").read_text().split()[:2])
    asking.write("/var/lib/asha/ssh/known_hosts", f"asha-peer {pin}\n")
    await sshd_answers(asking, Network.address(giving.name, "eth0"))


async def hang_up(asking: Node) -> None:
    """End the connection that is kept open."""
    await shell(asking, "ssh -O exit -o ControlPath=/run/asha/ssh-peer peer")


class Cutter:
    """Makes passes of which something is killed at any moment: the pass itself, its rsync or its ssh.

    `killed`: how often something was. A moment is drawn from the time the last whole pass took.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._span = 1.0
        self.killed = 0

    async def a_pass(self, asking: Node, giving: Node, *words: str) -> None:
        """One pass, until it has ended, whatever way. `words` as in `pass_command`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        ended, _ = await self._start(asking, giving, words)
        await asyncio.wait([ended], timeout=self._dice.uniform(0.0, self._span))
        if ended.done():
            self._span = loop.time() - began
        elif victims := asking.pids("one_pass|^rsync|^ssh |^ssh: |^/usr/bin/rsync"):
            self.killed += _kill(asking, self._dice.choice(victims))
        await ended

    async def a_pass_that_changes(self, place: str, asking: Node, giving: Node, *words: str) -> None:
        """One pass, killed within milliseconds from its first change of the directory `place` on `asking`."""
        seen = asking.path(place)
        before = _changed_at(seen)
        ended, passing = await self._start(asking, giving, words)
        await asyncio.to_thread(_await_change, seen, before, ended.done)
        _spin(self._dice.uniform(0.0, 0.003))
        self.killed += not ended.done()
        passing.kill()
        await ended

    async def _start(
        self, asking: Node, giving: Node, words: tuple[str, ...]
    ) -> tuple[asyncio.Task[int], Running]:
        passing = await asking.spawn(pass_command(asking, giving, *words), asking.boot_log)
        return asyncio.create_task(passing.wait()), passing


def _kill(node: Node, pid: int) -> bool:
    try:
        node.kill(pid)
    except NodeError:  # it has ended by itself
        return False
    return True


def _changed_at(directory: Path) -> int:
    return directory.stat().st_mtime_ns


def _await_change(directory: Path, before: int, ended: Callable[[], bool]) -> None:
    while _changed_at(directory) == before and not ended():
        time.sleep(0.0002)


def _spin(seconds: float) -> None:
    """Shorter than a loop's clock can wait."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
