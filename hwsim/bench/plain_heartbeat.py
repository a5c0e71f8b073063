"""Plain Heartbeat without asha: the same ha.cf times, a resource script, and a watchdog polling every 5 s.

This is the design of asha 1.0.0-2: a daemon that "looks for the Asterisk running task every few seconds".
"""

from __future__ import annotations

from pathlib import Path

from hwsim.bench import pbxline
from hwsim.bench.contender import Part, served_by
from hwsim.demo.scenario import OTHER, ScenarioFailed
from hwsim.nodes import CLUSTER_ADDRESS, Network, Node
from hwsim.nodes.engines import HEARTBEAT
from hwsim.nodes.network import LINKS
from hwsim.rack import SIDES, Rack
from hwsim.server import Server
from hwsim.site import PRIMARY_NAME, SECONDARY_NAME, Site

POLL = 5.0
_HA_CF = """\
logfacility none
logfile /var/log/ha-log
keepalive {keepalive:.0f}ms
warntime {warntime:.0f}ms
deadtime {deadtime:.0f}ms
initdead {initdead:.0f}ms
udpport 694
{media}
auto_failback off
node {primary} {secondary}
"""
_HARESOURCES = f"{PRIMARY_NAME} IPaddr2::{CLUSTER_ADDRESS}/24/eth0 pbxline\n"
_WATCHDOG = "/usr/local/sbin/watchdog"
_NAMES = {"primary": PRIMARY_NAME, "secondary": SECONDARY_NAME}
_SETTLED = f"until {HEARTBEAT.at_rest}; do sleep 0.2; done"
_PEER_UP = 'until [ "$(cl_status nodestatus {peer})" = active ]; do sleep 0.2; done'


class PlainHeartbeat:
    """The way of asha 1.0.0-2, as a contender."""

    def __init__(self) -> None:
        self.name = "plain-heartbeat"
        self.site = Site()
        self.period = POLL
        self.rest = 0.0
        self.parts = (
            Part("engine", tuple(HEARTBEAT.daemons[daemon] for daemon in HEARTBEAT.masters)),
            Part("agent", (_WATCHDOG,)),
        )
        self.packages = HEARTBEAT.packages

    @property
    def note(self) -> str:
        """How it was set up."""
        return (
            f"Heartbeat with the same ha.cf times, a shell resource script and a watchdog that polls every {POLL:g} s; "
            "faults are spread evenly over its period"
        )

    async def bring_up(self, rack: Rack) -> None:
        """Bring up the pair and start the watchdog on both nodes."""
        for server in rack.servers.values():
            pbxline.install_script(server.node, "watchdog.sh", _WATCHDOG)
        await bring_up(rack)
        for server in rack.servers.values():
            await _start_watchdog(server)

    async def settled(self, rack: Rack, active: str) -> None:
        """Wait until each node sees the other, and Heartbeat is at rest."""
        await _until(rack.servers[active], _PEER_UP.format(peer=_NAMES[OTHER[active]]), 30)
        for side in SIDES:
            await _until(rack.servers[side], _SETTLED, 40)

    async def hand_over(self, rack: Rack, side: str) -> float:
        """Give Heartbeat's own command, hb_standby."""
        asked = rack.now()
        done = await rack.servers[side].node.run([str(_heartbeat_file("hb_standby"))], 20)
        if not done.ok:
            raise ScenarioFailed(f"hb_standby on the {side}: {done.err.strip()}")
        return asked

    async def fail_back(self, rack: Rack) -> float:
        """Do the same on the secondary: there are no data to bring."""
        return await self.hand_over(rack, "secondary")


async def bring_up(rack: Rack) -> None:
    """Bring up the primary alone, then the secondary, and wait for Heartbeat to settle."""
    for server in rack.servers.values():
        _install(server.node, rack.site)
    began = rack.now()
    await start(rack.servers["primary"])
    await served_by(rack, "primary", began, 40)
    await start(rack.servers["secondary"])
    await _until(rack.servers["primary"], _PEER_UP.format(peer=SECONDARY_NAME), 30)
    for side in SIDES:
        await _until(rack.servers[side], _SETTLED, 40)


def ha_cf(site: Site) -> str:
    """Return ha.cf with the times that asha would write for `site`, over the same two cables."""
    peers = [f"ucast {link} {Network.address(side, link)}" for link in LINKS for side in SIDES]
    return _HA_CF.format(
        keepalive=site.keepalive * 1000,
        warntime=site.deadtime * 500,
        deadtime=site.deadtime * 1000,
        initdead=site.initdead * 1000,
        media="\n".join(peers),
        primary=PRIMARY_NAME,
        secondary=SECONDARY_NAME,
    )


def _install(node: Node, site: Site) -> None:
    pbxline.install(node)
    pbxline.install_script(node, "pbxline.sh", "/etc/ha.d/resource.d/pbxline")
    node.write("/etc/ha.d/ha.cf", ha_cf(site))
    node.write("/etc/ha.d/haresources", _HARESOURCES)


async def start(server: Server) -> None:
    """Start Heartbeat on a node. Raises ScenarioFailed."""
    done = await server.node.run([str(_heartbeat_file("heartbeat"))], 20)
    if not done.ok:
        raise ScenarioFailed(f"Heartbeat on the {server.side} did not start: {done.err.strip()}")


async def _until(server: Server, poll: str, deadline: float) -> None:
    if not (await server.node.run(["sh", "-c", poll], deadline)).ok:
        raise ScenarioFailed(f"within {deadline:g} s Heartbeat on the {server.side} did not settle: {poll}")


async def _start_watchdog(server: Server) -> None:
    argv = [_WATCHDOG, f"{POLL:g}", str(_heartbeat_file("hb_standby"))]
    await server.node.spawn(argv, server.logs / f"{server.side}-watchdog.log")


def _heartbeat_file(name: str) -> Path:
    """Return the path where this system keeps one of Heartbeat's programs."""
    places = [Path("/usr") / lib / "heartbeat" / name for lib in ("libexec", "share", "lib64", "lib")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ScenarioFailed(f"Heartbeat's program {name} is in none of {', '.join(map(str, places))}")
    return found
