"""Real Heartbeat on two simulated machines: the address follows when the power of one goes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hwsim.nodes import CLUSTER_ADDRESS, Node, Outside, SerialCable, heartbeat_site, pair

HA_CF = """logfacility none
logfile /var/log/ha-log
keepalive 100ms
warntime 300ms
deadtime 500ms
initdead 2
udpport 694
bcast eth0
ucast eth1 10.78.0.1
ucast eth1 10.78.0.2
baud 19200
serial /dev/ttyS0
auto_failback off
node haprimary hastandby
"""
RESOURCES = f"haprimary IPaddr2::{CLUSTER_ADDRESS}/24/eth0\n"
PROGRAM = next(
    place
    for lib in ("libexec", "lib", "lib64")
    if (place := Path(f"/usr/{lib}/heartbeat/heartbeat")).exists()
)


def install(node: Node) -> None:
    heartbeat_site.install(node, {"haprimary": "10.77.0.1", "hastandby": "10.77.0.2"})
    node.write("/etc/ha.d/ha.cf", HA_CF)
    node.write("/etc/ha.d/haresources", RESOURCES)
    node.write("/etc/ha.d/authkeys", "auth 1\n1 sha1 only-for-this-test\n", 0o600)


async def start(node: Node, port: str) -> None:
    node.symlink("/dev/ttyS0", port)
    started = await node.run([str(PROGRAM)], deadline=10)
    assert started.ok, started


async def link_up(node: Node, peer: str, link: str) -> None:
    """Until Heartbeat on `node` hears `peer` on `link`."""
    poll = f'until [ "$(cl_status hblinkstatus {peer} {link})" = up ]; do sleep 0.05; done'
    heard = await node.run(["sh", "-c", poll], deadline=5)
    assert heard.ok, f"{link}: {heard}"


def test_the_address_follows_a_power_cut() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            outside, cable = Outside(rack.network), SerialCable()
            try:
                for node in (rack.primary, rack.secondary):
                    install(node)
                await rack.boot()
                await outside.start()
                await start(rack.primary, cable.ends[0])
                first = await outside.wait_for("ping", 0, outside.mac_of("primary"), deadline=8)
                await start(rack.secondary, cable.ends[1])
                for link in ("eth0", "eth1", "/dev/ttyS0"):
                    await link_up(rack.primary, "hastandby", link)
                gone = rack.primary.power_off()
                moved = await outside.wait_for("ping", gone, outside.mac_of("secondary"), deadline=8)
                announced = await outside.wait_for("garp", gone, outside.mac_of("secondary"), deadline=30)
                assert first.t < gone < announced.t
                assert moved.t > gone + 0.4  # nearly deadtime: nobody may know earlier
                sys.stdout.write(f"power cut to first answer: {moved.t - gone:.3f} s\n")
            finally:
                await outside.stop()
                cable.close()

    asyncio.run(scenario())
