"""The cost of viewers of the panel: pages and their time, memory, and the agent's share of a core."""

from __future__ import annotations

import asyncio
import sys

from hwsim.bench.agent_cost import AGENT
from hwsim.bench.family import most_resident, resident
from hwsim.bench.panel.pair import PANEL, PanelPair
from hwsim.bench.panel.plain_pages import PORT as PEER_PORT
from hwsim.bench.spread import Spread, once, spread
from hwsim.bench.usage import Usage, used
from hwsim.demo.scenario import ScenarioFailed
from hwsim.mailbox import SERVER, Mailbox
from hwsim.rack import SIDES, Rack

MANY = 50
_TRIES = 30
_MANY_TRIES = 10
_MEGABYTE = 1e6
_PLAIN = "/run/plain-pages"
# The first look of all, and later looks: over a new connection, over a kept one, and while MANY follow the
# page.
_LOOKS = ("cold", "new", "kept", "peer", "many")
_CASES = ("unwatched", "one_viewer", "many_viewers", "alerts")
PANEL_FIGURES = (
    *(f"panel.{part}_{kind}" for part in ("first", "whole") for kind in _LOOKS),
    "panel.whole_ratio",
    "panel.page_kilobytes",
    *(f"panel.memory_{when}" for when in ("started", "login", "one_viewer", "many_viewers", "peak")),
    *(f"panel.cpu_{case}" for case in _CASES[:3]),
    "panel.alerts",
    *(
        f"panel.agent_{kind}_{case}_{side}"
        for kind in ("cpu", "own_cpu", "memory")
        for case in _CASES
        for side in SIDES
    ),
)


def panel_unit(figure: str) -> str:
    """Return the unit of a figure, as targets name units; "" for a count."""
    part = figure.partition(".")[2]
    if part in ("whole_ratio", "alerts"):
        return {"whole_ratio": "x", "alerts": ""}[part]
    words = part.split("_")
    units = {"cpu": "%", "memory": "MB", "kilobytes": "kB"}
    return next((units[word] for word in words if word in units), "s")


async def panel_cost(rack: Rack) -> dict[str, Spread]:
    """Measure PANEL_FIGURES on a fresh rack of RPMs. Units: seconds, MB and kB (10³), % of a core, x."""
    pair = await PanelPair.home(rack)
    panel = await pair.process("primary", PANEL)
    figures = {"panel.memory_started": once(resident(panel) / _MEGABYTE)}
    figures |= await _usage(pair, "unwatched")
    await pair.log_in()
    figures["panel.memory_login"] = once(resident(panel) / _MEGABYTE)
    figures |= await _pages(pair)
    async with pair.watched(1):
        figures |= await _usage(pair, "one_viewer")
        figures["panel.memory_one_viewer"] = once(resident(panel) / _MEGABYTE)
    async with pair.watched(MANY):
        figures |= await _usage(pair, "many_viewers")
        figures |= _looks("many", (await _look(pair, _MANY_TRIES))["new"])
        figures["panel.memory_many_viewers"] = once(resident(panel) / _MEGABYTE)
    figures["panel.memory_peak"] = once(most_resident(panel) / _MEGABYTE)
    return figures | await _alerts(pair)


async def _pages(pair: PanelPair) -> dict[str, Spread]:
    """Measure the page, over a new connection and a kept one, and the same bytes from http.server."""
    node = pair.node("primary")
    first, whole, size = await pair.visitor("primary", "keep", pair.cookies["primary"], _PLAIN)
    log = pair.rack.servers["primary"].logs / "plain-pages.log"
    peer = await node.spawn([sys.executable, "-m", "hwsim.bench.panel.plain_pages", _PLAIN], log)
    try:
        while "ready" not in log.read_text():
            if peer.code is not None:
                raise ScenarioFailed(f"http.server: {log.read_text().strip()[-300:]}")
            await pair.rack.pause(0.05)
        found = await _look(pair, _TRIES, str(PEER_PORT))
    finally:
        await peer.stop(5.0)
    ratios = spread(ours[1] / other[1] for ours, other in zip(found["new"], found["peer"], strict=True))
    figures = {"panel.page_kilobytes": once(size / 1e3), **_looks("cold", [(first, whole)])}
    if ratios is not None:
        figures["panel.whole_ratio"] = ratios
    for kind, looks in found.items():
        figures |= _looks(kind, looks)
    return figures


async def _look(pair: PanelPair, tries: int, *peer: str) -> dict[str, list[tuple[float, float]]]:
    said: dict[str, list[tuple[float, float]]] = await pair.visitor(
        "primary", "looks", pair.cookies["primary"], str(tries), *peer
    )
    return said


def _looks(kind: str, looks: list[tuple[float, float]]) -> dict[str, Spread]:
    parts = {"first": spread(look[0] for look in looks), "whole": spread(look[1] for look in looks)}
    return {f"panel.{part}_{kind}": figure for part, figure in parts.items() if figure is not None}


async def _usage(pair: PanelPair, case: str) -> dict[str, Spread]:
    """Measure both agents, and the primary's panel, over the same time."""
    processes = {**await pair.agents(), "panel": await pair.process("primary", PANEL)}
    usage = await used(pair.rack, processes)
    panel = usage.pop("panel")
    return _agents(usage, case) | {f"panel.cpu_{case}": once(panel.cpu)}


def _agents(usage: dict[str, Usage], case: str) -> dict[str, Spread]:
    figures = {}
    for side, each in usage.items():
        figures[f"panel.agent_cpu_{case}_{side}"] = once(each.cpu)
        figures[f"panel.agent_own_cpu_{case}_{side}"] = once(each.own_cpu)
        figures[f"panel.agent_memory_{case}_{side}"] = once(each.memory)
    return figures


async def _alerts(pair: PanelPair) -> dict[str, Spread]:
    """Measure with mail set up, while a Heartbeat link is lost and found again.

    At least two alerts must be delivered.
    """
    mailbox = Mailbox()
    async with mailbox.up(pair.rack.network):
        for side, server in pair.servers.items():
            await server.configure({"MAILTO": "noc@example.com", "NOTIFYSMTP": SERVER})
            # SIGHUP: the agent reads the conf file again
            pair.node(side).kill(pair.node(side).pids(AGENT)[0], 1)
        usage, _ = await asyncio.gather(used(pair.rack, await pair.agents()), _lose_a_link(pair))
    if not mailbox.subjects:
        raise ScenarioFailed("a Heartbeat link was lost and no mail has come")
    return _agents(usage, "alerts") | {"panel.alerts": once(len(mailbox.subjects))}


async def _lose_a_link(pair: PanelPair) -> None:
    await pair.rack.pause(5.0)
    pair.node("secondary").cut("eth1")
    await pair.rack.pause(10.0)
    pair.node("secondary").heal("eth1")
