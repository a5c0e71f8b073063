"""The status document: everything the agent knows, for people and for machines alike."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from appliance import __version__
from appliance.agent.cycle import Cycle
from appliance.agent.observations import Observations
from appliance.agent.this_node import ThisNode
from appliance.core import cluster_address, relay_position
from appliance.core.engine_traits import ENGINE
from appliance.core.health import KEPT_OFF_REMEDY, kept_off_in_words, silent_probes
from appliance.core.lost_request import minutes_of_both
from appliance.core.maintenance import problem as maintenance_problem
from appliance.core.model import DChannel, Pbx
from appliance.core.move_limit import reached, says
from appliance.core.pair_watch import StandingFault, in_words, rule_of
from appliance.core.peer_hearing import one_way
from appliance.core.reading import Known, Reading, Unknown, fresh, is_known
from appliance.core.relay_facts import ReadBack, evidence_of
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState
from appliance.core.status import (
    AddressStatus,
    EngineStatus,
    LanStatus,
    MovesStatus,
    NodeNames,
    PairFaultStatus,
    PbxStatus,
    PeerStatus,
    ProbeStatus,
    RelayStatus,
    SpanStatus,
    Status,
    StatusValue,
    TransferStatus,
)
from appliance.core.stray import STRAY_DWELL, Strays, persistence, presence, recent
from appliance.core.transfer import Seen, Transfer
from appliance.dahdi.alarms import Alarm
from appliance.dahdi.line import line_of
from appliance.dahdi.span import Span
from appliance.pbx.probes import probe_names

# The parts of the status document about spans and probes.


# They are read every few seconds; older than this they are no longer shown as if they were true.
_MAX_AGE = 30.0


def spans_status(
    this_node: ThisNode, observations: Observations, now: float
) -> StatusValue[tuple[SpanStatus, ...]] | None:
    """Return every span of this node; None where there is no line at all."""
    if not this_node.transfer_policy.has_line:
        return None
    spans = fresh(observations.spans, now, _MAX_AGE)
    if isinstance(spans, Unknown):
        return StatusValue(None, spans.reason)
    return StatusValue(tuple(_span(span) for span in spans.value), "")


def _span(span: Span) -> SpanStatus:
    return SpanStatus(
        number=span.number,
        name=span.name,
        kind=span.hardware.value,
        alarms=tuple(str(alarm.name) for alarm in Alarm if alarm in span.alarms),
        line=line_of(span).value,
        channels=len(span.channels),
        in_use=sum(channel.in_use for channel in span.channels),
    )


def probes_status(this_node: ThisNode, observations: Observations) -> dict[str, ProbeStatus]:
    """Return each probe that is switched on: how long its last answer took, and why it is silent if it is."""
    return {name: _probe(observations, name) for name in probe_names(this_node.conf)}


def _probe(observations: Observations, name: str) -> ProbeStatus:
    record = observations.probes.get(name)
    if record is None or not (record.answers or record.silences):
        return ProbeStatus(None, 0, _not_asked(observations.process))
    why = record.last if record.silences else ""
    return ProbeStatus(milliseconds(observations.latency.get(name)), record.silences, why)


def _not_asked(process: Reading[bool]) -> str:
    if isinstance(process, Unknown):
        return f"it is not known whether Asterisk runs: {process.reason}"
    return "not asked yet" if process.value else "Asterisk does not run"


def milliseconds(seconds: float | None) -> float | None:
    """Return `seconds` in milliseconds, rounded to the hundredth; None for None."""
    return None if seconds is None else round(seconds * 1000, 2)


_NO_WORD = {
    Pbx.DEAD: "Asterisk does not run",
    Pbx.STARTING: "Asterisk is starting",
    Pbx.HUNG: "Asterisk does not answer",
}


def node_status(this_node: ThisNode, observations: Observations, cycle: Cycle, now: float) -> Status:
    """Return what the agent's own turn knows; the components add theirs (see `Component.report`)."""
    state, seen = cycle.state, cycle.seen(now)
    fitness = cycle.fitness(now)
    strays = _strays(observations, state, seen, now)
    peer = _peer(this_node, observations, seen, now)
    moves, kept_off = _moves(this_node, state, now), _kept_off(this_node, observations, now)
    return Status(
        version=__version__,
        node=this_node.node.value,
        names=NodeNames(this_node.conf.primary_name, this_node.conf.secondary_name),
        role=state.role.value,
        headline=_headline(this_node, observations, state, now),
        granted=state.grant.held,
        generation=state.grant.generation,
        fit=not fitness.unfit,
        unfit_because=fitness.unfit,
        doubts=fitness.doubts,
        problems=(
            *_problems(observations, cycle, seen, strays, now),
            *one_way(peer),
            *filter(None, [moves.says]),
            *([f"{kept_off}. {KEPT_OFF_REMEDY}"] if kept_off else ()),
        ),
        trouble=_trouble(state),
        ungranted=strays.running,
        strays=strays,
        engine=EngineStatus(
            running=_said(observations.engine),
            holds=_said(observations.engine_holds),
            waits_another=_wait(this_node, observations, state, now),
            lost=state.engine_lost,
            troubles=observations.engine_troubles,
            drops_requests=minutes_of_both(state, seen.peer, now),
        ),
        peer=peer,
        address=_address(this_node, observations, state, seen, now),
        lan=LanStatus(
            this_node.conf.device,
            observations.lan_address,
            reached=_said(seen.lan),
            calls=_said(seen.every_call),
        ),
        relay=_relay(this_node, observations, state, seen, now),
        line=_said(seen.line) if this_node.transfer_policy.has_line else None,
        dchannel=_said(_dchannel(this_node, seen)),
        spans=spans_status(this_node, observations, now),
        probes=probes_status(this_node, observations),
        pbx=PbxStatus(
            _said(seen.pbx),
            observations.pid,
            tuple(silent_probes(observations.probes)),
            kept_off,
        ),
        transfer=_transfer(state.transfer, now),
        busy=tuple(sorted(order.value for order in seen.busy)),
        maintenance=cycle.maintenance.status(),
        pair=tuple(_fault(one, now) for one in state.faults),
        moves=moves,
    )


def _relay(
    this_node: ThisNode, observations: Observations, state: ServiceState, seen: Seen, now: float
) -> RelayStatus:
    if not this_node.has_card:
        return RelayStatus(place=observations.card_place)
    conf = this_node.conf
    asked, driver = conf.relay_facts.read_back is not ReadBack.NONE, conf.relay_driver or conf.card_driver
    return RelayStatus(
        card=_said(observations.card),
        place=observations.card_place,
        commanded=_said(seen.commanded),
        driver=driver,
        title=conf.relay_facts.title,
        evidence=evidence_of(driver).value,
        register=_said(seen.contacts) if asked else None,
        asked=round(now - seen.contacts.at, 1) if isinstance(seen.contacts, Known) else None,
        put_right=state.position.times(now),
        trouble=relay_position.trouble(state.position, now),
    )


def _kept_off(this_node: ThisNode, observations: Observations, now: float) -> str:
    """Return that this node's questions by SIP do not reach Asterisk, for people; "" when they do."""
    kept = observations.kept_off(this_node.probe_policy, now)
    return kept_off_in_words(this_node.conf.sip_port) if kept else ""


def _moves(this_node: ThisNode, state: ServiceState, now: float) -> MovesStatus:
    limit, count = this_node.conf.move_limit, state.moves.count(now)
    wait = state.moves.failback_wait(this_node.conf.failback_wait, now)
    return MovesStatus(count, limit, reached(limit, count), says(limit, count), wait)


def _fault(fault: StandingFault, now: float) -> PairFaultStatus:
    rule = rule_of(fault.fault)
    return PairFaultStatus(
        fault=fault.fault.value,
        since=round(now - fault.first, 1),
        tried=fault.tried,
        overdue=fault.is_overdue(now),
        says=rule.says,
        todo=rule.todo,
    )


def _said(reading: Reading[Any]) -> StatusValue[Any]:
    """Return a reading as the status has it: its value with what is behind it, or why it is unknown."""
    if isinstance(reading, Known):
        value = reading.value.value if isinstance(reading.value, enum.Enum) else reading.value
        return StatusValue(value, reading.why)
    return StatusValue(None, reading.reason)


def _dchannel(this_node: ThisNode, seen: Seen) -> Reading[DChannel]:
    """Return the D-channel as far as it can be seen now: only an Asterisk that answers tells of it.

    The last reading of an Asterisk that hangs, or of an earlier one, is not shown as if it were true.
    """
    if not this_node.transfer_policy.has_line:
        return Unknown("no line is watched on this node", seen.dchannel.at)
    if isinstance(seen.pbx, Unknown):
        return Unknown(f"it is not known whether Asterisk runs: {seen.pbx.reason}", seen.pbx.at)
    why = _NO_WORD.get(seen.pbx.value)
    return seen.dchannel if why is None else Unknown(why, seen.pbx.at)


def _peer(this_node: ThisNode, observations: Observations, seen: Seen, now: float) -> PeerStatus:
    known = PeerStatus(
        node=this_node.node.other.value,
        name=this_node.peer_name,
        alive=_said(seen.peer.alive),
        fit=_said(seen.peer.fit),
        unfit_because=seen.peer.unfit_because,
        doubts=seen.peer.doubts,
        granted=_said(seen.peer.granted),
        line=_said(seen.peer.line),
        relay=_said(seen.peer.relay),
        lan=_said(seen.peer.lan),
        calls=_said(seen.peer.calls),
        maintenance=_said(observations.peer_maintenance(now, this_node.conf.peer_max_age)).value,
        links=dict(observations.links),
        hears_us=_said(observations.hears_us(now, this_node.conf.peer_max_age)),
    )
    report = observations.report
    if report is None:
        return known
    return known._replace(
        role=report.role,
        generation=report.generation,
        version=report.version,
        data_age=report.data_age,
        deaf_links=report.deaf_links if isinstance(seen.peer.granted, Known) else (),
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


def _wait(this_node: ThisNode, observations: Observations, state: ServiceState, now: float) -> float | None:
    """Return the seconds until a node that waits for its peer goes on alone (initdead), or None."""
    if state.role is not Role.WAITING or observations.engine_since is None:
        return None
    return max(0.0, round(this_node.conf.initdead - (now - observations.engine_since), 1))


def _headline(this_node: ThisNode, observations: Observations, state: ServiceState, now: float) -> str:
    name = this_node.node.value
    match state.role:
        case Role.OFF:
            return f"This node ({name}) is off: the HA engine does not run."
        case Role.WAITING:
            left = _wait(this_node, observations, state, now)
            return f"This node ({name}) waits for the other node, at most {left:.0f} s more; then it goes on alone."
        case Role.STANDBY:
            evidence = state.prepared.evidence
            ahead = f", and starts Asterisk ahead: {evidence.value}" if evidence is not None else ""
            return f"This node ({name}) is on standby{ahead}."
        case Role.ACTIVE:
            return f"This node ({name}) is active: {_note(state)}."
        case Role.ACQUIRING:
            return f"This node ({name}) is taking over: {_note(state)}."
        case _:
            return f"This node ({name}) is letting go: {_note(state)}."


def _note(state: ServiceState) -> str:
    transfer = state.transfer
    return (transfer.note or transfer.phase.value) if transfer is not None else "nothing under way"


def _problems(
    observations: Observations, cycle: Cycle, seen: Seen, strays: Strays, now: float
) -> tuple[str, ...]:
    found, state = [], cycle.state
    transfer = state.transfer
    if transfer is not None and transfer.phase.value in ("blocked", "unverifiable"):
        found.append(transfer.note)
    if trouble := _trouble(state):
        found.append(trouble)
    found += _lan_problems(state, seen, now)
    if moved := relay_position.trouble(state.position, now):
        found.append(moved)
    if strays.running:
        remedy = "'asha pbx stop' ends it" if seen.maintenance else f"asha ends it within {STRAY_DWELL:.0f} s"
        found.append(f"{presence(strays)}: it must never run on both; {remedy}")
    if again := persistence(strays):
        found.append(again)
    if maintenance := cycle.maintenance.status():
        found.append(maintenance_problem(maintenance))
    found += [_fault_words(fault, now) for fault in state.faults if fault.is_due(now)]
    if minutes := minutes_of_both(state, seen.peer, now):
        found.append(f"{ENGINE} drops requests to move service for up to {minutes} more min")
    found += observations.engine_troubles
    if observations.duplicate:
        found.append(f"the cluster address is also at {observations.duplicate}")
    down = [name for name, state in observations.links.items() if state != "up"]
    if down:
        found.append(f"link of {ENGINE} down: {', '.join(down)}")
    return tuple(dict.fromkeys(found))


def _fault_words(fault: StandingFault, now: float) -> str:
    rule = rule_of(fault.fault)
    if fault.is_overdue(now):
        return in_words(rule.says, rule.todo, now - fault.first)
    return f"{rule.says}; {rule.who} ends it"


def _trouble(state: ServiceState) -> str:
    """Return what a serving node is about to act on or can do nothing about; "" on any other node."""
    return state.decision.reason if state.role.holds else ""


def _strays(observations: Observations, state: ServiceState, seen: Seen, now: float) -> Strays:
    running, ended = _runs_ungranted(state, seen), recent(state.strays_ended, now)
    return Strays(running, observations.pbx_started_by if running else state.stray_started_by, ended)


def _lan_problems(state: ServiceState, seen: Seen, now: float) -> Iterator[str]:
    """Yield what is wrong between this node and the telephones; what a serving node does about a cut is its trouble."""
    if trouble := _address_trouble(state, seen, now):
        yield trouble
    if is_known(seen.lan, False) and not state.role.holds:
        yield f"this node is cut off from the LAN: {_said(seen.lan).why}"
    if state.role is Role.STANDBY and is_known(seen.every_call, False):
        yield f"seen from this standby, a telephone on the LAN cannot call: {_said(seen.every_call).why}"
    if state.role is Role.ACTIVE and is_known(seen.peer.calls, False):
        yield "seen from the other node, a telephone on the LAN cannot call through the cluster address"


def _address(
    this_node: ThisNode, observations: Observations, state: ServiceState, seen: Seen, now: float
) -> AddressStatus:
    at = cluster_address.put_back_at(state.transfer) if state.transfer is not None else None
    return AddressStatus(
        ip=", ".join(address.ip for address in this_node.conf.addresses),
        here=_said(observations.address),
        duplicate=observations.duplicate,
        trouble=_address_trouble(state, seen, now),
        put_back=round(now - at, 1) if at is not None and is_known(seen.address, True) else None,
    )


def _address_trouble(state: ServiceState, seen: Seen, now: float) -> str:
    """Return what is wrong with the cluster address of a serving node; "" on any other node."""
    transfer = state.transfer if state.role.holds else None
    return "" if transfer is None else cluster_address.trouble(transfer, seen, now)


def _runs_ungranted(state: ServiceState, seen: Seen) -> bool:
    waits = state.role in (Role.WAITING, Role.STANDBY) and not state.handing_over_since
    return (
        waits
        and state.prepared.since is None
        and isinstance(seen.pbx, Known)
        and seen.pbx.value.process_alive
    )
