"""The command `hwsim rack`: a rack to play with by hand, by typing faults and asha commands."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from hwsim.demo.picture import draw
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.nodes import RackError
from hwsim.published import PublishedPages
from hwsim.rack import SIDES, Rack
from hwsim.site import Site

Play = Callable[[Rack, str], Awaitable[None]]

HELP = """\
  picture                          the rack as it is (also: an empty line)
  asha SIDE WORDS…                 an operator's command, such as: asha primary status
  shell SIDE                       the command that gives you a shell on that machine
  kill | hang | deadlock SIDE      Asterisk: SIGKILL, SIGSTOP, alive but answering nothing
  power-cut | boot SIDE            the machine's mains; after a boot: agent SIDE, asha SIDE ha start
  agent SIDE                       start asha's agent
  freeze | thaw SIDE               hung with its power on
  cut | heal SIDE                  both of its network cables
  unplug | plug                    the relay card's cable
  telco-cut | telco-restore        the provider's line
  quit
SIDE is primary or secondary."""
_TO_BEGIN = """
To begin, one after the other:
  asha primary status
  power-cut primary
  asha secondary status"""


async def play_by_hand(site: Site, bring_up: bool, pages: tuple[str, int] | None = None) -> None:
    """Build a rack, bring the pair up if wanted, and obey typed commands until quit or end of input.

    `pages`: address and port of this machine where the nodes' pages are published; see PublishedPages.
    """
    rack = Rack(site)
    published = PublishedPages(rack, *pages) if pages else None
    began = time.monotonic()
    try:
        await rack.up()
        if published:
            await published.open()
        if bring_up:
            await Stage(rack, print).home()
            print(f"the pair is up, {time.monotonic() - began:.0f} s after the start\n")
        print(f"{HELP}\n{_TO_BEGIN}\n")
        if published:
            print(f"{published.guide()}\n")
        await _talk(rack)
    finally:
        if published:
            await published.close()
        await rack.down()


async def _talk(rack: Rack) -> None:
    while True:
        print(draw(rack.view()))
        line = await _typed("rack> ")
        if line is None or line.strip() == "quit":
            return
        try:
            await _obey(rack, shlex.split(line))
        except (RackError, ScenarioFailed, ValueError) as problem:
            print(problem)


async def _typed(prompt: str) -> str | None:
    """Return one line from the terminal, or None at the end of input.

    The line is read in a thread so that the rack's event loop keeps running.
    """
    print(prompt, end="", flush=True)
    line = await asyncio.to_thread(sys.stdin.readline)
    return line if line else None


async def _obey(rack: Rack, words: list[str]) -> None:
    if not words or words == ["picture"]:
        return
    verb, side = words[0], words[1] if len(words) > 1 else ""
    if verb in _BARE:
        await _BARE[verb](rack, "")
        await rack.pause(0.2)
        return
    if verb not in (*_PLAYS, "asha") or side not in SIDES:
        print(HELP)
        return
    if verb == "asha":
        said = await rack.servers[side].asha(*words[2:])
        print((said.output + said.error).rstrip())
        return
    await _PLAYS[verb](rack, side)
    await rack.pause(0.2)


def _signal(number: int) -> Play:
    async def play(rack: Rack, side: str) -> None:
        rack.kill_asterisk(side, number)

    return play


async def _power_cut(rack: Rack, side: str) -> None:
    rack.power_off(side)


async def _boot(rack: Rack, side: str) -> None:
    await rack.boot(side)


async def _agent(rack: Rack, side: str) -> None:
    await rack.start_agent(side)


async def _freeze(rack: Rack, side: str) -> None:
    await rack.freeze(side)


async def _thaw(rack: Rack, side: str) -> None:
    rack.thaw(side)


async def _cut(rack: Rack, side: str) -> None:
    for link in ("eth0", "eth1"):
        rack.servers[side].node.cut(link)


async def _heal(rack: Rack, side: str) -> None:
    for link in ("eth0", "eth1"):
        rack.servers[side].node.heal(link)


async def _shell(rack: Rack, side: str) -> None:
    print(f"nsenter -t {rack.servers[side].node.init} -m -u -i -n -p bash")


async def _unplug(rack: Rack, side: str) -> None:
    rack.unplug_card()


async def _plug(rack: Rack, side: str) -> None:
    rack.plug_card()


async def _telco_cut(rack: Rack, side: str) -> None:
    rack.line.cut()


async def _telco_restore(rack: Rack, side: str) -> None:
    rack.line.restore()


_PLAYS: Mapping[str, Play] = MappingProxyType(
    {
        "kill": _signal(signal.SIGKILL),
        "hang": _signal(signal.SIGSTOP),
        "deadlock": _signal(signal.SIGUSR1),
        "power-cut": _power_cut,
        "boot": _boot,
        "agent": _agent,
        "freeze": _freeze,
        "thaw": _thaw,
        "cut": _cut,
        "heal": _heal,
        "shell": _shell,
    }
)
_BARE: Mapping[str, Play] = MappingProxyType(
    {"unplug": _unplug, "plug": _plug, "telco-cut": _telco_cut, "telco-restore": _telco_restore}
)
