"""Machines of another cluster on the same LAN, whose engine has the same port and name: the pair goes on, and tells it.

The guests are set up by hand, as an administrator does who knows nothing of this pair or has copied one of its nodes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes import Network, Node
from hwsim.nodes.engines import HEARTBEAT
from hwsim.rack import SIDES
from hwsim.service_log import recorded
from hwsim.site import PRIMARY_NAME, SECONDARY_NAME

OTHER = "guest1"
COPY = "guest2"  # under the primary's name
SITE = replace(PAIR_SITE, guests=("other", PRIMARY_NAME))
DEADLINE = 200.0
# Seconds within which a stranger is noticed, and its end: a round of listening, and some for a busy machine.
TOLD = 40.0
OWN_NAME = f"under this node's name, {PRIMARY_NAME}"
PEERS_NAME = f"under the name {PRIMARY_NAME}"
HA_CF = """logfacility none
logfile /var/log/ha-log
keepalive 200ms
deadtime 2
initdead 3
udpport 694
bcast eth0
auto_failback off
node {names}
"""
COROSYNC_CONF = """totem {{
  version: 2
  cluster_name: asha
  transport: knet
  crypto_cipher: aes256
  crypto_hash: sha256
  interface {{
    linknumber: 0
    mcastport: 694
  }}
}}
nodelist {{
  node {{
    name: {primary}
    nodeid: 1
    ring0_addr: {theirs}
  }}
  node {{
    name: {secondary}
    nodeid: 2
    ring0_addr: {own}
  }}
}}
quorum {{
  provider: corosync_votequorum
  two_node: 1
}}
logging {{
  to_logfile: yes
  logfile: /var/log/corosync/corosync.log
}}
"""


def set_up_heartbeat(node: Node, names: str, key: str) -> list[str]:
    """Write the files of a Heartbeat that has the rack's port; return the words that start it."""
    node.write("/etc/ha.d/ha.cf", HA_CF.format(names=names))
    node.write("/etc/ha.d/haresources", f"{names.split(maxsplit=1)[0]} IPaddr2::10.77.0.200/24/eth0\n")
    node.write("/etc/ha.d/authkeys", key, 0o600)
    places = HEARTBEAT.programs["heartbeat"]
    return ["sh", "-c", " || ".join(f"exec {place}/heartbeat -d" for place in places)]


@asynccontextmanager
async def running(pair: Pair, place: str, key: str) -> AsyncIterator[None]:
    """The engine runs on the guest with that key, in a cluster that has the name and port of the pair's."""
    node, engine = pair.rack.guests[place], pair.engine
    if engine is HEARTBEAT:
        names = f"{PRIMARY_NAME} {SECONDARY_NAME}" if place == COPY else "other another"
        words = set_up_heartbeat(node, names, key)
    else:
        conf = COROSYNC_CONF.format(
            primary=PRIMARY_NAME,
            secondary=SECONDARY_NAME,
            theirs=Network.address("primary"),
            own=Network.address(place),
        )
        node.write("/etc/corosync/corosync.conf", conf)
        node.write(engine.secret.path, key, engine.secret.mode)
        words = ["corosync", "-f"]
    program = await node.spawn(words, pair.secondary.logs / f"{place}.log")
    try:
        yield
    finally:
        program.kill()
        await program.wait()
        for pattern in engine.daemons.values():
            for pid in node.pids(pattern):
                node.kill(pid)


def troubles(status: dict[str, object]) -> str:
    engine = status["engine"]
    assert isinstance(engine, dict)
    return "; ".join(engine["troubles"])


@pytest.mark.parametrize("key", ["another key", "the same key"])
async def test_another_cluster_is_told_and_disturbs_nothing(pair: Pair, key: str) -> None:
    await pair.home()
    text = pair.engine.secret.text
    if key == "another key":
        text = text.replace("5ec7e7", "c0ffee").replace("no-secrets", "another")
        assert text != pair.engine.secret.text
    async with running(pair, OTHER, text):
        for side in (
            SIDES if pair.engine is HEARTBEAT else ("primary",)
        ):  # Corosync speaks to the one it names
            said = await pair.until_status(
                side, lambda status: "no node of this pair" in troubles(status), "it is told", TOLD
            )
            assert Network.address(OTHER) in troubles(said) and "HAUDPPORT" in troubles(said)
        await pair.stays("primary", 5.0)
        checked = json.loads((await pair.primary.asha("check", "--json")).output)
        (found,) = (one for one in checked["here"]["findings"] if one["what"] == "HA troubles")
        assert found["level"] == "warning" and "no node of this pair" in found["says"]
        await pair.away()
        await pair.home()
    for side in SIDES:
        await pair.until_status(side, lambda status: troubles(status) == "", "it is over", TOLD)


@pytest.mark.engine("heartbeat")
async def test_a_copy_of_the_primary_is_told_and_somebody_serves(pair: Pair) -> None:
    """It has the primary's name and secret, so Heartbeat believes it, and the real one no more until both restart."""
    await pair.home()
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        async with running(pair, COPY, pair.engine.secret.text):
            said = await pair.until_status(
                "primary", lambda status: OWN_NAME in troubles(status), "it is told", TOLD
            )
            assert Network.address(COPY) in troubles(said)
            said = await pair.until_status(
                "secondary", lambda status: PEERS_NAME in troubles(status), "it is told there", TOLD
            )
            assert Network.address(COPY) in troubles(said)
        for side in SIDES:
            await pair.until_status(side, lambda status: troubles(status) == "", "it is over", TOLD)
        assert log.seconds_with_nobody(began) + log.seconds_with_two(began) < TOLD
    for word in ("stop", "start"):
        for server in (pair.primary, pair.secondary):
            await pair.stage.ask(server, "ha", word)
    await pair.home()
