"""The node that serves tells the LAN so for a minute; one that has lost service tells nothing more.

That a telephone which keeps the other node's hardware address after a split finds the service again:
test_pair_settles.py.
"""

from __future__ import annotations

from dataclasses import replace

from pair_on_rack import PAIR_SITE, SPLIT, Pair

from appliance.core.announcing import ANNOUNCED, LAN_BACK
from hwsim.demo.scenario import OTHER
from hwsim.nodes import CLUSTER_ADDRESS
from hwsim.service_log import recorded

# LANDWELL is longer than the carrier is away here: service stays where it is.
SITE = replace(PAIR_SITE, extra={**PAIR_SITE.extra, "LANDWELL": "10"})
# So long after the address has come it is looked at, in seconds.
LOOKED_AT = 12.0
SAID = "announced, for a minute from now"
# What a loaded machine may be late with, in seconds.
LATE = 1.5


def announced(pair: Pair, side: str, after: float) -> list[float]:
    """When `side` has announced the cluster address since `after`; it does it in two frames each time."""
    mac = pair.rack.outside.mac_of(side)
    found: list[float] = []
    for seen in pair.rack.outside.events:
        told = seen.kind == "garp" and seen.mac == mac and seen.ip == CLUSTER_ADDRESS
        if told and seen.t > after and (not found or seen.t - found[-1] > 0.02):
            found.append(seen.t)
    return found


async def let_go(pair: Pair, side: str, after: float) -> float:
    """When `side` has begun to give service up."""
    entry = await pair.entry(
        side, lambda entry: entry["kind"] == "role" and entry["role"] in ("releasing", "leaving"), after
    )
    return float(entry["at"])


async def test_after_a_move_the_new_node_repeats_it_and_the_old_one_is_silent(pair: Pair) -> None:
    await pair.home()
    for to in ("secondary", "primary"):
        began = pair.rack.now()
        await pair.stage.ask(pair.server(to), "takeover")
        await pair.served(began, to)
        await pair.rack.pause(LOOKED_AT + LATE)
        begun = [one for one in pair.entries(to, began) if one.get("says") == SAID]
        first, last = (
            begun[0]["at"],
            begun[-1]["at"],
        )  # the peer's own word that it serves no longer begins it anew
        times = announced(pair, to, first - 0.2)
        print(f"{to}: {[one['why'] for one in begun]}; " + ", ".join(f"{at - first:.2f}" for at in times))
        end = pair.rack.now() - LATE
        wanted = [last + due for due in ANNOUNCED if last + due <= end]
        assert len(wanted) >= 6, "4 s and more of the schedule are seen"
        for due in wanted:
            assert any(due - 0.3 <= at <= due + LATE for at in times), due - last
        lost = await let_go(pair, OTHER[to], began)
        assert announced(pair, OTHER[to], lost) == []


async def test_after_a_split_the_one_that_goes_on_repeats_it_and_the_other_is_silent(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        pair.stage.cut("primary")
        await pair.until(lambda: log.serves("secondary"), "both serve")
        await pair.rack.pause(SPLIT)
        healed = pair.stage.heal("primary")
        settled = await log.settled(healed, 30.0, LOOKED_AT)
    lost = await let_go(pair, OTHER[settled.owner], healed)
    times = announced(pair, settled.owner, healed)
    print(f"{settled}; announced " + ", ".join(f"{at - healed:.2f}" for at in times))
    assert [at for at in times if at > lost], "the last word is that of the node that goes on"
    assert announced(pair, OTHER[settled.owner], lost) == []


async def test_the_carrier_that_came_back_is_told_of_anew(pair: Pair) -> None:
    await pair.home()
    # What comes within the first announcements of a schedule begins no other one.
    await pair.stays("primary", 3.0)
    before = pair.rack.now()
    pair.primary.node.cut("eth0")
    await pair.until_status(
        "primary",
        lambda status: "no carrier" in str(status["lan"]["reached"]),
        "the primary has seen that its carrier is gone",
    )
    pair.primary.node.heal("eth0")
    healed = pair.rack.now()
    await pair.entry("primary", lambda entry: entry.get("why") == LAN_BACK, before)
    await pair.until(lambda: bool(announced(pair, "primary", healed)), "it is told on the LAN")
