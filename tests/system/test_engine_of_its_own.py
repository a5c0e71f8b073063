"""One node on Heartbeat and one on Pacemaker: refused, and where somebody does it all the same, one goes on serving."""

from __future__ import annotations

import shlex
import signal

from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes.engines import PACEMAKER
from hwsim.nodes.sshd import shell
from hwsim.rack import SIDES
from hwsim.service_log import recorded
from hwsim.site import SYNCHRONISED, Site

SITE = Site(
    **{
        **{name: getattr(PAIR_SITE, name) for name in PAIR_SITE.__dataclass_fields__},
        "extra": {**PAIR_SITE.extra, **SYNCHRONISED},
        "others": (PACEMAKER,),
    }
)
DEADLINE = 200.0
# Seconds for which both may serve: until each asks the other, and one of them has let go (core/unheard_peer.py).
BOTH = 45.0
# As an administrator would who copies the other engine's files from elsewhere, and knows nothing of asha.
START = """
from pathlib import Path
from appliance.agent.engine_control import script_command
from appliance.cluster.installed import installed_engine
from appliance.config import load
from appliance.core.model import Node
engine = installed_engine("pacemaker")
engine.secret()
engine.install(load(Path("/etc/asha.conf")), Node.SECONDARY, script_command(engine.script))
engine.start()
"""


async def set_engine(pair: Pair, name: str) -> None:
    """Have the secondary's agent work with another engine."""
    await pair.stage.ask(pair.secondary, "conf", "set", "HAENGINE", name)
    await pair.secondary.stop_agent(signal.SIGTERM)
    await pair.rack.start_agent("secondary")


async def test_it_is_refused_told_on_both_nodes_and_one_gives_way(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    secondary = pair.secondary
    await pair.stage.ask(secondary, "ha", "stop")
    await set_engine(pair, "pacemaker")
    refused = await secondary.asha("ha", "start")
    assert refused.code == 5 and "haprimary runs Heartbeat" in refused.error, refused
    assert "HAENGINE=pacemaker names Pacemaker here" in refused.error
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        python = pair.rack.site.program[0]
        await shell(secondary.node, f"{python} -I -c {shlex.quote(START)}")
        for side in SIDES:
            await pair.until_status(
                side,
                lambda status: any(
                    "neither hears the other" in text for text in status["engine"]["troubles"]
                ),
                "it is told",
                60,
            )
        await pair.until_status(
            "secondary",
            lambda status: any("was stopped" in text for text in status["engine"]["troubles"]),
            "it gives way",
            60,
        )
        assert log.seconds_with_two(began) < BOTH
        assert (
            log.seconds_with_nobody(began) < BOTH
        )  # telephones follow whoever has announced the address last
    assert pair.rack.in_service("primary")
    await set_engine(pair, "heartbeat")
    await pair.stage.ask(secondary, "ha", "start")
    await pair.until_status("secondary", lambda status: status["role"] == "standby", "it is on standby")
