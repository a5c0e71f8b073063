"""keepalived as a contender: VRRP 3 with adverts every 0.1 s, and a notify script that does asha's work.

`vrrp_track_process` listens to the kernel's process connector, which reports only in the initial network and
pid namespaces. Tried on a simulated machine with 2.2.7: "Failed to set/clear process event listen - errno 111
- Connection refused", and keepalived stays in FAULT. In its place stands what is at least as fast: a track
file, watched by keepalived through inotify and written by a pidfd watcher at the process's death. With weight
0 the instance goes to FAULT at once and the peer is told by an advert of priority 0, instead of waiting for
missing adverts.
"""

from __future__ import annotations

from hwsim.bench import pbxline
from hwsim.bench.contender import served_by
from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import CLUSTER_ADDRESS, Node
from hwsim.rack import Rack
from hwsim.server import Server

ADVERT = 0.1
_CONF = """\
global_defs {{
    router_id {name}
    vrrp_version 3
    script_user root
    vrrp_garp_master_delay 1
}}
track_file asterisk_dead {{
    file /run/pbxline.dead
    weight 0
    init_file 0 overwrite
}}
vrrp_instance pair {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 77
    priority {priority}
    advert_int {advert}
    virtual_ipaddress {{
        {address}/24 dev eth0
    }}
    track_file {{
        asterisk_dead weight 0
    }}
    notify /usr/local/sbin/vrrp-notify
}}
"""
_PRIORITY = {"primary": 100, "secondary": 90}
_PROGRAM = (
    *("/usr/sbin/keepalived", "--dont-fork", "--vrrp", "--log-console", "--log-detail"),
    *("--use-file", "/etc/keepalived/keepalived.conf", "--pid", "/run/keepalived.pid"),
    *("--vrrp_pid", "/run/keepalived-vrrp.pid"),
)


class Keepalived:
    """The usual fast solution, as a contender."""

    name = "keepalived"
    note = (
        f"VRRP 3, adverts every {ADVERT:g} s, a notify script doing the same work; vrrp_track_process cannot hear "
        "the kernel in a namespace, so a track file written by a pidfd watcher stands in: at least as fast. "
        "It misses a dead peer after 3 adverts, Heartbeat after deadtime"
    )

    async def home(self, rack: Rack, part: float) -> None:
        """Bring up the primary alone first, then the secondary as backup."""
        for server in rack.servers.values():
            _install(server.node, _PRIORITY[server.side])
        began = rack.now()
        await _start(rack.servers["primary"])
        await served_by(rack, "primary", began, 40)
        secondary = rack.servers["secondary"]
        await _start(secondary)
        if not await rack.history.wait(lambda: _state(secondary.node) == "BACKUP", 15):
            raise ScenarioFailed("keepalived on the secondary did not become the backup")
        await rack.pause(1.0 + ADVERT * part)


def conf(name: str, priority: int) -> str:
    """Return keepalived.conf of one node."""
    return _CONF.format(name=name, priority=priority, advert=ADVERT, address=CLUSTER_ADDRESS)


def _install(node: Node, priority: int) -> None:
    pbxline.install(node)
    pbxline.install_script(node, "notify.sh", "/usr/local/sbin/vrrp-notify")
    pbxline.install_script(node, "deathwatch.py", "/usr/local/sbin/deathwatch")
    node.write("/etc/keepalived/keepalived.conf", conf(node.hostname, priority))


async def _start(server: Server) -> None:
    await server.node.spawn(_PROGRAM, server.logs / f"{server.side}-keepalived.log")


def _state(node: Node) -> str:
    """Return the state that the notify script was last told."""
    try:
        return node.path("/run/vrrp.state").read_text().strip()
    except OSError:
        return ""
