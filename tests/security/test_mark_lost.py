"""The secondary has served, and its state is lost or spoilt in whatever way: its newer data are safe all the same.

What a mark may look like, and what a kill leaves of it: tests/contract/sync/test_sync_served.py.
"""

from __future__ import annotations

import asyncio

from data_on_nodes import hang_up, is_marked, mark_served, one_pass
from mail_on_nodes import apart, callers, deliver, heard

from hwsim.nodes import Node
from hwsim.nodes.pair import Pair
from hwsim.nodes.sshd import shell
from tests.plugins.security_figures import Count

_SYNC, _APART = "/var/lib/asha/sync", "/etc/asha"
_MARKS = f"{_SYNC}/served {_APART}/served"
# What is done to the secondary's disk once it has served. The keys alone are put back: by `asha ssh-setup`, in life.
_WAYS = {
    "its folder is removed": f"rm -rf {_SYNC}",
    "all of asha's state is removed": "cd /var/lib/asha; mv ssh /tmp/ssh; rm -rf /var/lib/asha/*; mv /tmp/ssh ssh",
    "/var is restored from before": f"rm -rf {_SYNC}; cp -a /tmp/before {_SYNC}",
    "/etc is restored from before": f"rm -rf {_APART}",
    "the book is lost": f"rm -f {_SYNC}/store.db*",
    "the marks are noise": f"for mark in {_MARKS}; do head -c 5000 /dev/urandom >$mark; done",
    "the marks are folders": f"for mark in {_MARKS}; do rm $mark; mkdir -p $mark/deep; done",
}


def test_newer_data_outlive_the_loss_of_the_mark(count: Count) -> None:
    async def scenario() -> None:
        async with apart() as rack:
            assert (
                await shell(rack.secondary, f"cp -a {_SYNC} /tmp/before; rm /tmp/before/served")
            ).code == 0
            lost = 0
            for number, way in enumerate(_WAYS.values()):
                lost += await _serve_and_lose(rack, number, way)
            count("ways in which the mark of a node that has served was lost or spoilt", len(_WAYS))
            count("messages and edits lost by that", lost)
            assert lost == 0

    asyncio.run(scenario())


async def _serve_and_lose(rack: Pair, number: int, way: str) -> int:
    """The secondary serves, gets two messages and an edit, and loses its state by `way`. How much is lost then."""
    primary, secondary = rack.primary, rack.secondary
    mark_served(secondary, 100.0 + number)
    before = heard(secondary, "INBOX")
    deliver(secondary, range(2), by=f"later {number}", first=len(before))
    edit = f"edit {number}"
    secondary.write("/etc/asterisk/a.conf", edit)
    assert (await shell(secondary, way)).code == 0
    assert is_marked(secondary)
    secondary.path("/run/serving").unlink(missing_ok=True)

    refused = await one_pass(secondary, primary)
    assert refused.startswith("not now: ") and "newer data" in refused, refused
    assert heard(secondary, "INBOX")[-2:] == callers(f"later {number}", range(2))
    await hang_up(primary)
    merged = await one_pass(primary, secondary)
    assert merged.endswith("settled"), merged
    assert not is_marked(secondary)
    assert ":" not in await one_pass(secondary, primary), "it follows again"
    return sum(_lost(node, before, number) for node in (primary, secondary)) + (not _kept(primary, edit))


def _lost(node: Node, before: list[str], number: int) -> int:
    wanted = [*before, *callers(f"later {number}", range(2))]
    there = heard(node, "INBOX")
    assert len(there) == len(set(there)), "none is there twice"
    return len(set(wanted) - set(there))


def _kept(primary: Node, edit: str) -> bool:
    """The edit is in place, or waits for somebody's choice."""
    places = [primary.path("/etc/asterisk/a.conf"), *primary.path(f"{_SYNC}/quarantine").rglob("a.conf*")]
    return any(path.read_text() == edit for path in places if path.is_file())
