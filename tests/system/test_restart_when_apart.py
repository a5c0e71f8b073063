"""All links are cut and both nodes live, then Asterisk dies on the active one, where RESTART=YES.

No standby can take over as far as the primary knows, so Asterisk is started again where it died, and the line is not
let go (docs/adr/0025-the-line-is-a-message.md). When it does not start any more, the line tells the secondary so.
With HAWITNESS=REQUIRE one node serves all the while. With OFF both serve telephones, as plain Heartbeat has it, and
both nodes say so.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pair_on_rack import Pair, Status
from test_cannot_start_or_stop import COMPLAINT, set_start_fails
from test_line_message_on_rack import SITE as APART
from test_line_message_on_rack import apart, last_answer

from hwsim.demo.scenario import OTHER

SITE = replace(APART, extra={**APART.extra, "RESTART": "YES", "NOTIFYWEBHOOK": "http://127.0.0.1:9/"})
TWO = "the cluster address is also at"


def says_two(status: Status) -> bool:
    return any(TWO in problem for problem in status["problems"])


async def alerted(pair: Pair, side: str) -> None:
    """Wait until the alert is on its way; nobody listens at the webhook, so that it stays in the queue."""
    told = ""
    async with asyncio.timeout(30.0):
        while TWO not in told:
            told = (await pair.server(side).asha("notify", "status", "--json")).output


@pytest.mark.parametrize("witness", ["REQUIRE", "OFF"])
async def test_asterisk_is_started_where_it_died_and_the_line_stays(pair: Pair, witness: str) -> None:
    await apart(pair, witness)
    died, pid = pair.rack.now(), pair.primary.asterisk_pid()
    pair.rack.kill_asterisk("primary")
    await pair.until(
        lambda: pair.primary.asterisk_pid() not in (None, pid) and pair.rack.in_service("primary"),
        "the line is in service on the primary again",
    )
    print(f"\n{witness}: the line is in service again {pair.rack.now() - died:.1f} s after Asterisk died")
    assert "RELEASE" not in pair.orders("primary", died)
    assert [move for move in pair.moved_since(died) if move[0] == "relay"] == []
    if witness == "REQUIRE":
        await pair.until(lambda: last_answer(pair) == "primary", "telephones are answered by the primary")
        assert not pair.rack.asterisk_runs("secondary")
        return
    for side in OTHER:
        await pair.until_status(side, says_two, f"the {side} says that two serve")
        await alerted(pair, side)


@pytest.mark.parametrize("witness", ["REQUIRE", "OFF"])
async def test_asterisk_that_does_not_start_again_gives_all_to_the_secondary(
    pair: Pair, witness: str
) -> None:
    await apart(pair, witness)
    set_start_fails(pair.primary, True)
    try:
        died = pair.rack.kill_asterisk("primary")
        await pair.until(lambda: pair.rack.in_service("secondary"), "the line is in service on the secondary")
        await pair.until(lambda: last_answer(pair) == "secondary", "telephones are answered by the secondary")
        print(f"\n{witness}: all is at the secondary {pair.rack.now() - died:.1f} s after Asterisk died")
        assert not pair.rack.asterisk_runs("primary")
        status = await pair.until_status(
            "primary", lambda status: status["transfer"]["phase"] == "blocked", "it says why"
        )
        assert COMPLAINT in status["transfer"]["note"]
        assert "the line and the cluster address were let go" in status["transfer"]["note"]
        status = await pair.until_status("secondary", lambda status: status["role"] == "active", "it serves")
        assert "the silent primary has let go of it or lost its power" in status["headline"]
    finally:
        set_start_fails(pair.primary, False)
