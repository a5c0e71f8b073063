"""Command `asha status`: show what is true now, in words or as JSON."""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.terminal import ShownLine, Tone, show
from appliance.control.client import ask
from appliance.control.status import ask_status
from appliance.core.as_json import to_json
from appliance.core.status import (
    AddressStatus,
    DataStatus,
    LanStatus,
    MaintenanceStatus,
    PbxStatus,
    PeerStatus,
    Status,
    StatusValue,
)
from appliance.core.text import format_duration, format_progress, printable, printable_lines

if TYPE_CHECKING:  # what these modules load, a command that only shows the status need not wait for
    from appliance.core.drill import PastDrill
    from appliance.core.transfer_history import PastPhase, PastTransfer


# The columns in which the texts of the parts, and the notes of a transfer's phases, begin.
_PARTS, _NOTES = 14, 28


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The whole document, for machines.")
def status(as_json: bool) -> None:
    """Say which node is active, where the line is, and what is wrong."""
    if as_json:
        click.echo(json.dumps(ask("status"), indent=2))
        return
    show(map(_line, status_lines(ask_status())))


def status_lines(status: Status) -> list[str]:
    """Return the document as lines for people: the headline, what is wrong, then the parts."""
    problems = [f"  ! {problem}" for problem in status.problems]
    if not status.set_up:
        return [status.headline, *problems]
    rows = [
        ("role", status.role + (" (under a grant)" if status.granted else "")),
        ("Asterisk", _pbx(status.pbx, status.granted)),
        ("address", _address(status.address)),
        ("LAN", _lan(status.lan)),
        *(tuple(line.split(": ", 1)) for line in line_lines(status)),
        (status.engine.title, _engine(status)),
        ("peer", _peer(status.peer)),
        ("data", _data(status.data)),
        *_maintenance(status.maintenance),
        *_drill(status),
        ("fit", _fit(status)),
    ]
    return [status.headline, *problems, "", *(f"  {name:<{_PARTS - 3}} {text}" for name, text in rows)]


def _line(text: str) -> ShownLine:
    """Return a line of `status_lines` as it is shown: what is wrong stands out, and a part's text keeps its column."""
    text = printable(text)
    if text.startswith("  ! "):
        return ShownLine(text, 4, Tone.BAD)
    return ShownLine(text, _PARTS) if text.startswith("  ") else ShownLine(text, tone=Tone.HEADLINE)


def _fit(status: Status) -> str:
    if not status.fit:
        return "no: " + "; ".join(status.unfit_because)
    return f"yes, but not known to be ready: {'; '.join(status.doubts)}" if status.doubts else "yes"


def _drill(status: Status) -> list[tuple[str, str]]:
    drill = status.drill
    if drill is None or not (drill.outcome or drill.skipped):
        return []
    if drill.running:
        return [("drill", drill.lines[-1] if drill.lines else "begins")]
    held = f"{_clock(drill.at)} {drill.outcome}: {drill.says}" if drill.outcome else "none was held yet"
    return [
        ("drill", f"{held}; the last scheduled one was skipped: {drill.skipped}" if drill.skipped else held)
    ]


def _maintenance(given: MaintenanceStatus | None) -> list[tuple[str, str]]:
    if given is None:
        return []
    from appliance.cli.maintenance import state_line  # noqa: PLC0415

    return [("maintenance", state_line(given))]


def line_lines(status: Status) -> list[str]:
    """Return relay, line and D-channel, each as `name: text`."""
    if status.line is None:
        return ["line: none to move (RHINOSPF=NO and RHINOSPANS is empty)"]
    lines = [f"line: {said(status.line)}", f"D-channel: {said(status.dchannel)}"]
    relay = status.relay
    if relay.card is not None and relay.commanded is not None:
        there = _either(relay.card, f"at {relay.place}", "not there")
        lines.insert(0, f"relay: commanded {said(relay.commanded)}; card {there}")
    return lines


def said(reading: StatusValue[Any]) -> str:
    """Return a reading's value with what is behind it, or that it is unknown and why."""
    if reading.value is None:
        return f"unknown ({reading.why})"
    if isinstance(reading.value, bool):
        return "yes" if reading.value else "no"
    return f"{reading.value} ({reading.why})" if reading.why else str(reading.value)


def _either(reading: StatusValue[bool], yes: str, no: str) -> str:
    """Return one of two texts, or that the reading is unknown and why."""
    if reading.value is None:
        return said(reading)
    return yes if reading.value else no


def _pbx(pbx: PbxStatus, granted: bool) -> str:
    text = said(pbx.state)
    if text == "dead" and not granted:
        text = "not running"
    if pbx.pid:
        text += f", pid {pbx.pid}"
    if pbx.silent:
        text += f", no answer from: {', '.join(pbx.silent)}"
    return text


def _address(address: AddressStatus) -> str:
    where = _either(address.here, "here", "not here")
    back = "" if address.put_back is None else f", put back {format_duration(address.put_back)} ago"
    also = f", ALSO AT {address.duplicate}" if address.duplicate else ""
    return f"{address.ip or 'none set'} {where}{back}{also}"


def _lan(lan: LanStatus) -> str:
    reached = _either(lan.reached, "reached", f"CUT OFF: {lan.reached.why}")
    calls = (
        ""
        if lan.calls.value is None
        else "; a telephone " + ("can call" if lan.calls.value else "CANNOT call")
    )
    why = f" ({lan.calls.why})" if lan.calls.value is False else ""
    return f"{lan.device} {lan.ip or 'without an address'}: {reached}{calls}{why}"


def _data(data: DataStatus) -> str:
    if data.duty == "pull":
        age = (
            "never in step with the peer" if data.age is None else f"in step {format_duration(data.age)} ago"
        )
        going_on = f"; {format_progress(data.phase, data.done, data.total)}" if data.phase else ""
        return f"{age}, generation {data.generation}{going_on}"
    return str(data.why)


def _engine(status: Status) -> str:
    wait = status.engine.waits_another
    return _either(status.engine.running, "runs", "does not run") + (
        f", waits {wait:.0f} s more for its peer" if wait is not None else ""
    )


def _peer(peer: PeerStatus) -> str:
    alive = _either(peer.alive, "there", "gone")
    links = ", ".join(f"{name} {state}" for name, state in sorted(peer.links.items()))
    heard = (
        "" if peer.heard is None else f", its agent heard {format_duration(peer.heard)} ago as {peer.role}"
    )
    age = "" if peer.data_age is None else f", its data {format_duration(peer.data_age)} old"
    maintenance = ", in MAINTENANCE" if peer.maintenance else ""
    unready = f", not known to be ready: {peer.doubts}" if peer.doubts else ""
    if peer.fit.value is False:
        unready = f", not fit: {peer.unfit_because or 'it gives no reason'}"
    return f"{peer.name} {alive}{heard}{age}{unready}{maintenance}" + (f" ({links})" if links else "")


# Command `asha history`: show the last transfers of this node, with the time that each phase took.


@click.command()
@click.option("-n", "--newest", type=click.IntRange(1, 50), default=10, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="For machines, newest first.")
def history(newest: int, as_json: bool) -> None:
    """Show how service came to this node and left it: when, why, and the milliseconds of each phase.

    It is read from the journal, also while the agent does not run. Drills are shown among them.
    """
    found = _read(newest)
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2))
        return
    told = [(one.began, transfer_text(one)) for one in found]
    told += [(one.at, drill_text(one)) for one in _drills(newest)]
    texts = "\n\n".join(printable_lines(text) for _, text in sorted(told)[-newest:])
    show(_history_line(text) for text in (texts or "Nothing has happened yet.").split("\n"))


def _history_line(text: str) -> ShownLine:
    return ShownLine(text, _NOTES) if text.startswith("  ") else ShownLine(text, tone=Tone.HEADLINE)


def _read(newest: int) -> list[PastTransfer]:
    from appliance.agent.components.history import newest_transfers  # noqa: PLC0415
    from appliance.agent.journal import JournalFile  # noqa: PLC0415
    from appliance.host.paths import JOURNAL  # noqa: PLC0415
    from appliance.local_node import conf_and_node  # noqa: PLC0415

    return newest_transfers(JournalFile(JOURNAL), newest, conf_and_node()[1])


def _drills(newest: int) -> list[PastDrill]:
    from appliance.agent.journal import JournalFile  # noqa: PLC0415
    from appliance.core.drill import KINDS, past_drills  # noqa: PLC0415
    from appliance.host.paths import JOURNAL  # noqa: PLC0415

    return list(islice(past_drills(JournalFile(JOURNAL).backwards(KINDS)), newest))


def drill_text(drill: PastDrill) -> str:
    """Return a drill as text for people: a headline, and a row for each phase with its bound."""
    by = f"  (by {drill.by})" if drill.by else ""
    says = f": {drill.says}" if drill.says else ""
    return "\n".join(
        [f"{_clock(drill.at)}  drill {drill.outcome}{says}{by}", *(f"    {step}" for step in drill.steps)]
    )


def _clock(wall: float) -> str:
    return time.strftime("%b %d %H:%M:%S", time.localtime(wall)) + f".{int(wall * 1000) % 1000:03d}"


def transfer_text(transfer: PastTransfer) -> str:
    """Return a transfer as text for people: a headline, and a row for each phase with how long it lasted."""
    clock = _clock(transfer.began)
    took = "" if transfer.took is None else f" after {transfer.took:.3f} s"
    head = f"{clock}  {transfer.node} {transfer.goal}: {transfer.ended}{took}  ({transfer.reason})"
    return "\n".join([head, *_rows(transfer.phases)])


def _rows(phases: tuple[PastPhase, ...]) -> list[str]:
    ends = [phase.after for phase in phases[1:]]
    lasted = [f"{1000 * (end - phase.after):8.0f} ms" for phase, end in zip(phases, ends, strict=False)]
    return [
        f"  {spent:>11}  {phase.phase:<{_NOTES - 16}} {phase.note}".rstrip()
        for phase, spent in zip(phases, [*lasted, ""], strict=True)
    ]
