"""A node's wall clock is set forward and back by hours: nothing moves, nothing untrue is told, no data are lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair, Status

from hwsim.mailbox import SERVER, Mailbox
from hwsim.nodes.sshd import shell
from hwsim.rack import SIDES
from hwsim.site import SYNCHRONISED

HOUR = 3600.0
THE_CLOCKS = "The other node's clock is"  # so many seconds behind: that is true, and to be told
STALE = 120.0
# A peer that is busy for a moment is not to be called dead while the clocks are looked at.
SITE = replace(PAIR_SITE, own_clocks=True).with_conf(
    {
        **SYNCHRONISED,
        "HADEADTIME": "6s",
        "HAINITDEAD": "7s",
        "HAWARNTIME": "3s",
        "SYNCPERIOD": "30",
        "SYNCSTALE": f"{STALE:.0f}",
        "MAILTO": "noc@example.com",
        "NOTIFYSMTP": SERVER,
    }
)
DEADLINE = 280.0
SOUNDS = "/var/lib/asterisk/sounds"
_FURNISH = f"mkdir -p /opt/sark/db {SOUNDS}; sqlite3 /opt/sark/db/sark.db 'create table if not exists t (n)'"


async def prepared(pair: Pair) -> None:
    """Home, with data that are in step and nothing that anybody would be told of."""
    await pair.home()
    for side in SIDES:
        await shell(pair.server(side).node, _FURNISH)
    await open_ssh(pair)
    await pair.until_status("secondary", is_in_step, "the data are in step", 60)


def is_in_step(status: Status) -> bool:
    age = status["data"]["age"]
    return age is not None and age < STALE and not status["data"]["stale"]


async def wall(pair: Pair, side: str) -> float:
    """The wall clock as the node's programs see it."""
    said = await pair.server(side).node.run(["date", "+%s"])
    return float(said.out)


async def step(pair: Pair, side: str, seconds: float) -> None:
    """Step the clock, and see that the node's programs go by it."""
    before, began = await wall(pair, side), pair.rack.now()
    pair.server(side).node.step_clock(seconds)
    passed = await wall(pair, side) - before - (pair.rack.now() - began)
    assert abs(passed - seconds) < 3.0, passed


async def test_a_step_moves_nothing_and_tells_nothing(pair: Pair) -> None:
    mail = Mailbox()
    async with mail.up(pair.rack.network):
        await prepared(pair)
        for side in SIDES:  # what the start was worth telling
            await pair.until_status(side, lambda status: status["notify"]["waiting"] == 0, "it is told", 60)
        for side in SIDES:
            for seconds in (HOUR, -2 * HOUR, HOUR):
                mail.subjects.clear()
                await step(pair, side, seconds)
                await pair.stays("primary", 3.0)
                for other in SIDES:
                    status = await status_of(pair, other)
                    assert [text for text in status["problems"] if not text.startswith(THE_CLOCKS)] == []
                    assert status["engine"]["troubles"] == []
                assert is_in_step(await status_of(pair, "secondary"))
                assert mail.subjects == []
        await pair.away()
        await pair.home()


@pytest.mark.parametrize("seconds", [-2 * HOUR, 2 * HOUR])
async def test_what_was_written_under_a_wrong_clock_comes_home(pair: Pair, seconds: float) -> None:
    """The secondary serves with a clock that is hours off: its data are the newer ones all the same."""
    await prepared(pair)
    await step(pair, "secondary", seconds)
    await pair.away()
    name = f"{SOUNDS}/from-{seconds:+.0f}"
    await shell(pair.secondary.node, f"echo newer >{name}")
    await step(pair, "secondary", -seconds)
    await pair.until_status("primary", lambda status: status["data"]["peer_newer"], "it is known to be newer")
    home = await pair.primary.asha("failback", "--yes")
    assert home.code == 0, home
    assert pair.primary.node.path(name).read_text() == "newer\n"
    assert pair.secondary.node.path(name).read_text() == "newer\n"


async def status_of(pair: Pair, side: str) -> dict[str, Any]:
    status = await pair.server(side).status()
    assert status is not None
    return status
