"""What a node sees of the LAN in virtual time: the shipped judgement, over what the cables and the other node show.

HAPING names a gateway at the switch. A host is asked once a round; what the rounds have come to follows from how long
it has answered, or has not, so that nothing need happen in a quiet hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from appliance.core.health import ProbePolicy, ProbeRecord
from appliance.core.lan import (
    LanInterface,
    LanPolicy,
    LanSign,
    LanState,
    answers,
    follow,
    judge_calls,
    sign,
    why_not_settable,
)
from appliance.core.model import Node, Pbx
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.timing import LAN_ROUND
from hwsim.virtual.links import LAN_OF, Links
from hwsim.virtual.metal import Server

_CLUSTER_IP, _OWN_IP, _GATEWAY = "192.0.2.10", "192.0.2.11", "192.0.2.1"
_PROBES = ProbePolicy(rise=2, fall=3, dwell=2.0)  # PROBERISE, PROBEFALL and the seconds between them
_POLICY = LanPolicy(_CLUSTER_IP, dwell=5.0, probe=_PROBES, named=frozenset({_GATEWAY}))
_HERE = Unknown("the node that has the cluster address does not try it: the other one does", 0.0)
_UNSEEN = Unknown("not checked yet", 0.0)


class LanFacts(NamedTuple):
    """What is true of the LAN at one node.

    `there`: it has its interface, under its name. `carrier`: that has one. `gateway`: a host of the LAN hears it and is
    heard. `elsewhere`: the other node answers for the cluster address. `sip`: its Asterisk answers there. `here`: this
    node has the address.
    """

    there: bool
    carrier: bool
    gateway: bool
    elsewhere: bool
    sip: bool
    here: bool


def facts_of(node: Node, servers: Mapping[Node, Server], links: Links) -> LanFacts:
    """Return what is true of the LAN at `node`."""
    reach, other = links.phones_reach(node), servers[node.other]
    elsewhere = reach and other.address and other.runs and links.phones_reach(node.other)
    cut = bool(links.dead) and all((LAN_OF[node], towards) in links.dead for towards in Node)
    sip = elsewhere and other.pbx.state is Pbx.RUNNING
    there, here = not servers[node].renamed, servers[node].address
    return LanFacts(there, links.switch and not cut, reach, elsewhere, sip, here)


@dataclass
class Asked:
    """A host that is asked once a round: whether it answers, since when, and whether it ever has."""

    answering: bool | None = None
    since: float = 0.0
    ever: bool = False

    def record(self, *, answering: bool, now: float) -> ProbeRecord:
        """Return what the rounds have come to by now: the first one, or as many as make a difference."""
        if answering is not self.answering:
            self.answering, self.since = answering, now
        self.ever = self.ever or answering
        enough = _PROBES.rise if answering else _PROBES.fall
        rounds = enough if now - self.since >= (enough - 1) * LAN_ROUND else 1
        return _record(self.ever, rounds if answering else 0, 0 if answering else rounds)


@cache
def _record(ever: bool, answers: int, silences: int) -> ProbeRecord:
    return ProbeRecord(ever, answers, silences)


@cache
def _interface(there: bool, carrier: bool) -> Reading[LanInterface]:
    return Known(
        LanInterface("eth0", there, there, there and carrier, ((_OWN_IP, 24),) if there else ()), 0.0
    )


@cache
def _sign(there: bool, carrier: bool, gateway: ProbeRecord) -> LanSign:
    """Return what a look at the interface, and at the gateway as it has answered, amounts to."""
    return sign(_interface(there, carrier), {_GATEWAY: gateway}, _POLICY)


@dataclass
class LanSight:
    """The LAN's sensor of one agent's life. `duplicate`: the other node answers for an address that is here.

    `not_settable`: why the cluster address could not be set here; "" when nothing is known against it.
    """

    state: LanState = field(default_factory=LanState)
    calls: Reading[bool] = _UNSEEN
    duplicate: bool = False
    not_settable: str = ""
    _gateway: Asked = field(default_factory=Asked)
    _holder: Asked = field(default_factory=Asked)
    _sip: Asked = field(default_factory=Asked)
    _was_here: bool | None = None

    @property
    def lan(self) -> Reading[bool]:
        """Whether the LAN is reached."""
        return self.state.reading

    @property
    def since(self) -> tuple[float, ...]:
        """Since when each thing has been seen as it is; a time of the very turn notes no deadline (see `now.py`)."""
        return (self.state.since, self._gateway.since, self._holder.since, self._sip.since)

    def look(self, true: LanFacts, now: float) -> None:
        """Judge what is true by now, after so many rounds of it."""
        gateway = self._gateway.record(answering=true.gateway, now=now)
        seen = _sign(true.there, true.carrier, gateway)
        self.not_settable = why_not_settable(_interface(true.there, true.carrier), _CLUSTER_IP)
        self.state = follow(self.state, seen, _POLICY, now)
        if true.here is not self._was_here:
            self._was_here, self._holder, self._sip = true.here, Asked(), Asked()
        holder = self._holder.record(answering=true.elsewhere, now=now)
        still = self.duplicate and answers(holder, _PROBES)
        self.duplicate = true.here and (holder.answers >= _PROBES.rise or still)
        if true.here:
            self.calls = _HERE
        else:
            sip = self._sip.record(answering=true.sip, now=now)
            mac = "the other node" if answers(holder, _PROBES) else ""
            # It is asked when the line moves too (appliance/agent/sensors/lan.py), which is when this counts.
            answered_at = now if true.sip else self._sip.since
            self.calls = judge_calls(self.lan, mac, sip, _POLICY, now, answered_at=answered_at)
