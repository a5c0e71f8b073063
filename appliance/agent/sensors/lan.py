"""The sensor for the LAN: its interface, who answers there, and whether a telephone could call.

The kernel tells at once when the interface or its addresses change, so it is read then, and seldom besides. Hosts are
asked by ARP once a second over one socket: the peer at its own address, the hosts of HAPING, and whoever has the
cluster address. ARP is the one question that every host on a LAN answers, whatever its firewall.

A node that has not got the cluster address also tries it as a telephone does, by SIP OPTIONS. Asterisk counts requests
of somebody it does not know, and reports five within five seconds to those who ban (docs/facts/field.md), so one that
answers is asked every two seconds only.
"""

from __future__ import annotations

import asyncio
import contextlib

from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.agent.sensors.readiness import Readable
from appliance.core.errors import HostError
from appliance.core.health import ProbeRecord, observe
from appliance.core.lan import (
    LanInterface,
    LanPolicy,
    LanState,
    answers,
    follow,
    in_subnet,
    judge_calls,
    own_address_of,
    sign,
    why_not_settable,
)
from appliance.core.reading import Known, Reading, Unknown, fresh, is_known
from appliance.core.timing import LAN_ROUND
from appliance.net.address import AddressWatch, read_lan_interface
from appliance.net.arp import ArpLink, announce, own_macs
from appliance.pbx.probes import SipProbe

_CALL_AGAIN = 2.0
# The kernel reports each change of the interface; without one it is read in the first round after so many seconds.
_LOOK_PERIOD = 4.5
_NO_ADDRESS_SET = "no cluster address is set (HACLUSTERIP)"
# For so many seconds after any other machine was heard the LAN is known to carry something to this node.
_HEARD_LATELY = 5.0
# For so many seconds another machine that has claimed the cluster address must have been silent about it before it is
# announced again where it is: asked each second, one that still has it is not silent.
_CLAIM_OVER = 2.5


class LanSensor:
    """The sensor that writes on the board: `lan`, `calls`, `lan_address`, `not_settable` and `duplicate`."""

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._journal = context.journal
        self._change = asyncio.Event()
        self._interface: Reading[LanInterface] = Unknown("not looked at yet", 0.0)
        self._own_macs: frozenset[str] = frozenset()
        self._state = LanState()
        self._hosts: dict[str, ProbeRecord] = {}
        self._macs: dict[str, str] = {}
        self._holder = ProbeRecord()
        self._was_here = False
        self._sip = ProbeRecord()
        self._asked: frozenset[str] = frozenset()
        self._heard: dict[str, str] = {}
        self._heard_at = float("-inf")
        self._claimed_at: float | None = None
        self._link: ArpLink | None = None
        self._ready: Readable | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        watch = AddressWatch()
        ready = Readable(watch.fileno(), lambda: self._change.set() if watch.drain() else None)
        self.look()  # what has changed before the watch began, nobody reports
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask_hosts())
                tasks.create_task(self._be_telephone())
        finally:
            ready.close()
            watch.close()
            self._close_link()

    def look(self, *, changed: bool = True) -> None:
        """Look at the interface, and judge the LAN by that and by the answers so far.

        Unless it has `changed`, the last look counts while it is not old.
        """
        conf, now = self._this_node.conf, self._clock.now()
        if not conf.cluster_ip:
            self._interface = self._observations.lan = Unknown(_NO_ADDRESS_SET, now)
            return
        if changed or isinstance(fresh(self._interface, now, _LOOK_PERIOD), Unknown):
            self._interface = read_lan_interface(conf.device, conf.cluster_ip, conf.prefix, now)
            self._own_macs = own_macs()
        policy = self._policy()
        seen = sign(
            self._interface,
            self._hosts,
            policy,
            heard=now - self._heard_at < _HEARD_LATELY,
            peer_cut_off=self._peer_is_cut_off(now),
        )
        self._state = follow(self._state, seen, policy, now)
        self._write(self._state.reading)
        if why := self._why_no_call():
            self._see_calls(Unknown(why, now))

    # -- the hosts ------------------------------------------------------------------------------------------

    async def _ask_hosts(self) -> None:
        while True:
            self._take_round()
            if self._claim_is_over():
                await self._announce()
            await self._next()

    def _take_round(self) -> None:
        self._count_answers()
        self.look(changed=False)
        self._ask()

    async def _next(self) -> None:
        """Wait for the next round, and look at the interface whenever the kernel reports a change meanwhile."""
        end = self._clock.now() + until_beat(LAN_ROUND)
        while (left := end - self._clock.now()) > 0:
            self._change.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._change.wait()
                    self.look()

    def _count_answers(self) -> None:
        """Count who has answered the questions of the last round."""
        now, policy = self._clock.now(), self._this_node.probe_policy
        wanted = self._wanted()
        self._hosts = {host: self._hosts.get(host, ProbeRecord()) for host in wanted}
        for host in self._asked & wanted:
            self._hosts[host] = observe(self._hosts[host], self._answer(host, now), policy)
        cluster_ip = self._this_node.conf.cluster_ip
        # A network that cannot be asked tells nothing of an address elsewhere; what is lost is told as the LAN.
        here = is_known(self._observations.address, True)
        # Who had the address before it came here, or before it went, is no answer to the question of now.
        asked = cluster_ip in self._asked and here is self._was_here
        self._was_here = here
        self._holder = (
            observe(self._holder, self._answer(cluster_ip, now), policy) if asked else ProbeRecord()
        )
        self._follow_duplicate()
        self._heard.clear()

    def _answer(self, ip: str, now: float) -> Reading[str]:
        mac = self._heard.get(ip)
        return Unknown("it does not answer ARP", now) if mac is None else Known(mac, now)

    def _follow_duplicate(self) -> None:
        """Follow who else has an address that is here; it ends when the other answers no more.

        One answer proves nothing: the peer's last one may be on its way while it gives the address up.
        """
        policy, observations = self._this_node.probe_policy, self._observations
        here = is_known(observations.address, True)
        still = bool(observations.duplicate) and answers(self._holder, policy)
        if observations.report is not None:
            observations.peer_mac = self._macs.get(observations.report.lan_address, observations.peer_mac)
        before, mac = observations.duplicate, self._mac_of_holder()
        observations.duplicate = mac if here and (self._holder.answers >= policy.rise or still) else ""
        if bool(observations.duplicate) != bool(before):
            self._journal.note("address", says="also elsewhere" if before == "" else "here alone", mac=mac)

    def _claim_is_over(self) -> bool:
        """Tell whether another machine has claimed an address that is here, and does so no more.

        A secondary that is granted during a split is given the address before it can leave it to the primary, and the
        telephones believe the last who announced it.
        """
        at = self._claimed_at
        if at is None or not is_known(self._observations.address, True):
            self._claimed_at = None
            return False
        over = self._clock.now() - at >= _CLAIM_OVER
        self._claimed_at = None if over else at
        return over

    async def _announce(self) -> None:
        conf = self._this_node.conf
        with contextlib.suppress(HostError):
            await asyncio.to_thread(announce, conf.device, conf.cluster_ip)
        self._journal.note(
            "address", says="announced again: another machine had claimed it, and does so no more"
        )

    def _mac_of_holder(self) -> str:
        return self._heard.get(self._this_node.conf.cluster_ip, self._macs.get("holder", ""))

    def _ask(self) -> None:
        """Ask every host, those that answer by themselves and the others by broadcast."""
        conf, interface = self._this_node.conf, self._interface
        self._asked = frozenset()
        usable = isinstance(interface, Known) and interface.value.up and interface.value.carrier
        if not usable or not self._open_link() or self._link is None:
            self._close_link()
            return
        own = self._observations.lan_address
        here = is_known(self._observations.address, True)
        try:
            for host in self._hosts:
                known = answers(self._hosts[host], self._this_node.probe_policy)
                self._link.ask(host, own, self._macs.get(host, "") if known else "")
            # An address that is here is asked for without naming a sender, as RFC 5227 has it.
            self._link.ask(conf.cluster_ip, "" if here else own)
        except HostError:
            self._close_link()
            return
        self._asked = frozenset((*self._hosts, conf.cluster_ip))

    def _wanted(self) -> frozenset[str]:
        """Return the hosts to be asked: those of HAPING, and the peer where it says it is, if that is on this LAN.

        A peer that says that it is cut off is not asked: its silence proves nothing of this node.
        """
        conf, report = self._this_node.conf, self._observations.report
        own = self._observations.lan_address
        hosts = {*conf.ping} - {own, conf.cluster_ip}
        peer = report.lan_address if report is not None else ""
        if self._peer_is_cut_off(self._clock.now()):
            peer = ""
        if peer and conf.cluster_ip and in_subnet(peer, conf.cluster_ip, conf.prefix):
            hosts |= {peer} - {own, conf.cluster_ip}
        return frozenset(hosts)

    def _peer_is_cut_off(self, now: float) -> bool:
        report, max_age = self._observations.report, self._this_node.conf.peer_max_age
        return report is not None and is_known(fresh(report.lan, now, max_age), False)

    def _open_link(self) -> bool:
        if self._link is None:
            try:
                self._link = ArpLink(self._this_node.conf.device)
            except HostError:
                return False
            self._ready = Readable(self._link.fileno(), self._hear)
        return True

    def _close_link(self) -> None:
        if self._ready is not None:
            self._ready.close()
        if self._link is not None:
            self._link.close()
        self._ready = self._link = None

    def _hear(self) -> None:
        if self._link is None:
            return
        try:
            packets = self._link.heard()
        except HostError:
            self._close_link()  # the interface went away; the next round opens what is there then
            return
        cluster_ip = self._this_node.conf.cluster_ip
        for packet in packets:
            ip, mac = packet.sender_ip, packet.sender_mac.hex(":")
            if mac in self._own_macs:
                continue
            self._heard_at = self._clock.now()
            if ip == cluster_ip:
                self._claimed_at = self._heard_at
            if ip == cluster_ip and packet.reply:
                self._heard[ip] = self._macs["holder"] = mac
            elif ip in self._asked and ip != cluster_ip:
                self._heard[ip] = self._macs[ip] = mac

    # -- the telephone --------------------------------------------------------------------------------------

    async def _be_telephone(self) -> None:
        while True:
            await self._call()
            await asyncio.sleep(until_beat(_CALL_AGAIN if self._sip.answers else LAN_ROUND))

    async def _call(self) -> None:
        """Try the cluster address once, as a telephone does, if it is not here."""
        conf, observations = self._this_node.conf, self._observations
        own = observations.lan_address
        if self._why_no_call():
            self._sip = ProbeRecord()
            return
        probe = SipProbe(
            conf.sip_port, conf.probe_deadline, host=conf.cluster_ip, own=own, device=conf.device
        )
        self._sip = observe(self._sip, await probe.ask(self._clock.now), self._this_node.probe_policy)
        if not self._why_no_call():  # else the address has come here meanwhile
            holder = self._mac_of_holder() if answers(self._holder, self._this_node.probe_policy) else ""
            self._see_calls(
                judge_calls(observations.lan, holder, self._sip, self._policy(), self._clock.now())
            )

    def _why_no_call(self) -> str:
        conf, observations = self._this_node.conf, self._observations
        if not conf.cluster_ip:
            return _NO_ADDRESS_SET
        if not conf.sip_port:
            return "SIP is not tried (SIPPORT=0)"
        if not is_known(observations.address, False):
            return "the node that has the cluster address does not try it: the other one does"
        return "" if observations.lan_address else "this node has no address of its own on the LAN"

    def _see_calls(self, reading: Reading[bool]) -> None:
        before, self._observations.calls = self._observations.calls, reading
        if _value(before) is not _value(reading):
            self._observations.notify_changed()

    # -- the board ------------------------------------------------------------------------------------------

    def _policy(self) -> LanPolicy:
        conf = self._this_node.conf
        return LanPolicy(conf.cluster_ip, conf.lan_dwell, self._this_node.probe_policy, frozenset(conf.ping))

    def _write(self, reading: Reading[bool]) -> None:
        observations, cluster_ip = self._observations, self._this_node.conf.cluster_ip
        wrong = why_not_settable(self._interface, cluster_ip)
        before = (_value(observations.lan), observations.not_settable)
        observations.lan, observations.not_settable = reading, wrong
        observations.lan_address = own_address_of(self._interface, cluster_ip)
        if before == (_value(reading), wrong):
            return
        if before[0] is not _value(reading):
            says = reading.reason if isinstance(reading, Unknown) else reading.why
            self._journal.note("lan", reached=_value(reading), why=says)
        observations.notify_changed()


def _value(reading: Reading[bool]) -> bool | None:
    return reading.value if isinstance(reading, Known) else None
