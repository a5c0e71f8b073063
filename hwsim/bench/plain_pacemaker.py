"""Pacemaker without asha: the address and `ocf:heartbeat:asterisk`, as the guides for this agent set them up.

Only for a real Asterisk: the agent asks its console. A failure moves service (migration-threshold=1), as asha's
does; by default Pacemaker would start Asterisk again where it died.
"""

from __future__ import annotations

from hwsim.bench import pbxline
from hwsim.bench.contender import Part, served_by
from hwsim.demo.scenario import OTHER, ScenarioFailed
from hwsim.nodes import CLUSTER_ADDRESS, Network, Node
from hwsim.nodes.engines import PACEMAKER
from hwsim.nodes.network import LINKS
from hwsim.rack import SIDES, Rack
from hwsim.server import Server
from hwsim.site import PRIMARY_NAME, SECONDARY_NAME, Site

# Seconds between two looks at Asterisk, and how long one may take: what the agent's own meta-data suggests.
MONITOR, MONITOR_TIMEOUT = 20.0, 30.0
_NAMES = {"primary": PRIMARY_NAME, "secondary": SECONDARY_NAME}
_COROSYNC_CONF = """\
totem {{
  version: 2
  cluster_name: plain
  transport: knet
  link_mode: passive
  crypto_cipher: aes256
  crypto_hash: sha256
  token: {half:.0f}
  consensus: {half:.0f}
}}
nodelist {{
{nodes}}}
quorum {{
  provider: corosync_votequorum
  two_node: 1
  wait_for_all: 0
}}
logging {{
  to_logfile: yes
  logfile: /var/log/corosync/corosync.log
  to_syslog: no
}}
"""
_GROUP = f"""\
<group id="pbx">
  <primitive id="address" class="ocf" provider="heartbeat" type="IPaddr2">
    <instance_attributes id="address-values">
      <nvpair id="address-ip" name="ip" value="{CLUSTER_ADDRESS}"/>
      <nvpair id="address-mask" name="cidr_netmask" value="24"/>
      <nvpair id="address-nic" name="nic" value="eth0"/>
    </instance_attributes>
    <operations><op id="address-monitor" name="monitor" interval="10s" timeout="20s"/></operations>
  </primitive>
  <primitive id="asterisk" class="ocf" provider="heartbeat" type="asterisk">
    <instance_attributes id="asterisk-values">
      <nvpair id="asterisk-binary" name="binary" value="/usr/local/sbin/asterisk"/>
    </instance_attributes>
    <operations>
      <op id="asterisk-monitor" name="monitor" interval="{MONITOR:g}s" timeout="{MONITOR_TIMEOUT:g}s"/>
    </operations>
  </primitive>
</group>
"""
# The primary is preferred by less than the resources stick, so that it decides only where they begin.
_PREFERENCE = f'<rsc_location id="primary" rsc="pbx" node="{PRIMARY_NAME}" score="50"/>'
_PROPERTIES = {"stonith-enabled": "false", "no-quorum-policy": "ignore", "dc-deadtime": "2s"}
_DEFAULTS = {"resource-stickiness": "100", "migration-threshold": "1"}
_AT_REST = f"until {PACEMAKER.at_rest}; do sleep 0.3; done"
_BOTH = 'until [ "$(crm_node --partition | wc -w)" = 2 ]; do sleep 0.3; done'


class PlainPacemaker:
    """Pacemaker with the resource agents of its distribution, as a contender."""

    def __init__(self) -> None:
        self.name = "plain-pacemaker"
        self.site = Site(engine=PACEMAKER)
        self.period = MONITOR
        self.rest = 0.0
        self.parts = (Part("engine", tuple(PACEMAKER.daemons[daemon] for daemon in PACEMAKER.masters)),)
        self.packages = (*PACEMAKER.packages, "resource-agents")

    @property
    def note(self) -> str:
        """How it was set up."""
        return (
            f"Pacemaker with ocf:heartbeat:IPaddr2 and ocf:heartbeat:asterisk, which is looked at every {MONITOR:g} s "
            f"(for {MONITOR_TIMEOUT:g} s at the most), as its meta-data suggest; migration-threshold=1; no fencing; "
            "faults are spread evenly over the time between two looks"
        )

    async def bring_up(self, rack: Rack) -> None:
        """Bring up both nodes, then the resources, which prefer the primary."""
        for server in rack.servers.values():
            _install(server.node, rack.site)
        for server in rack.servers.values():
            await _start(server)
        for server in rack.servers.values():
            await _until(server, f"{_BOTH}; {_AT_REST}", 60)
        began = rack.now()
        await _configure(rack.servers["primary"])
        await served_by(rack, "primary", began, 60)
        await self.settled(rack, "primary")

    async def settled(self, rack: Rack, active: str) -> None:
        """Have the other node take part again, forget its failures, and wait until nothing moves."""
        other = rack.servers[OTHER[active]]
        await _said(other, f"{PACEMAKER.takes_part}; crm_resource --cleanup --node {_NAMES[other.side]}", 40)
        for side in SIDES:
            await _until(rack.servers[side], _AT_REST, 40)

    async def hand_over(self, rack: Rack, side: str) -> float:
        """Put the node into standby."""
        asked = rack.now()
        await _said(rack.servers[side], PACEMAKER.gives_away, 20)
        return asked

    async def fail_back(self, rack: Rack) -> float:
        """Do the same on the secondary: there are no data to bring."""
        return await self.hand_over(rack, "secondary")


def corosync_conf(site: Site) -> str:
    """Return corosync.conf, which misses a node after the site's deadtime, over the same two cables as asha's."""
    nodes = "".join(
        f"  node {{\n    name: {_NAMES[side]}\n    nodeid: {number}\n"
        + "".join(f"    ring{ring}_addr: {Network.address(side, link)}\n" for ring, link in enumerate(LINKS))
        + "  }\n"
        for number, side in enumerate(SIDES, 1)
    )
    return _COROSYNC_CONF.format(half=site.deadtime * 500, nodes=nodes)


def _install(node: Node, site: Site) -> None:
    pbxline.install(node)
    node.write("/etc/corosync/corosync.conf", corosync_conf(site))
    node.write(PACEMAKER.secret.path, PACEMAKER.secret.text, PACEMAKER.secret.mode)


async def _start(server: Server) -> None:
    for program in ("corosync", "pacemakerd"):
        log = server.logs / f"{server.side}-{program}.log"
        await server.node.spawn([f"/usr/sbin/{program}", "-f"], log)
        ready = "corosync-quorumtool -s" if program == "corosync" else "crm_mon -1"
        await _until(server, f"until {ready} >/dev/null 2>&1; do sleep 0.1; done", 20)


async def _configure(server: Server) -> None:
    for name, value in _PROPERTIES.items():
        await _said(server, f"crm_attribute --type crm_config --name {name} --update {value}", 20)
    for name, value in _DEFAULTS.items():
        await _said(server, f"crm_attribute --type rsc_defaults --name {name} --update {value}", 20)
    for section, element in (("resources", _GROUP), ("constraints", _PREFERENCE)):
        await _said(server, f"cibadmin --create --scope {section} --xml-text '{element}'", 20)


async def _said(server: Server, words: str, deadline: float) -> None:
    done = await server.node.run(["sh", "-c", words], deadline)
    if not done.ok:
        raise ScenarioFailed(f"'{words}' on the {server.side}: {done.err.strip()}")


async def _until(server: Server, poll: str, deadline: float) -> None:
    if not (await server.node.run(["sh", "-c", poll], deadline)).ok:
        raise ScenarioFailed(f"within {deadline:g} s Pacemaker on the {server.side} did not settle: {poll}")
