"""Two nodes with different secrets never hear each other: both tell it, and only one goes on serving."""

from __future__ import annotations

import json

from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.rack import SIDES
from hwsim.service_log import recorded
from hwsim.site import SYNCHRONISED

ENGINES = (HEARTBEAT, PACEMAKER)
SITE = PAIR_SITE.with_conf(SYNCHRONISED)
DEADLINE = 200.0
# Seconds for which both may serve: until each asks the other, and one of them has let go (core/unheard_peer.py).
BOTH = 45.0


async def told(pair: Pair, side: str, what: str) -> None:
    await pair.until_status(
        side, lambda status: any(what in text for text in status["engine"]["troubles"]), f"{what} is told", 60
    )


async def test_different_secrets(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    secret = pair.rack.site.engine.secret
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        await pair.stage.ask(pair.secondary, "ha", "stop")
        kept = pair.secondary.node.path(secret.path)
        another = kept.read_text().replace("5ec7e7", "c0ffee").replace("no-secrets", "another")
        assert another != kept.read_text()
        kept.unlink()
        pair.secondary.node.write(secret.path, another, secret.mode)
        await pair.stage.ask(pair.secondary, "ha", "start")
        for side in SIDES:
            await told(pair, side, "different secrets")
        await pair.until_status("secondary", lambda status: status["role"] == "off", "it gives way", 60)
        assert log.seconds_with_two(began) < BOTH
        assert (
            log.seconds_with_nobody(began) < BOTH
        )  # telephones follow whoever has announced the address last
    said = await pair.primary.asha("check", "--peer", "--json")
    (found,) = (one for one in json.loads(said.output)["compared"] if one["what"] == "authkeys")
    assert found["level"] == "error" and "secret" in found["says"] and found["remedy"]
    kept.unlink()
    await pair.stage.ask(pair.secondary, "ha", "start")
    await pair.until_status("secondary", lambda status: status["role"] == "standby", "it is on standby")
    for side in SIDES:
        await pair.until_status(side, lambda status: not status["engine"]["troubles"], "it is over")
