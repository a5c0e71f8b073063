"""A drill on the real pair: there and back by itself, measured, and what becomes of it when it cannot come back."""

from __future__ import annotations

import asyncio
from typing import Any

from pair_on_rack import PAIR_SITE, Pair

CLUSTER = 5  # exit code, core.errors
SITE = PAIR_SITE.with_conf({"MAILTO": "noc@example.com", "NOTIFYSMTP": "127.0.0.1:9"})


async def test_it_goes_there_and_comes_back_within_its_bound(pair: Pair) -> None:
    await pair.home()
    await rested(pair)
    began = pair.rack.now()
    said = await pair.primary.asha("drill", "--yes", deadline=110)
    assert said.code == 0, said
    assert "The drill stayed within its bound: service moved to the secondary" in said.output
    assert (
        "to the secondary: let go after" in said.output and "to the primary: in service after" in said.output
    )
    moved = [side for what, side in pair.moved_since(began) if what == "relay"]
    assert moved == ["secondary", "primary"], "the relay moves twice, and no more"
    assert pair.rack.in_service("primary")
    outcomes = [entry["outcome"] for entry in pair.entries("primary", began) if entry["kind"] == "drill"]
    assert outcomes == ["begun", "within its bound"]
    shown = await pair.primary.asha("history")
    assert "drill within its bound" in shown.output and "to the secondary: granted after" in shown.output
    assert "within its bound: service moved" in (await pair.primary.asha("status")).output


async def test_it_is_refused_where_it_would_do_harm(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    assert "begins on the primary" in await refused(pair, "secondary")
    await pair.stage.ask(pair.primary, "maintenance", "on", "--for", "60s")
    assert "somebody works on the pair" in await refused(pair, "primary")
    await pair.stage.ask(pair.primary, "maintenance", "off")
    asked = await pair.primary.asha("drill")
    assert asked.code and "Give --yes" in asked.error, "without a terminal nobody can be asked"
    assert pair.moved_since(began) == []


async def test_a_way_back_that_is_not_possible_stops_it_with_an_alert(pair: Pair) -> None:
    """Maintenance on the secondary, begun in the middle, keeps service there until the operator is done; the agent that
    is restarted meanwhile says that the drill has not come back."""
    await pair.home()
    await rested(pair)
    began = pair.rack.now()
    drill = asyncio.create_task(pair.primary.asha("drill", "--yes", deadline=110))
    await pair.served(began, "secondary")
    await pair.stage.ask(pair.secondary, "maintenance", "on", "--for", "10m")
    waits = "the way back waits: somebody works on the pair (maintenance)"
    await pair.until_status("primary", lambda status: waits in status["drill"]["lines"], "why it waits")
    await pair.fresh_agent("primary")
    assert (await drill).code == CLUSTER
    status = await pair.until_status(
        "primary", lambda status: status["drill"]["failed"], "it has not come back"
    )
    assert "'asha failback' brings service back" in " ".join(status["problems"])
    place = pair.primary.node.path("/var/lib/asha/notify")
    await pair.until(
        lambda: any("the last drill stopped" in text.read_text() for text in place.glob("*.alert")),
        "it is told",
    )
    assert pair.rack.in_service("secondary")
    await pair.stage.ask(pair.secondary, "maintenance", "off")


async def rested(pair: Pair) -> dict[str, Any]:
    """Service has not moved for MOVEDWELL."""
    await asyncio.sleep(SITE.move_dwell)
    return await pair.until_status("primary", lambda status: status["role"] == "active", "it serves")


async def refused(pair: Pair, side: str) -> str:
    said = await pair.server(side).asha("drill", "--yes")
    assert said.code == CLUSTER, said
    return said.error
