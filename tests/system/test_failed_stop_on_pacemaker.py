"""A stop that fails on Pacemaker without fencing: it is told, tried again, and over when the line can be let go."""

from __future__ import annotations

from pair_on_rack import PAIR_SITE, TOOL, Pair, Status

from hwsim.card import vendortool
from hwsim.nodes.engines import PACEMAKER
from hwsim.service_log import recorded

SITE = PAIR_SITE.with_engine(PACEMAKER).with_conf({"CARDDEADLINE": "1", "PBXSTOPDEADLINE": "2"})
# Seconds after which the agent has had Pacemaker forget the failure, with a look, a stop and a start on top; and for
# which one node must then serve alone.
CLEANED, STAYS = 60.0, 8.0


def cannot_let_go(status: Status) -> bool:
    transfer = status["transfer"] or {}
    return transfer.get("phase") == "blocked" and "cannot be let go" in transfer.get("note", "")


async def test_pacemaker_blocks_it_and_the_agent_has_it_tried_again(pair: Pair) -> None:
    await pair.home()
    pair.watchman.grace = 120.0  # the relay stays energised: that is the fault
    pair.primary.node.write(TOOL, vendortool.FAILING, 0o755)
    await pair.stage.ask(pair.secondary, "takeover")
    told = await pair.until_status("primary", cannot_let_go, "the line cannot be let go")
    assert "Cut the card's power or the primary's" in told["transfer"]["note"]
    blocked = "until crm_mon -1 2>&1 | grep -q 'FAILED.*blocked'; do sleep 0.2; done"
    assert (await pair.primary.node.run(["sh", "-c", blocked], 60.0)).ok, (
        "Pacemaker goes no further by itself"
    )
    assert not pair.rack.asterisk_runs("secondary")
    pair.primary.node.write(TOOL, vendortool.tool_text(), 0o755)
    mended = pair.rack.now()
    async with recorded(pair.rack) as log:
        settled = await log.settled(mended, CLEANED, STAYS)
    print(f"after the fault's end {settled}")
    await pair.until(lambda: pair.rack.in_service(settled.owner), "the line is in service there")
