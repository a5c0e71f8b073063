"""A packet filter on the node drops what asha asks its own Asterisk, as a ban by fail2ban does: that is no hang."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pair_on_rack import PAIR_SITE, Pair

SITE = PAIR_SITE.with_conf(
    {"AMIUSER": ""}
)  # the console and SIP alone, as a site without a manager user has them
# As fail2ban bans an address, and as a strict host drops what comes to SIP from itself.
BANS = (
    "ip saddr 127.0.0.1 udp dport 5060 drop",
    "ip saddr 127.0.0.1 udp dport 5060 reject",
    "iif lo udp dport 5060 drop",
)


@asynccontextmanager
async def banned(pair: Pair, rule: str) -> AsyncIterator[None]:
    chain = "add chain ip ban input { type filter hook input priority 0; }"
    done = await pair.primary.node.run(["nft", f"add table ip ban; {chain}; add rule ip ban input {rule}"])
    assert done.ok, done.err
    try:
        yield
    finally:
        await pair.primary.node.run(["nft", "delete table ip ban"])


def kept_off(status: dict[str, Any]) -> bool:
    return bool(status["pbx"]["kept_off"])


@pytest.mark.parametrize("rule", BANS)
async def test_service_stays_and_people_are_told(pair: Pair, rule: str) -> None:
    await pair.home()
    began = pair.rack.now()
    async with banned(pair, rule):
        status = await pair.until_status("primary", kept_off, "asha is kept from asking")
        assert any("ignoreip" in problem for problem in status["problems"])
        # Longer than any silence of SIP alone is given (docs/bound.md).
        await pair.stays("primary", 12.0)
        status = await pair.until_status("primary", kept_off, "asha is kept from asking still")
        assert status["pbx"]["state"]["value"] == "running"
        said = await pair.primary.asha("check")
        assert "is dropped by a packet filter" in " ".join(said.output.split()), said.output
        assert not [entry for entry in pair.entries("primary", began) if entry["kind"] == "decision"]
    await pair.until_status("primary", lambda status: not kept_off(status), "asha asks again")
    await pair.until_status("primary", lambda status: not status["pbx"]["silent"], "and is answered")


async def test_a_hang_behind_a_ban_is_a_hang(pair: Pair) -> None:
    await pair.home()
    async with banned(pair, BANS[0]):
        await pair.until_status("primary", kept_off, "asha is kept from asking")
        fault = pair.rack.kill_asterisk("primary", signal.SIGSTOP)
        await pair.served(fault, "secondary")


async def test_sip_that_hangs_while_the_console_answers_is_no_ban(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.kill_asterisk("primary", signal.SIGUSR2)
    await pair.served(fault, "secondary")
