"""Real Corosync and Pacemaker on two simulated machines: one membership, and the address follows a power cut."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine

from nodes_probe import until

from hwsim.nodes import CLUSTER_ADDRESS, Network, Node, Outside, Pair, pair
from hwsim.nodes.census import members
from hwsim.nodes.engines import PACEMAKER

NAMES = {"haprimary": "primary", "hastandby": "secondary"}
COROSYNC = """totem {
  version: 2
  cluster_name: thin
  transport: knet
  crypto_cipher: aes256
  crypto_hash: sha256
  token: 1000
}
nodelist {
%s}
quorum {
  provider: corosync_votequorum
  two_node: 1
}
logging {
  to_logfile: yes
  logfile: /var/log/corosync/corosync.log
  to_syslog: no
}
"""
NODE = "  node {{\n    name: {name}\n    nodeid: {number}\n    ring0_addr: {lan}\n    ring1_addr: {cable}\n  }}\n"
# A cluster that begins with an empty CIB waits 20 s for others to be there (docs/facts/pacemaker.md).
OPTIONS = """<crm_config><cluster_property_set id="options">
<nvpair id="o1" name="dc-deadtime" value="2s"/><nvpair id="o2" name="stonith-enabled" value="false"/>
</cluster_property_set></crm_config>"""
ADDRESS = f"""<resources><primitive id="address" class="ocf" provider="heartbeat" type="IPaddr2">
<instance_attributes id="a"><nvpair id="a1" name="ip" value="{CLUSTER_ADDRESS}"/>
<nvpair id="a2" name="cidr_netmask" value="24"/><nvpair id="a3" name="nic" value="eth0"/></instance_attributes>
</primitive></resources>"""
CIB = "/var/lib/pacemaker/cib/cib.xml"
ONLINE = r"Online: \[ haprimary hastandby \]"


def corosync_conf() -> str:
    nodes = (
        NODE.format(name=name, number=number, lan=Network.address(side), cable=Network.address(side, "eth1"))
        for number, (name, side) in enumerate(NAMES.items(), 1)
    )
    return COROSYNC % "".join(nodes)


def first_cib() -> str:
    made = subprocess.run(["cibadmin", "--empty"], capture_output=True, text=True, check=True).stdout
    made = made.replace("<crm_config/>", OPTIONS).replace("<resources/>", ADDRESS)
    return made.replace('epoch="0"', 'epoch="1"', 1)


def install(node: Node) -> None:
    PACEMAKER.install(node, {name: Network.address(side) for name, side in NAMES.items()})
    node.write("/etc/corosync/corosync.conf", corosync_conf())
    node.write(PACEMAKER.secret.path, PACEMAKER.secret.text, PACEMAKER.secret.mode)
    node.write(CIB, first_cib(), 0o600)
    shutil.chown(node.path(CIB), "hacluster", "haclient")


async def shell(node: Node, script: str, deadline: float = 30.0) -> None:
    done = await node.run(["sh", "-c", script], deadline)
    assert done.ok, (script, done, node.boot_log.read_text())


async def start(node: Node) -> None:
    """Start both daemons, as an administrator without systemd would."""
    await shell(node, "corosync && until corosync-cfgtool -s; do sleep 0.1; done")
    await node.spawn(["pacemakerd", "-f"], node.boot_log, {"PCMK_logfacility": "none"})


async def sees(node: Node, wanted: str) -> None:
    """Until crm_mon on `node` shows the extended regular expression `wanted`."""
    await shell(node, f"until crm_mon -1 2>&1 | grep -qE '{wanted}'; do sleep 0.2; done", 60)


def running(node: Node) -> dict[str, int]:
    """Each daemon of the engine that runs on `node`, and its pid there: of two of a name, one is the other's fork."""
    found = {name: node.pids(pattern) for name, pattern in PACEMAKER.daemons.items()}
    return {name: min(pids) for name, pids in found.items() if pids}


def played(scenario: Callable[[Pair, Outside], Coroutine[None, None, None]]) -> None:
    """Play `scenario` on a pair whose nodes are on, with both daemons running and one membership."""

    async def play() -> None:
        async with pair() as rack:
            outside = Outside(rack.network)
            try:
                for node in (rack.primary, rack.secondary):
                    install(node)
                await rack.boot()
                await outside.start()
                await asyncio.gather(*(start(node) for node in (rack.primary, rack.secondary)))
                for node in (rack.primary, rack.secondary):
                    await sees(node, ONLINE)
                await scenario(rack, outside)
            finally:
                await outside.stop()

    asyncio.run(play())


async def owner(rack: Pair) -> tuple[Node, Node]:
    """The node that has the address, and the other."""
    await sees(rack.primary, "IPaddr2.*Started")
    placed = await rack.primary.run(["crm_resource", "--locate", "-r", "address"])
    first = rack.primary if rack.primary.hostname in placed.out else rack.secondary
    return first, rack.secondary if first is rack.primary else rack.primary


def test_the_address_follows_a_power_cut() -> None:
    async def scenario(rack: Pair, outside: Outside) -> None:
        first, other = await owner(rack)
        await outside.wait_for("ping", 0, outside.mac_of(first.name), deadline=10)
        assert set(running(first)) == set(PACEMAKER.daemons)
        inside = [member.host_pid for member in members(first.init)]
        gone = first.power_off()
        moved = await outside.wait_for("ping", gone, outside.mac_of(other.name), deadline=30)
        assert moved.t > gone + 0.9  # nearly the token's time-out: nobody may know earlier
        sys.stdout.write(f"power cut to first answer: {moved.t - gone:.3f} s\n")
        await first.wait_down()
        assert len(inside) > len(PACEMAKER.daemons)
        assert running(first) == {}
        await first.boot()
        await start(first)
        await sees(other, ONLINE)

    played(scenario)


def test_a_daemon_is_killed_and_a_machine_stands_still() -> None:
    async def scenario(rack: Pair, outside: Outside) -> None:
        first, other = await owner(rack)
        before = running(other)
        other.kill(before["controld"])
        await until(lambda: running(other).get("controld", 0) not in (0, before["controld"]), "a new one", 20)
        assert {**running(other), "controld": 0} == {**before, "controld": 0}
        await sees(first, ONLINE)
        hung = await first.freeze()
        taken = await outside.wait_for("ping", hung, outside.mac_of(other.name), deadline=30)
        sys.stdout.write(f"frozen to first answer of the other: {taken.t - hung:.3f} s\n")
        first.thaw()
        await sees(first, ONLINE)
        first.kill(running(first)["corosync"])
        await until(lambda: "corosync" not in running(first), "the end of corosync")
        await sees(other, r"OFFLINE: \[ " + first.hostname)

    played(scenario)
