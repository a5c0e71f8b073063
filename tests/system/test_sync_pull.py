"""A pass over real rsync and real ssh, between two machines."""

from __future__ import annotations

import asyncio
import signal
import sys

from ssh_on_nodes import HOST_KEY, shell, sshd_answers, start_sshd

from hwsim.nodes import Node
from hwsim.nodes.pair import pair

_CONF = """
HACLUSTERIP=10.77.0.100
"""
# What the peer's key may run: the questions, or rsync as it asks for it.
_SOURCE = """
import os, sys
from pathlib import Path
from appliance.config import load
from appliance.host.clock import SystemClock
from appliance.sync.places import Places
from appliance.sync.source import Source, Standing
wanted = os.environ["SSH_ORIGINAL_COMMAND"]
if wanted == "asha-source serve":
    health = Path("/run/health").read_text() if Path("/run/health").exists() else ""
    conf = load(Path("/etc/asha.conf"))
    source = Source(conf, Places(), SystemClock(), lambda: Standing(health, True), dict)
    source.serve(sys.stdin.buffer, sys.stdout.buffer)
elif wanted == "asha-source watch":
    from appliance.sync.watch import Watch
    Watch(load(Path("/etc/asha.conf"))).run(sys.stdout.buffer)
else:
    os.execvp("rsync", wanted.split(" "))
"""
_HERE = """
import sys
from pathlib import Path
from appliance.config import load
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.sync.follow import Follower
from appliance.sync.link import Peer
from appliance.sync.places import Places
from appliance.sync.problems import SyncProblem
from appliance.sync.pull import Request
from appliance.sync.session import Session
from appliance.sync.ssh import Ssh
conf, clock = load(Path("/etc/asha.conf")), SystemClock()
here = Session(conf, Node.SECONDARY, clock, lambda: None, lambda staged: None, frozenset(), Places())
def one_pass(peer, request):
    outcome = here.pull(peer, request, lambda *progress: None, patient=True)
    print(len(outcome.changed), len(outcome.removed), outcome.left, flush=True)
"""
_PASS = (
    _HERE
    + """
try:
    with Peer(Ssh("10.77.0.1", 22)) as peer:
        one_pass(peer, Request("test"))
except SyncProblem as problem:
    print(f"{problem.kind.value}: {problem}")
"""
)
# Nothing but what the peer tells of brings a second pass within an hour.
_FOLLOW = (
    _HERE
    + """
Follower(Ssh("10.77.0.1", 22), clock, 3600.0, one_pass, lambda problem: print(problem, flush=True)).run()
"""
)
_FURNISH = r"""
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds/empty /var/spool/asterisk/voicemail/default/100/INBOX
sqlite3 /opt/sark/db/sark.db 'create table t (n); insert into t values (1)'
cd /var/spool/asterisk/voicemail/default/100/INBOX
echo '[message]' >msg0000.txt
head -c 30000 /dev/urandom >msg0000.wav
echo x >$'new\nline'; echo y >$'\xff\xfe'; echo z >'a space'
truncate -s 1M sparse; echo end >>sparse
ln -s /etc/passwd out
echo a >/etc/asterisk/a.conf
chmod 640 /etc/asterisk/a.conf; chown 65534:65534 /etc/asterisk/a.conf
"""
_TREES = "/etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail"
# Name, mode, owner, size and time of files, links with their targets, directories, then the contents.
_SHOW = (
    rf"find {_TREES} -type f -printf '%p %m %U:%G %s %T@\0' | LC_ALL=C sort -z | base64;"
    rf"find {_TREES} -type l -printf '%p %l\0' | LC_ALL=C sort -z | base64;"
    rf"find {_TREES} -type d -printf '%p %m\0' | LC_ALL=C sort -z | base64;"
    rf"find {_TREES} -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; sqlite3 /opt/sark/db/sark.db .dump"
)


async def one_pass(node: Node) -> str:
    result = await node.run([sys.executable, "-c", _PASS], 120)
    assert result.code == 0, result.err
    return result.out.strip()


async def introduce(primary: Node, secondary: Node) -> None:
    """The primary's sshd runs, and the two know each other's keys."""
    await shell(
        secondary, "mkdir -p -m 700 /var/lib/asha/ssh; ssh-keygen -q -t ed25519 -N '' -f /var/lib/asha/ssh/id"
    )
    await start_sshd(primary, "/etc/ssh/rack_authorized")
    key = secondary.path("/var/lib/asha/ssh/id.pub").read_text()
    primary.write("/etc/ssh/rack_source.py", _SOURCE)
    primary.write(
        "/etc/ssh/rack_authorized", f'command="{sys.executable} /etc/ssh/rack_source.py" {key}', 0o600
    )
    pin = " ".join(primary.path(f"{HOST_KEY}.pub").read_text().split()[:2])
    secondary.write("/var/lib/asha/ssh/known_hosts", f"asha-peer {pin}\n")
    await sshd_answers(secondary, "10.77.0.1")


def test_the_standby_becomes_what_the_source_is_and_a_sick_source_is_refused() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": _CONF})
            await rack.boot()
            await introduce(primary, secondary)
            assert (await shell(primary, _FURNISH)).code == 0

            assert await one_pass(secondary) == "16 0 0"
            assert (await shell(secondary, _SHOW)).out == (await shell(primary, _SHOW)).out
            assert await one_pass(secondary) == "0 0 0"

            await shell(
                primary,
                "echo more >>/etc/asterisk/a.conf; rmdir /var/lib/asterisk/sounds/empty;"
                "cd /var/spool/asterisk/voicemail/default/100/INBOX; rm out; chmod 600 msg0000.txt;"
                "sqlite3 /opt/sark/db/sark.db 'insert into t values (2)'",
            )
            assert await one_pass(secondary) == "3 2 0"
            assert (await shell(secondary, _SHOW)).out == (await shell(primary, _SHOW)).out
            before = (await shell(secondary, _SHOW)).out

            await shell(primary, "head -c 4096 /dev/zero >/etc/asterisk/a.conf")
            assert (await one_pass(secondary)).startswith(
                "sick source: Nothing is copied: /etc/asterisk/a.conf"
            )
            await shell(primary, "rm /etc/asterisk/a.conf")
            assert "/etc/asterisk (ASTERISK) is empty there" in await one_pass(secondary)
            await shell(
                primary, "echo b >/etc/asterisk/a.conf; head -c 5000 /dev/urandom >/opt/sark/db/sark.db"
            )
            assert (await one_pass(secondary)).startswith("damaged database")
            primary.write("/run/health", "its Asterisk hangs")
            await shell(secondary, "ssh -O exit -o ControlPath=/run/asha/ssh-peer 10.77.0.1")
            assert "its Asterisk hangs" in await one_pass(secondary)
            secondary.write("/var/lib/asha/ssh/known_hosts", "")
            await shell(secondary, "ssh -O exit -o ControlPath=/run/asha/ssh-peer 10.77.0.1")
            assert (await one_pass(secondary)).startswith("host key not pinned")
            assert (await shell(secondary, _SHOW)).out == before
            await shell(secondary, "ssh -O exit -o ControlPath=/run/asha/ssh-peer 10.77.0.1")

    asyncio.run(scenario())


def test_a_change_is_fetched_when_it_happens_and_not_by_the_clock() -> None:
    changes = (
        ("echo new >/etc/asterisk/new.conf", "1 0 0"),
        ("mkdir -p /var/spool/asterisk/voicemail/default/200/INBOX", "2 0 0"),
        ("echo hi >/var/spool/asterisk/voicemail/default/200/INBOX/msg0000.txt", "1 0 0"),
        ("rm -r /var/spool/asterisk/voicemail/default/200", "0 3 0"),
        ("sqlite3 /opt/sark/db/sark.db 'insert into t values (3)'", "1 0 0"),
    )

    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": _CONF})
            await rack.boot()
            await introduce(primary, secondary)
            assert (await shell(primary, _FURNISH)).code == 0
            log = secondary.path("/tmp") / "follow.log"
            following = await secondary.spawn([sys.executable, "-c", _FOLLOW], log)

            async def passes(count: int) -> list[str]:
                """What the passes that found something have found, once there are `count` of them."""
                end = asyncio.get_running_loop().time() + 30
                while (
                    len(found := [line for line in log.read_text().splitlines() if line != "0 0 0"]) < count
                ):
                    assert asyncio.get_running_loop().time() < end, found
                    await asyncio.sleep(0.02)
                return found

            assert await passes(1) == ["16 0 0"]
            for number, (change, found) in enumerate(changes, 2):
                await shell(primary, change)
                assert (await passes(number))[-1] == found, change
                assert (await shell(secondary, _SHOW)).out == (await shell(primary, _SHOW)).out
            following.signal(signal.SIGKILL)
            await following.wait()
            await shell(secondary, "ssh -O exit -o ControlPath=/run/asha/ssh-peer 10.77.0.1")

    asyncio.run(scenario())
