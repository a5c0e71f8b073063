"""The LAN as an input: whether this node reaches it, and whether a telephone on it could call.

Two judgements, both without I/O. `sign` says what one look at the interface and at the hosts that were asked amounts
to; `follow` makes a reading of such signs that stand for a while:

- **Known, well**: somebody on the LAN answers, or was heard there a moment ago. So it is too when nobody but the peer
  could be asked and the peer says that it is cut off itself: then its silence says nothing against this node's carrier.
- **Known, cut**: the interface is missing, down, without carrier or without an address in the cluster address's subnet;
  or every host of HAPING is silent and so is the peer.
- **Unknown**: the carrier is up and nobody is heard, while HAPING names nobody. That may be a cut behind the next
  switch, or a peer that is off on an empty LAN.

One silent host is no cut LAN while another answers. A cut counts once it has stood for LANDWELL, and so does its end:
a switch that restarts takes the carrier from both nodes and gives it back to one of them first.

`judge_calls` is the view of a telephone (design rule 12): the node that has not got the cluster address asks who has
it, and whether SIP answers there. What the active node believes of itself is no proof of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.core.health import ProbePolicy, ProbeRecord
from appliance.core.ip_address import in_subnet, version_of
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.values import changed

# Seconds after which a look at the LAN, which is taken once a second, counts as none.
LAN_MAX_AGE = 10.0
_UNSEEN = Unknown("not checked yet", 0.0)


@dataclass(frozen=True, slots=True)
class LanInterface:
    """The interface that carries the cluster address, as the kernel has it.

    `addresses`: its addresses of both families, each with its prefix length. `elsewhere`: the name of another interface
    that has an address in the cluster address's subnet, which this one has not; "" when there is none. `ipv6`: the
    kernel sets addresses of IPv6 on it. `mac`: its hardware address, "" when not known.
    """

    device: str
    exists: bool
    up: bool = False
    carrier: bool = False
    addresses: tuple[tuple[str, int], ...] = ()
    elsewhere: str = ""
    ipv6: bool = True
    mac: str = ""


@dataclass(frozen=True, slots=True)
class LanPolicy:
    """What the conf file says: the cluster address, the dwell in seconds, and a host's rise and fall.

    `named`: the hosts of HAPING.
    """

    cluster_ip: str
    dwell: float
    probe: ProbePolicy
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LanSign:
    """What one look amounts to. `well`: the LAN is reached (True), it is not (False), or that cannot be told (None)."""

    well: bool | None
    why: str


@dataclass(frozen=True, slots=True)
class LanState:
    """What is known of the LAN: the reading, and since when the last sign has been what it is (monotonic seconds).

    `cut`: the LAN was known to be cut, and has not been known to be well since.
    """

    reading: Reading[bool] = _UNSEEN
    well: bool | None = None
    since: float = 0.0
    cut: bool = False


def sign(
    interface: Reading[LanInterface],
    hosts: Mapping[str, ProbeRecord],
    policy: LanPolicy,
    *,
    heard: bool = False,
    peer_cut_off: bool = False,
) -> LanSign:
    """Return what a look amounts to.

    Args:
        interface: What the kernel says of the LAN's interface.
        hosts: By address, how each host that was asked has answered.
        policy: What the conf file says.
        heard: Some other machine was heard on the LAN a moment ago, whoever it was.
        peer_cut_off: The peer, which is not asked then, says that it is cut off itself.
    """
    if isinstance(interface, Unknown):
        return LanSign(None, interface.reason)
    if why := _why_dead(interface.value, policy.cluster_ip):
        return LanSign(False, why)
    if why := _why_reached(interface.value, hosts, policy, heard=heard, peer_cut_off=peer_cut_off):
        return LanSign(True, why)
    if policy.named and all(record.silences >= policy.probe.fall for record in hosts.values()):
        return LanSign(False, f"on {interface.value.device} nobody answers: {', '.join(sorted(hosts))}")
    return LanSign(None, _why_unknown(interface.value.device, hosts, policy))


def follow(state: LanState, seen: LanSign, policy: LanPolicy, now: float) -> LanState:
    """Return the state after one more sign. A cut, and the end of a cut, count once they have stood for the dwell."""
    since = state.since if seen.well is state.well else now
    stands = now - since >= policy.dwell
    after = changed(state, well=seen.well, since=since)
    if seen.well is None:
        return changed(after, reading=Unknown(seen.why, now))
    if stands or (seen.well and not state.cut):
        return changed(after, reading=Known(seen.well, now, seen.why), cut=not seen.well)
    waits = f"{seen.why}, for less than LANDWELL ({policy.dwell:g} s)"
    return changed(after, reading=Unknown(waits, now))


def is_elsewhere(before: Reading[LanInterface], after: Reading[LanInterface]) -> bool:
    """Tell whether switches and telephones may have to learn anew where this node is on the LAN.

    So it is when the interface has carrier, and had none before or another hardware address, as a bond may when another
    of its slaves takes over (fail_over_mac). Of what could not be looked at nothing is known.
    """
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return False
    return _carries(after.value) and not (_carries(before.value) and before.value.mac == after.value.mac)


def why_not_settable(interface: Reading[LanInterface], cluster_ip: str) -> str:
    """Return why the engine, or asha, could not or must not put a cluster address on the interface; "" when it could.

    One of IPv4 needs another address of its subnet there first: the first address of a subnet becomes the source of
    everything that is sent, and takes the others with it when Heartbeat removes it. One of IPv6 is never a source, and
    a node whose own address comes from a router may lose that for a while: it is refused only where IPv6 is off. An
    interface that cannot be looked at is not known to be wrong.
    """
    if isinstance(interface, Unknown) or not cluster_ip:
        return ""
    lan = interface.value
    if not lan.exists:
        return _why_missing(lan)
    if version_of(cluster_ip) == 6:
        off = f"IPv6 is off on {lan.device}, so {cluster_ip} cannot be set there"
        return "" if lan.ipv6 else f"{off}: see net.ipv6.conf.{lan.device}.disable_ipv6, HADEV, HACLUSTERIP6"
    if own_address_of(interface, cluster_ip):
        return ""
    others = [one for one in lan.addresses if one[0] != cluster_ip and version_of(one[0]) == 4]
    has = ", ".join(f"{ip}/{prefix}" for ip, prefix in others) or "none at all"
    return f"{lan.device} has no address of its own whose subnet holds {cluster_ip} ({has}): see HADEV, HACLUSTERIP"


def judge_calls(
    lan: Reading[bool], holder: str, sip: ProbeRecord, policy: LanPolicy, now: float, *, answered_at: float
) -> Reading[bool]:
    """Return whether a telephone could call through the cluster address, as seen from a node that has not got it.

    Args:
        lan: Whether this node reaches the LAN: one that does not sees nothing of the service.
        holder: The hardware address that answers for the cluster address; "" when none does.
        sip: How SIP at the cluster address has answered.
        policy: What the conf file says.
        now: Monotonic seconds.
        answered_at: When SIP last answered there, which is from when a yes is; in monotonic seconds.
    """
    where = f"{policy.cluster_ip} at {holder}" if holder else policy.cluster_ip
    if answers(sip, policy.probe):
        return Known(True, answered_at, f"SIP answers on {where}: {sip.last}")
    if not is_known(lan, True):
        return Unknown("this node is not known to reach the LAN, so it cannot try", now)
    if sip.silences < policy.probe.fall:
        return Unknown("it was not tried often enough yet", now)
    if not holder:
        return Known(False, now, f"nobody on the LAN has {policy.cluster_ip}")
    return Known(False, now, f"SIP does not answer on {where}: {sip.last}")


def of_any(readings: Sequence[Reading[bool]]) -> tuple[Reading[bool], str]:
    """Return whether a telephone could call at one of the cluster's addresses, and why at another it could not.

    `readings`: what `judge_calls` says of each address, one at least. A node that serves telephones at one address
    serves: the other node must not take it for one that is down. The second value is "" when none is known to be dead
    that the first does not tell of: people are told of a dead one, although nobody knows of another.
    """
    yes = next((reading for reading in readings if is_known(reading, True)), None)
    no = next((reading for reading in readings if is_known(reading, False)), None)
    unknown = next((reading for reading in readings if isinstance(reading, Unknown)), None)
    whole = yes or unknown or readings[0]
    return whole, no.why if isinstance(no, Known) and whole is not no else ""


def own_address_of(interface: Reading[LanInterface], cluster_ip: str) -> str:
    """Return the first address of the interface in whose subnet the cluster address is; "" when there is none."""
    addresses = interface.value.addresses if isinstance(interface, Known) else ()
    own = (ip for ip, prefix in addresses if ip != cluster_ip and in_subnet(ip, cluster_ip, prefix))
    return next(own, "")


def answers(record: ProbeRecord, policy: ProbePolicy) -> bool:
    """Tell whether a host answers: it has done so often enough, and has not been silent often enough since."""
    return record.answers >= policy.rise or (record.ever_answered and 0 < record.silences < policy.fall)


def _carries(lan: LanInterface) -> bool:
    return lan.exists and lan.up and lan.carrier


def _why_dead(lan: LanInterface, cluster_ip: str) -> str:
    if not lan.exists:
        return _why_missing(lan)
    if not lan.up:
        return f"{lan.device} is down"
    if not lan.carrier:
        return f"{lan.device} has no carrier: see its cable and the switch"
    if not any(ip == cluster_ip or in_subnet(ip, cluster_ip, prefix) for ip, prefix in lan.addresses):
        return f"{lan.device} has no address in the subnet of {cluster_ip}"
    return ""


def _why_reached(
    lan: LanInterface, hosts: Mapping[str, ProbeRecord], policy: LanPolicy, *, heard: bool, peer_cut_off: bool
) -> str:
    answering = sorted(host for host, record in hosts.items() if answers(record, policy.probe))
    if answering:
        return f"{', '.join(answering)} answered"
    if heard:
        return "another machine was heard on it"
    alone = peer_cut_off and not hosts
    return f"{lan.device} has carrier, and the other node is cut off itself" if alone else ""


def _why_missing(lan: LanInterface) -> str:
    renamed = f"; {lan.elsewhere} has an address of that LAN: was it renamed?" if lan.elsewhere else ""
    return f"there is no network interface {lan.device} (HADEV){renamed}"


def _why_unknown(device: str, hosts: Mapping[str, ProbeRecord], policy: LanPolicy) -> str:
    if any(record.silences < policy.probe.fall for record in hosts.values()):
        return "the hosts on the LAN were not asked often enough yet"
    asked = f"{', '.join(sorted(hosts))} does not answer" if hosts else "there is nobody to ask"
    return f"{device} has carrier and {asked}: HAPING names hosts that are always there"
