"""The status document: everything the agent knows, for people and for machines alike."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

from appliance import __version__
from appliance.agent.cycle import Cycle
from appliance.agent.site import Site
from appliance.agent.span_report import probes_status, spans_status
from appliance.agent.world import World
from appliance.core.health import silent_probes
from appliance.core.maintenance import problem as maintenance_problem
from appliance.core.model import DChannel, Pbx
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState
from appliance.core.status import (
    AddressStatus,
    EngineStatus,
    NodeNames,
    PbxStatus,
    PeerStatus,
    RelayStatus,
    Status,
    StatusValue,
    TransferStatus,
)
from appliance.core.transfer import Seen, Transfer

_NO_WORD = {
    Pbx.DEAD: "Asterisk does not run",
    Pbx.STARTING: "Asterisk is starting",
    Pbx.HUNG: "Asterisk does not answer",
}


def node_status(site: Site, world: World, cycle: Cycle, now: float) -> Status:
    """Return what the agent's own turn knows; the rooms add theirs (see `Room.report`)."""
    state, seen = cycle.state, cycle.seen(now)
    unfit = cycle.unfit(now)
    return Status(
        version=__version__,
        node=site.node.value,
        names=NodeNames(site.conf.primary_name, site.conf.secondary_name),
        role=state.role.value,
        headline=_headline(site, world, state, now),
        granted=state.grant.held,
        generation=state.grant.generation,
        fit=not unfit,
        unfit_because=tuple(unfit),
        problems=_problems(world, cycle, seen),
        trouble=_trouble(state),
        ungranted=_runs_ungranted(state, seen),
        engine=EngineStatus(
            running=_said(world.engine),
            holds=_said(world.engine_holds),
            waits_another=_wait(site, world, state, now),
        ),
        peer=_peer(site, world, seen, now),
        address=AddressStatus(site.conf.cluster_ip, _said(world.address), world.duplicate),
        relay=RelayStatus(
            card=_said(world.card) if site.has_card else None,
            place=world.card_place,
            commanded=_said(seen.commanded) if site.has_card else None,
        ),
        line=_said(seen.line) if site.transfer_policy.has_line else None,
        dchannel=_said(_dchannel(site, seen)),
        spans=spans_status(site, world, now),
        probes=probes_status(site, world),
        pbx=PbxStatus(_said(seen.pbx), world.pid, tuple(silent_probes(world.probes))),
        transfer=_transfer(state.transfer, now),
        busy=tuple(sorted(order.value for order in seen.busy)),
        maintenance=cycle.maintenance.status(),
    )


def _said(reading: Reading[Any]) -> StatusValue[Any]:
    """Return a reading as the status has it: its value with what is behind it, or why it is unknown."""
    if isinstance(reading, Known):
        value = reading.value.value if isinstance(reading.value, enum.Enum) else reading.value
        return StatusValue(value, reading.why)
    return StatusValue(None, reading.reason)


def _dchannel(site: Site, seen: Seen) -> Reading[DChannel]:
    """Return the D-channel as far as it can be seen now: only an Asterisk that answers tells of it.

    The last reading of an Asterisk that hangs, or of an earlier one, is not shown as if it were true.
    """
    if not site.transfer_policy.has_line:
        return Unknown("no line is watched on this node", seen.dchannel.at)
    if isinstance(seen.pbx, Unknown):
        return Unknown(f"it is not known whether Asterisk runs: {seen.pbx.reason}", seen.pbx.at)
    why = _NO_WORD.get(seen.pbx.value)
    return seen.dchannel if why is None else Unknown(why, seen.pbx.at)


def _peer(site: Site, world: World, seen: Seen, now: float) -> PeerStatus:
    known = PeerStatus(
        node=site.node.other.value,
        name=site.peer_name,
        alive=_said(seen.peer.alive),
        fit=_said(seen.peer.fit),
        unfit_because=seen.peer.unfit_because,
        granted=_said(seen.peer.granted),
        line=_said(seen.peer.line),
        relay=_said(seen.peer.relay),
        maintenance=_said(world.peer_maintenance(now, site.conf.peer_max_age)).value,
        links=dict(world.links),
    )
    report = world.report
    if report is None:
        return known
    return replace(
        known,
        role=report.role,
        generation=report.generation,
        version=report.version,
        data_age=report.data_age,
        heard=round(now - report.at, 1),
    )


def _transfer(transfer: Transfer | None, now: float) -> TransferStatus | None:
    if transfer is None:
        return None
    return TransferStatus(
        goal=transfer.goal.value,
        phase=transfer.phase.value,
        note=transfer.note,
        reason=transfer.reason,
        generation=transfer.generation,
        began=round(now - transfer.began, 3),
        since=round(now - transfer.since, 3),
    )


def _wait(site: Site, world: World, state: ServiceState, now: float) -> float | None:
    """Return the seconds until a node that waits for its peer goes on alone (initdead), or None."""
    if state.role is not Role.WAITING or world.engine_since is None:
        return None
    return max(0.0, round(site.conf.initdead - (now - world.engine_since), 1))


def _headline(site: Site, world: World, state: ServiceState, now: float) -> str:
    name = site.node.value
    match state.role:
        case Role.OFF:
            return f"This node ({name}) is off: the HA engine does not run."
        case Role.WAITING:
            left = _wait(site, world, state, now)
            return f"This node ({name}) waits for its peer, at most {left:.0f} s more; then it goes on alone."
        case Role.STANDBY:
            return f"This node ({name}) stands by."
        case Role.ACTIVE:
            return f"This node ({name}) is active: {_note(state)}."
        case Role.ACQUIRING:
            return f"This node ({name}) is taking service: {_note(state)}."
        case _:
            return f"This node ({name}) is letting go: {_note(state)}."


def _note(state: ServiceState) -> str:
    transfer = state.transfer
    return (transfer.note or transfer.phase.value) if transfer is not None else "nothing under way"


def _problems(world: World, cycle: Cycle, seen: Seen) -> tuple[str, ...]:
    found, state = [], cycle.state
    transfer = state.transfer
    if transfer is not None and transfer.phase.value in ("blocked", "unverifiable"):
        found.append(transfer.note)
    if trouble := _trouble(state):
        found.append(trouble)
    if _runs_ungranted(state, seen):
        found.append("Asterisk runs on a node that holds no grant: stop it, it must never run on both")
    if maintenance := cycle.maintenance.status():
        found.append(maintenance_problem(maintenance))
    if world.duplicate:
        found.append(f"the cluster address is also at {world.duplicate}")
    down = [name for name, state in world.links.items() if state != "up"]
    if down:
        found.append(f"Heartbeat link down: {', '.join(down)}")
    return tuple(dict.fromkeys(found))


def _trouble(state: ServiceState) -> str:
    """Return what a serving node is about to act on or can do nothing about; "" on any other node."""
    return state.decision.reason if state.role.holds else ""


def _runs_ungranted(state: ServiceState, seen: Seen) -> bool:
    waits = state.role in (Role.WAITING, Role.STANDBY) and not state.handing_over_since
    return waits and isinstance(seen.pbx, Known) and seen.pbx.value.process_alive
