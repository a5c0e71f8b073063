"""The sensor for the LAN: its interface, who answers there, and whether a telephone could call.

The kernel tells at once when the interface or its addresses change, so it is read then, and seldom besides. Hosts are
asked once a second over one socket for each family of addresses: the peer at its own address, the hosts of HAPING, and
whoever has the cluster's addresses. ARP, and neighbour discovery for IPv6, is the one question that every host on a LAN
answers, whatever its firewall. Whether the LAN is reached is judged by the interface's address of one family, that of
the main address.

A node that has not got the cluster's addresses also tries each of them as a telephone does, by SIP. Asterisk
counts requests of somebody it does not know, and reports five within five seconds to those who ban
(docs/facts/field.md), so one that answers is asked every two seconds only.
"""

from __future__ import annotations

import asyncio
import contextlib

from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.agent.sensors.address import NO_ADDRESS_SET
from appliance.agent.sensors.readiness import Readable
from appliance.core.errors import HostError
from appliance.core.health import ProbeRecord, observe
from appliance.core.ip_address import in_subnet, version_of
from appliance.core.lan import (
    LanInterface,
    LanPolicy,
    LanState,
    answers,
    follow,
    is_elsewhere,
    judge_calls,
    of_any,
    own_address_of,
    sign,
    why_not_settable,
)
from appliance.core.reading import Known, Reading, Unknown, fresh, is_known
from appliance.core.timing import LAN_ROUND, unhurried
from appliance.core.values import changed
from appliance.net.address import AddressWatch, read_lan_interface
from appliance.net.neighbours import NeighbourLink, open_link, own_macs
from appliance.pbx.probes import SipProbe

_CALL_AGAIN = 2.0
# The kernel reports each change of the interface; without one it is read in the first round after so many seconds.
_LOOK_PERIOD = 4.5
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
        self._interface: Reading[LanInterface] = Unknown("not checked yet", 0.0)
        self._own_macs: frozenset[str] = frozenset()
        self._state = LanState()
        self._hosts: dict[str, ProbeRecord] = {}
        self._macs: dict[str, str] = {}
        self._holders: dict[str, ProbeRecord] = {}
        self._was_here: frozenset[str] = frozenset()
        self._sip: dict[str, ProbeRecord] = {}
        self._answered: dict[str, float] = {}
        self._asked: frozenset[str] = frozenset()
        self._heard: dict[str, str] = {}
        self._heard_at = float("-inf")
        self._claimed_at: float | None = None
        self._links: dict[int, tuple[NeighbourLink, Readable]] = {}  # by the version of IP

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
            self._close_links()

    def look(self, *, changed: bool = True) -> None:
        """Look at the interface, and judge the LAN by that and by the answers so far.

        Unless it has `changed`, the last look counts while it is not old.
        """
        conf, now = self._this_node.conf, self._clock.now()
        if not conf.addresses:
            self._interface = self._observations.lan = Unknown(NO_ADDRESS_SET, now)
            return
        if changed or isinstance(fresh(self._interface, now, _LOOK_PERIOD), Unknown):
            main = conf.main_address
            before = self._interface
            self._interface = read_lan_interface(conf.device, main.ip, main.prefix, now)
            if is_elsewhere(before, self._interface):
                self._came_back(now)
            self._own_macs = own_macs()
        policy = self._policy()
        seen = sign(
            self._interface,
            self._hosts,
            policy,
            heard=now - self._heard_at < _HEARD_LATELY,
            peer_cut_off=self._peer_is_cut_off(now),
        )
        was_cut = self._state.cut
        self._state = follow(self._state, seen, policy, now)
        if was_cut and not self._state.cut:
            self._came_back(now)
        self._write(self._state.reading)
        if why := self._why_no_call():
            self._see_calls(Unknown(why, now))

    def _came_back(self, now: float) -> None:
        self._observations.lan_back_at = now
        self._observations.notify_changed()

    # -- the hosts ------------------------------------------------------------------------------------------

    async def _ask_hosts(self) -> None:
        while True:
            self._take_round()
            if self._claim_is_over():
                self._observations.claim_over_at = self._clock.now()
                self._observations.notify_changed()
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
        # A network that cannot be asked tells nothing of an address elsewhere; what is lost is told as the LAN.
        here = self._here()
        # Who had an address before it came here, or before it went, is no answer to the question of now.
        still = here == self._was_here
        self._was_here = here
        self._holders = {
            ip: observe(self._holder(ip), self._answer(ip, now), policy)
            for ip in self._cluster_ips() & self._asked
            if still
        }
        self._follow_duplicate()
        self._heard.clear()

    def _cluster_ips(self) -> frozenset[str]:
        return frozenset(address.ip for address in self._this_node.conf.addresses)

    def _here(self) -> frozenset[str]:
        """Return those of the cluster's addresses that are here."""
        if not is_known(self._observations.address, True):
            return frozenset()
        return self._cluster_ips() - {*self._observations.address_missing.split(", ")}

    def _holder(self, ip: str) -> ProbeRecord:
        return self._holders.get(ip, ProbeRecord())

    def _answer(self, ip: str, now: float) -> Reading[str]:
        mac = self._heard.get(ip)
        return (
            Unknown("it does not answer ARP or neighbour discovery", now) if mac is None else Known(mac, now)
        )

    def _follow_duplicate(self) -> None:
        """Follow who else has an address that is here; it ends when the other answers no more.

        One answer proves nothing: the peer's last one may be on its way while it gives the address up.
        """
        policy, observations = self._this_node.probe_policy, self._observations
        here = self._here()
        if observations.report is not None:
            observations.peer_mac = self._macs.get(observations.report.lan_address, observations.peer_mac)
        before = observations.duplicate
        elsewhere = [
            ip
            for ip, holder in self._holders.items()
            if ip in here and (holder.answers >= policy.rise or (before and answers(holder, policy)))
        ]
        mac = self._mac_of_holder(min(elsewhere)) if elsewhere else before
        observations.duplicate = mac if elsewhere else ""
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

    def _mac_of_holder(self, ip: str) -> str:
        return self._heard.get(ip, self._macs.get(ip, ""))

    def _ask(self) -> None:
        """Ask every host, those that answer by themselves and the others by broadcast."""
        interface = self._interface
        self._asked = frozenset()
        if not (isinstance(interface, Known) and interface.value.up and interface.value.carrier):
            self._close_links()
            return
        here = self._here()
        try:
            for host in self._hosts:
                known = answers(self._hosts[host], self._this_node.probe_policy)
                own = own_address_of(interface, self._address_beside(host))
                self._link_to(host).ask(host, own, self._macs.get(host, "") if known else "")
            for ip in self._cluster_ips():
                # An address that is here is asked for without naming a sender, as RFC 5227 has it.
                self._link_to(ip).ask(ip, "" if ip in here else own_address_of(interface, ip))
        except HostError:
            self._close_links()
            return
        self._asked = frozenset(self._hosts) | self._cluster_ips()

    def _address_beside(self, host: str) -> str:
        """Return the cluster's address of the family of `host`, the main one where there is no such."""
        conf = self._this_node.conf
        beside = (each.ip for each in conf.addresses if version_of(each.ip) == version_of(host))
        return next(beside, conf.main_address.ip)

    def _wanted(self) -> frozenset[str]:
        """Return the hosts to be asked: those of HAPING, and the peer where it says it is, if that is on this LAN.

        A peer that says that it is cut off is not asked: its silence proves nothing of this node.
        """
        conf, report = self._this_node.conf, self._observations.report
        not_others = {self._observations.lan_address, *self._cluster_ips()}
        hosts = {*conf.ping} - not_others
        peer = report.lan_address if report is not None else ""
        if self._peer_is_cut_off(self._clock.now()):
            peer = ""
        if peer and any(in_subnet(peer, address.ip, address.prefix) for address in conf.addresses):
            hosts |= {peer} - not_others
        return frozenset(hosts)

    def _peer_is_cut_off(self, now: float) -> bool:
        report, max_age = self._observations.report, self._this_node.conf.peer_max_age
        return report is not None and is_known(fresh(report.lan, now, max_age), False)

    def _link_to(self, ip: str) -> NeighbourLink:
        """Return the open link for the family of `ip`. Raises HostError."""
        version = version_of(ip)
        if version not in self._links:
            link = open_link(self._this_node.conf.device, ip)
            self._links[version] = link, Readable(link.fileno(), self._hear)
        return self._links[version][0]

    def _close_links(self) -> None:
        for link, ready in self._links.values():
            ready.close()
            link.close()
        self._links.clear()

    def _hear(self) -> None:
        try:
            sightings = [seen for link, _ in self._links.values() for seen in link.heard()]
        except HostError:
            self._close_links()  # the interface went away; the next round opens what is there then
            return
        cluster_ips = self._cluster_ips()
        for seen in sightings:
            ip, mac = seen.sender_ip, seen.sender_mac.hex(":")
            if mac in self._own_macs:
                continue
            self._heard_at = self._clock.now()
            if ip in cluster_ips:
                self._claimed_at = self._heard_at
            if seen.reply if ip in cluster_ips else ip in self._asked:
                self._heard[ip] = self._macs[ip] = mac

    # -- the telephone --------------------------------------------------------------------------------------

    async def _be_telephone(self) -> None:
        while True:
            await self._call()
            calm = self._sip and all(record.answers for record in self._sip.values())
            await self._pause(until_beat(_CALL_AGAIN if calm else LAN_ROUND))

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the line moves: then whether the other node still answers says why (core/prepared_start.py)."""
        line_moved = self._observations.line_moved
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await line_moved.wait()
        line_moved.clear()

    async def _call(self) -> None:
        """Try each of the cluster's addresses once, as a telephone does, if they are not here.

        One in whose subnet this node has no address of its own cannot be tried, which is no silence of who has it.
        """
        if self._why_no_call():
            self._sip.clear()
            return
        ips = [address.ip for address in self._this_node.conf.addresses]
        tried = {ip: own for ip in ips if (own := own_address_of(self._interface, ip))}
        found = await asyncio.gather(*(self._try(ip, own) for ip, own in tried.items()))
        policy = self._this_node.probe_policy
        self._sip = {
            ip: observe(self._sip.get(ip, ProbeRecord()), answer, policy)
            for ip, answer in zip(tried, found, strict=True)
        }
        self._answered |= {
            ip: answer.at for ip, answer in zip(tried, found, strict=True) if isinstance(answer, Known)
        }
        if not self._why_no_call():  # else the address has come here meanwhile
            self._see_calls(*of_any([self._judge(ip) for ip in ips]))

    async def _try(self, ip: str, own: str) -> Reading[str]:
        conf = self._this_node.conf
        probe = SipProbe(conf.sip_port, unhurried(conf.probe_deadline), host=ip, own=own, device=conf.device)
        return await probe.ask(self._clock.now)

    def _judge(self, ip: str) -> Reading[bool]:
        if ip not in self._sip:
            why = f"this node has no address of its own in the subnet of {ip}, so it cannot try that"
            return Unknown(why, self._clock.now())
        holder = self._mac_of_holder(ip) if answers(self._holder(ip), self._this_node.probe_policy) else ""
        policy = changed(self._policy(), cluster_ip=ip)
        now = self._clock.now()
        answered_at = self._answered.get(ip, now)
        return judge_calls(
            self._observations.lan, holder, self._sip[ip], policy, now, answered_at=answered_at
        )

    def _why_no_call(self) -> str:
        conf, observations = self._this_node.conf, self._observations
        if not conf.addresses:
            return NO_ADDRESS_SET
        if not conf.sip_port:
            return "SIP is not tried (SIPPORT=0)"
        if not is_known(observations.address, False):
            return "the node that has the cluster address does not try it: the other one does"
        return "" if observations.lan_address else "this node has no address of its own on the LAN"

    def _see_calls(self, reading: Reading[bool], missing: str = "") -> None:
        observations = self._observations
        before = (_value(observations.calls), observations.calls_missing)
        observations.calls, observations.calls_missing = reading, missing
        if before != (_value(reading), missing):
            observations.notify_changed()

    # -- the board ------------------------------------------------------------------------------------------

    def _policy(self) -> LanPolicy:
        conf = self._this_node.conf
        main = conf.main_address.ip
        return LanPolicy(main, conf.lan_dwell, self._this_node.probe_policy, frozenset(conf.ping))

    def _write(self, reading: Reading[bool]) -> None:
        observations, cluster_ip = self._observations, self._this_node.conf.main_address.ip
        wrong = self._why_not_settable()
        before = (_value(observations.lan), observations.not_settable)
        observations.lan, observations.not_settable = reading, wrong
        observations.lan_address = own_address_of(self._interface, cluster_ip)
        if before == (_value(reading), wrong):
            return
        if before[0] is not _value(reading):
            says = reading.reason if isinstance(reading, Unknown) else reading.why
            self._journal.note("lan", reached=_value(reading), why=says)
        observations.notify_changed()

    def _why_not_settable(self) -> str:
        """Return why one of the cluster's addresses could not be set here, with which no service would begin here."""
        whys = (why_not_settable(self._interface, each.ip) for each in self._this_node.conf.addresses)
        return next(filter(None, whys), "")


def _value(reading: Reading[bool]) -> bool | None:
    return reading.value if isinstance(reading, Known) else None
