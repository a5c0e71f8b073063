"""The other node's journal, by its gate over real ssh: page by page, chosen by kind and words, or given up soon."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair

from appliance.control.client import ask
from appliance.core.errors import SyncError
from hwsim.server import CONTROL
from hwsim.site import SYNCHRONISED

SITE = PAIR_SITE.with_conf(SYNCHRONISED)


async def page(pair: Pair, side: str, **question: object) -> dict[str, Any]:
    path = str(pair.server(side).node.path(CONTROL))
    found = await asyncio.to_thread(ask, "journal page", deadline=20.0, path=path, **question)
    assert isinstance(found, dict)
    return found


async def test_each_node_reads_the_others_journal(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    for side, other in (("primary", "secondary"), ("secondary", "primary")):
        newest = await page(pair, side, peer=True)
        written = [entry["hash"] for entry in pair.server(other).journal()]
        found = [entry["hash"] for entry in newest["entries"]]
        assert found and set(found) <= set(written)
        assert found == [one for one in reversed(written) if one in set(found)]
        older = await page(pair, side, peer=True, before=found[4])
        assert [entry["hash"] for entry in older["entries"]][:5] == found[5:10]
        grants = await page(pair, side, peer=True, kind="role", search="STANDBY")
        assert grants["entries"] and {entry["kind"] for entry in grants["entries"]} == {"role"}


async def test_a_node_that_is_off_is_given_up_soon(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    pair.rack.power_off("secondary")
    began = pair.rack.now()
    with pytest.raises(SyncError):
        await page(pair, "primary", peer=True)
    assert pair.rack.now() - began < 15.0
    assert (await page(pair, "primary"))["entries"], "its own journal is there all the same"
