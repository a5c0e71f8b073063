"""What a node in virtual time tells people: the shipped rules of alerts, over the part of the status that it has."""

from __future__ import annotations

from appliance.core import cluster_address
from appliance.core.alert_rules import problems
from appliance.core.alerts import AlertKind, Severity
from appliance.core.model import Node, Pbx
from appliance.core.pair_watch import rule_of
from appliance.core.reading import Known, Reading
from appliance.core.roles import Role
from appliance.core.status import (
    AddressStatus,
    EngineStatus,
    LanStatus,
    PairFaultStatus,
    PeerStatus,
    RelayStatus,
    Status,
    StatusValue,
    TransferStatus,
)
from appliance.core.stray import Strays
from hwsim.virtual.node import Agent

# They tell of something else than of service at the telephones.
_BESIDE = frozenset({AlertKind.PEER_LOST, AlertKind.CARD_LOST})


def says_nobody_serves(agent: Agent) -> bool:
    """Tell whether the node has an alert out that names why service is not as it should be."""
    return bool(alerts(agent) - _BESIDE)


def says_two_may_serve(agent: Agent) -> bool:
    """Tell whether the node has an alert out from which people learn that both nodes may serve."""
    return bool(alerts(agent))


def alerts(agent: Agent) -> frozenset[AlertKind]:
    """Return the kinds of the critical alerts that the node has out now."""
    return frozenset(
        found.alert.kind for found in problems(_status(agent)) if found.alert.severity is Severity.CRITICAL
    )


def _status(agent: Agent) -> Status:
    state, seen, transfer = agent.state, agent.seen(), agent.transfer
    waits = state.role in (Role.WAITING, Role.STANDBY) and state.handing_over_since is None
    shown = None
    if transfer is not None:
        shown = TransferStatus(transfer.goal.value, transfer.phase.value, transfer.note, transfer.reason)
    primary = agent.this_node.node is Node.PRIMARY
    return Status(
        node=agent.this_node.node.value,
        role=state.role.value,
        fit=not agent.fitness(seen).unfit,
        trouble=state.decision.reason if state.role.holds else "",
        strays=Strays(running=waits and isinstance(seen.pbx, Known) and seen.pbx.value is not Pbx.DEAD),
        address=AddressStatus(
            duplicate="the other node" if agent.lan.duplicate else "", trouble=_address(agent)
        ),
        lan=LanStatus(reached=_value(seen.lan), calls=_value(seen.calls)),
        engine=EngineStatus(lost=state.engine_lost),
        peer=PeerStatus(
            node=agent.this_node.node.other.value,
            alive=_value(seen.peer.alive),
            fit=_value(seen.peer.fit),
            granted=_value(seen.peer.granted),
            lan=_value(seen.peer.lan),
            calls=_value(seen.peer.calls),
            hears_us=_value(agent.hears_us),
        ),
        relay=RelayStatus(card=_value(seen.card) if primary else None),
        transfer=shown,
        pair=tuple(
            PairFaultStatus(one.fault.value, overdue=one.is_overdue(agent.now), says=rule_of(one.fault).says)
            for one in state.faults
        ),
    )


def _address(agent: Agent) -> str:
    transfer = agent.transfer if agent.role.holds else None
    return "" if transfer is None else cluster_address.trouble(transfer, agent.seen(), agent.now)


def _value(reading: Reading[bool]) -> StatusValue[bool]:
    return StatusValue(reading.value if isinstance(reading, Known) else None)
