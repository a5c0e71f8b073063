"""What a pass shows while it works: a bar with counts on a terminal, nothing of it anywhere else."""

from __future__ import annotations

import asyncio
import re
import sys

from data_on_nodes import CONF, HERE, hang_up, introduce

from hwsim.nodes import Network, Node
from hwsim.nodes.inside import Result
from hwsim.nodes.pair import pair
from hwsim.nodes.sshd import shell

_FILES = 3000
_PASS = f"""
{HERE}
from appliance.cli.sync import bar
with PeerLink(Ssh(sys.argv[1], 22)) as peer, bar() as progress:
    one_pass(here, peer, Request("test"), progress)
"""
_ON_TERMINAL = """
import os, pty, sys
os.environ["TERM"] = "xterm"
def read(terminal):
    said = os.read(terminal, 1 << 16)
    os.write(1, said)
    return said
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))
"""
_TOUCH = f"cd /etc/asterisk; for n in {{1..{_FILES}}}; do echo $RANDOM$n >$n.conf; done"


async def one_pass(secondary: Node, *before: str) -> Result:
    address = Network.address("primary", "eth0")
    result = await secondary.run([*before, sys.executable, "-c", _PASS, address], 120)
    assert result.code == 0, result
    return result


def counts(shown: str, phase: str) -> list[tuple[int, int]]:
    """The counts that were shown of a phase: how much of how much."""
    return [(int(done), int(total)) for done, total in re.findall(rf"{phase}, (\d+) of (\d+)", shown)]


def rises(shown: list[tuple[int, int]], total: int) -> bool:
    """From less to more, to no more than there is."""
    done = [one for one, _ in shown]
    return done == sorted(done) and len(set(done)) > 1 and all(of == total >= one for one, of in shown)


def test_a_terminal_shows_what_is_going_on_and_how_much_of_it_is_done() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": CONF}, empty=("/etc/asterisk",))
            await rack.boot()
            await introduce(giving=primary, asking=secondary)
            await shell(primary, f"mkdir -p /var/lib/asterisk/sounds /var/spool/asterisk/voicemail; {_TOUCH}")

            terminal = (sys.executable, "-c", _ON_TERMINAL)
            first = (await one_pass(secondary, *terminal)).out
            for phase in ("asking", "fetching", "verifying", "putting in place"):
                assert phase in first, (phase, first)
            assert rises(counts(first, "fetching"), _FILES + 3), first  # and the three directories

            await shell(primary, _TOUCH)
            again = (await one_pass(secondary, *terminal)).out
            assert re.search("asking.*comparing.*fetching.*verifying.*putting in place", again, re.DOTALL), (
                again
            )
            assert rises(counts(again, "fetching"), _FILES), again
            assert rises(counts(again, "verifying"), _FILES), again
            assert f"{_FILES} 0 0" in again
            assert again.endswith("\x1b[2K"), "the bar is gone at the end"

            await shell(primary, _TOUCH)
            quiet = await one_pass(secondary)
            assert (quiet.out, quiet.err) == (f"{_FILES} 0 0\n", "")
            await hang_up(secondary)

    asyncio.run(scenario())
