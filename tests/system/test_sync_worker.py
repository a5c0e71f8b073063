"""The agent's sync worker as it is started, over real ssh and rsync: it asks nobody, and does what it is handed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from data_on_nodes import CONF, SLOW, introduce

from hwsim.nodes import Network, Node
from hwsim.nodes.pair import pair
from hwsim.nodes.sshd import shell

_FURNISH = """
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail
sqlite3 /opt/sark/db/sark.db 'create table t (n)'
echo a >/etc/asterisk/a.conf
"""
_MUCH = "head -c 4000000 /dev/urandom >/var/lib/asterisk/sounds/big; echo b >/etc/asterisk/a.conf"
_BIG = "/var/lib/asterisk/sounds/big"
# In place of the agent: counts who asks at its socket, starts the worker as the agent does, and hands it the duty.
# The duty is over, by a word or by the silence of an agent that hangs, while the named file is being fetched.
_AGENT = """
import json, os, socket, sys, threading, time
from pathlib import Path
from appliance.core.data_policy import DataDuty, Duty
from appliance.host.clock import SystemClock
from appliance.host.paths import DATA, SYNC_WORKER
from appliance.host.stream import Stream
from appliance.sync.handed_duty import DutyWord
from appliance.sync.state import read_state
during, how, passes = sys.argv[1], sys.argv[2], int(sys.argv[3])
asked = []
os.makedirs("/run/asha", exist_ok=True)
control = socket.socket(socket.AF_UNIX)
control.bind("/run/asha/control")
control.listen(50)
def count():
    while True:
        control.accept()[0].close()
        asked.append(1)
threading.Thread(target=count, daemon=True).start()
def history():
    import contextlib
    from appliance.sync.store import Store
    with contextlib.closing(Store(DATA.store)) as store:
        return store.attempts(100)
clock, over, began = SystemClock(), False, time.monotonic()
def fetched(name):
    stages = map(Path, ("/var/lib/asha/sync/stage", "/var/lib/asterisk/sounds/.asha-stage"))
    return any(next(stage.rglob(f".{name}.*"), None) for stage in stages)
def ended():
    return bool(read_state(DATA.state).problem) or (not during and DATA.store.exists() and len(history()) >= passes)
with Stream(SYNC_WORKER, bound=False) as worker:
    while not ended() and worker.line(0.05) is None and time.monotonic() - began < 60:
        over = over or bool(during and fetched(during))
        if not over or how == "word":
            worker.offer(DutyWord(DataDuty(Duty.NONE if over else Duty.PULL), clock.now()).to_line())
    said = worker.complaint()
state = read_state(DATA.state)
print(json.dumps({
    "asked": len(asked), "problem": state.problem, "said": said, "over": over,
    "seconds": [one.seconds for one in history()] if DATA.store.exists() else [],
}))
"""


@asynccontextmanager
async def nodes() -> AsyncIterator[tuple[Node, Node]]:
    async with pair() as rack:
        conf = f"{CONF}HAPRIADDR={Network.address(rack.primary.name, 'eth0')}\nSYNCPERIOD=10\n"
        for node in (rack.primary, rack.secondary):
            node.prepare(files={"/etc/asha.conf": conf})
        await rack.boot()
        await introduce(giving=rack.primary, asking=rack.secondary)
        assert (await shell(rack.primary, _FURNISH)).code == 0
        yield rack.primary, rack.secondary


async def with_worker(node: Node, during: str = "", how: str = "word", passes: int = 1) -> dict[str, object]:
    """What came of the worker on `node`, whose duty is over while the file `during` is being fetched."""
    result = await node.run([sys.executable, "-c", _AGENT, during, how, str(passes)], 120)
    assert result.code == 0, result.err
    found: dict[str, object] = json.loads(result.out)
    return found


def test_a_pass_asks_the_agent_nothing() -> None:
    async def scenario() -> None:
        async with nodes() as (_, secondary):
            found = await with_worker(secondary)
            assert (found["asked"], found["problem"], found["said"]) == (0, "", ""), found
            assert secondary.path("/etc/asterisk/a.conf").read_text() == "a\n"

    asyncio.run(scenario())


def test_a_duty_that_ends_in_the_middle_of_a_pass_keeps_it_from_applying() -> None:
    async def scenario(how: str, why: str) -> None:
        async with nodes() as (primary, secondary):
            await with_worker(secondary)
            await shell(secondary, "rm -r /run/asha/control")
            await shell(primary, f"{SLOW.format(rate='8mbit')}; {_MUCH}")
            found = await with_worker(secondary, "big", how)
            assert found["over"], found
            assert why in str(found["problem"]), found
            assert secondary.path("/etc/asterisk/a.conf").read_text() == "a\n", "the state before the change"
            assert not secondary.path(_BIG).exists()

    for how, why in (("word", "Not now"), ("silence", "the agent says nothing any more")):
        asyncio.run(scenario(how, why))
