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
from hwsim.bench.contender import Part, served_by
from hwsim.demo.scenario import OTHER, ScenarioFailed
from hwsim.nodes import CLUSTER_ADDRESS, Node
from hwsim.rack import Rack
from hwsim.server import Server
from hwsim.site import Site

ADVERT = 0.1
_DEAD, _HANDED_OVER = "/run/pbxline.dead", "/run/handed-over"
_CONF = """\
global_defs {{
    router_id {name}
    vrrp_version 3
    script_user root
    vrrp_garp_master_delay 1
}}
track_file asterisk_dead {{
    file {dead}
    weight 0
    init_file 0 overwrite
}}
track_file handed_over {{
    file {handed_over}
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
        handed_over weight 0
    }}
    notify /usr/local/sbin/vrrp-notify
}}
"""
_PROCESSES = r"^/usr/sbin/keepalived "
_PRIORITY = {"primary": 100, "secondary": 90}
_PROGRAM = (
    *("/usr/sbin/keepalived", "--dont-fork", "--vrrp", "--log-console", "--log-detail"),
    *("--use-file", "/etc/keepalived/keepalived.conf", "--pid", "/run/keepalived.pid"),
    *("--vrrp_pid", "/run/keepalived-vrrp.pid"),
)


class Keepalived:
    """The usual fast solution, as a contender; `advert`: the seconds between two adverts.

    An operator's hand-over is a track file: the instance goes to FAULT and the peer is told at once.
    """

    def __init__(self, advert: float = ADVERT) -> None:
        self.name = "keepalived"
        self.site = Site()
        self.period = advert
        self.rest = 0.0
        self.parts = (Part("engine", (_PROCESSES,), (r"/usr/local/sbin/(asterisk|deathwatch)\b",)),)
        self.packages = ("keepalived",)

    @property
    def note(self) -> str:
        """How it was set up."""
        return (
            f"VRRP 3, adverts every {self.period:g} s, a notify script doing the same work; vrrp_track_process cannot "
            "hear the kernel in a namespace, so a track file written by a pidfd watcher stands in: at least as fast. "
            f"It misses a dead peer after 3 adverts and a skew, {silence(self.period):.2f} s, Heartbeat after deadtime"
        )

    async def bring_up(self, rack: Rack) -> None:
        """Bring up the primary alone first, then the secondary as backup."""
        for server in rack.servers.values():
            _install(server.node, self.period, _PRIORITY[server.side])
        began = rack.now()
        await _start(rack.servers["primary"])
        await served_by(rack, "primary", began, 40)
        await _start(rack.servers["secondary"])

    async def settled(self, rack: Rack, active: str) -> None:
        """Have the other node forget what it was in FAULT for, and wait until it is the backup."""
        server = rack.servers[OTHER[active]]
        for file in (_DEAD, _HANDED_OVER):
            server.node.path(file).write_text("0\n")
        if not await rack.history.wait(lambda: _state(server.node) == "BACKUP", 15):
            raise ScenarioFailed(f"keepalived on the {server.side} did not become the backup")
        await rack.pause(1.0)

    async def hand_over(self, rack: Rack, side: str) -> float:
        """Write the track file."""
        asked = rack.now()
        rack.servers[side].node.path(_HANDED_OVER).write_text("1\n")
        return asked

    async def fail_back(self, rack: Rack) -> float:
        """Do the same on the secondary: there are no data to bring."""
        return await self.hand_over(rack, "secondary")


def silence(advert: float) -> float:
    """Return for how many seconds the secondary must hear nothing until it takes over (RFC 5798, 6.1)."""
    return advert * (3 + (256 - _PRIORITY["secondary"]) / 256)


def advert_for(seconds: float) -> float:
    """Return the time between two adverts with which a dead peer is missed after `seconds`; VRRP counts in 10 ms."""
    return round(seconds / silence(1.0), 2)


def conf(name: str, advert: float, priority: int) -> str:
    """Return keepalived.conf of one node."""
    return _CONF.format(
        name=name,
        priority=priority,
        advert=advert,
        address=CLUSTER_ADDRESS,
        dead=_DEAD,
        handed_over=_HANDED_OVER,
    )


def _install(node: Node, advert: float, priority: int) -> None:
    pbxline.install(node)
    pbxline.install_script(node, "notify.sh", "/usr/local/sbin/vrrp-notify")
    pbxline.install_script(node, "deathwatch.py", "/usr/local/sbin/deathwatch")
    node.write("/etc/keepalived/keepalived.conf", conf(node.hostname, advert, priority))


async def _start(server: Server) -> None:
    await server.node.spawn(_PROGRAM, server.logs / f"{server.side}-keepalived.log")


def _state(node: Node) -> str:
    """Return the state that the notify script was last told."""
    try:
        return node.path("/run/vrrp.state").read_text().strip()
    except OSError:
        return ""
