"""The same telephones on Asterisk's older SIP driver, chan_sip: answered, and Asterisk killed."""

from __future__ import annotations

import signal
from dataclasses import replace

from on_telephones import DEADLINE, calls_both_ways, lose_asterisk, phones_of, serve
from on_telephones import SITE as PJSIP_SITE
from pair_on_rack import Pair

from hwsim.nodes.network import CLUSTER_ADDRESS
from hwsim.telephones.conf import CHAN_SIP

__all__ = ["DEADLINE"]

SITE = replace(PJSIP_SITE, sip_driver=CHAN_SIP, telephones=20)


async def test_telephones_are_answered_from_the_address_they_asked(pair: Pair) -> None:
    await serve(pair)
    began = pair.rack.now()
    await calls_both_ways(pair, began)
    by = {event.by for what in ("registered", "call", "rang") for event in phones_of(pair).since(0.0, what)}
    assert by == {CLUSTER_ADDRESS}
    log = await pair.primary.node.run(["cat", "/var/log/asterisk/messages"])
    assert "asha@" not in log.out, "neither node's probes are written of, so that nobody bans them"


async def test_asterisk_dies(pair: Pair) -> None:
    await lose_asterisk(pair, signal.SIGKILL)
