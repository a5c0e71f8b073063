"""`asha tune` on the rack: counted by real agents over a real engine, asked on one node, set on both or on neither."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair

from appliance.core.as_json import to_json
from appliance.core.gap_counts import Counter, Day, KeptDays
from appliance.core.safe_deadtime import NEEDED_HOURS
from hwsim.rack import SIDES
from hwsim.site import SYNCHRONISED

SITE = PAIR_SITE.with_conf(SYNCHRONISED)
KEPT = "/var/lib/asha/silences.json"
CONF = "/etc/asha.conf"


async def tuned(pair: Pair, side: str) -> dict[str, Any]:
    said = await pair.server(side).asha("tune", "--json")
    assert said.code == 0, said.error
    return dict(json.loads(said.output))


def deadtimes(pair: Pair) -> list[list[str]]:
    """The lines with HADEADTIME in the conf files of both nodes."""
    texts = [pair.server(side).node.path(CONF).read_text() for side in SIDES]
    return [[line for line in text.splitlines() if line.startswith("HADEADTIME=")] for text in texts]


def quiet_week() -> str:
    """What an agent has on file after a week and some hours in which the other one was heard each second."""
    counter = Counter()
    for _ in range(2000):
        counter.add(1.0, 1.0, 5.0)
    counts = replace(counter.counts(), watched=(NEEDED_HOURS + 5) * 3600)
    return json.dumps(to_json(KeptDays((Day(20_000, counts, counts),))))


async def watched_for_a_week(pair: Pair) -> None:
    """Both agents find a week on file when they start."""
    for side in SIDES:
        server = pair.server(side)
        await server.stop_agent(15)
        server.node.write(KEPT, quiet_week())
        await pair.rack.start_agent(side)
    for side in SIDES:
        await pair.until_status(
            side, lambda status: status["peer"]["fit"]["value"] is not None, "it hears the other node"
        )


async def test_silences_are_counted_by_both_and_no_guess_is_made_of_an_hour(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    before = await tuned(pair, "primary")
    await pair.rack.pause(5.0)
    after = await tuned(pair, "primary")
    assert [one["node"] for one in after["nodes"]] == list(SIDES)
    for earlier, later in zip(before["nodes"], after["nodes"], strict=True):
        for what in ("silences", "turns"):
            passed = later[what]["watched"] - earlier[what]["watched"]
            assert 3.0 <= passed <= 10.0, (what, passed)
        print(
            f"{later['name']}: silences up to {later['silences']['longest']} s, turns {later['turns']['longest']} s"
        )
        assert later["engine"] == pair.engine.title
    assert after["recommendation"]["seconds"] is None
    assert after["recommendation"]["says"].startswith("not enough data yet: 0 hours of 168 on ")
    refused = await pair.primary.asha("tune", "--apply")
    assert refused.code != 0 and "Nothing was changed: not enough data yet" in refused.error


async def test_what_was_counted_outlives_the_agent(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    before = (await tuned(pair, "secondary"))["nodes"][0]["silences"]["watched"]
    await pair.fresh_agent("secondary")
    assert (await tuned(pair, "secondary"))["nodes"][0]["silences"]["watched"] >= before > 0.0


async def test_it_is_set_on_both_nodes_or_on_neither(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    await watched_for_a_week(pair)
    was = deadtimes(pair)
    answer = await tuned(pair, "primary")
    assert answer["recommendation"]["seconds"] is not None, answer["recommendation"]
    pair.rack.power_off("secondary")
    refused = await pair.primary.asha("tune", "--apply")
    assert refused.code != 0 and "Nothing was changed" in refused.error
    assert deadtimes(pair) == was
    await pair.home()
    await open_ssh(pair)
    await pair.stage.ask(pair.secondary, "tune", "--apply")
    wanted = [f"HADEADTIME={answer['values']['HADEADTIME']}"]
    assert deadtimes(pair) == [wanted, wanted]
    for side in SIDES:
        status = await pair.until_status(
            side, lambda status: bool(status["peer"]["alive"]), "nothing has ended"
        )
        assert status["role"] in ("active", "standby")
