"""Command `asha status`: show what is true now of the pair, in words, as a table of both nodes, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click

from appliance.cli.local_time import format_clock
from appliance.cli.output import prints, put, tell_error, wants_json
from appliance.cli.terminal import ShownLine, Tone, clear, show
from appliance.control.client import ask
from appliance.control.status import read_status
from appliance.core.errors import ClusterError
from appliance.core.status import (
    ONE_PATH,
    AddressStatus,
    DataStatus,
    LanStatus,
    MaintenanceStatus,
    PbxStatus,
    PeerStatus,
    RelayStatus,
    Status,
    StatusValue,
)
from appliance.core.text import format_duration, format_progress, printable
from appliance.host.clock import SystemClock

# The columns in which the texts of the parts begin, and how wide a cell of the table is at least.
_PARTS, _CELL = 14, 20
_HINT = "  hint: "
_TONES = (Tone.GOOD, Tone.DOUBTFUL, Tone.BAD, Tone.BAD)
_EXIT_CODES = """\b
The exit code tells how the pair is:
  0  protected: one node serves, and the other is ready
  1  degraded: it serves, and somebody should look
  2  no service, or both nodes serve
  3  not known"""


@click.command(epilog=_EXIT_CODES)
@prints(Status)
@click.option("--watch", is_flag=True, help="Go on showing it, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.2),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How often, with --watch.",
)
def status(*, watch: bool, every: float) -> None:
    """Show how the pair is, both nodes side by side, and what is wrong."""
    if watch:
        _watch(every)
    else:
        sys.exit(_print(ask("status")).state.health)


def _watch(every: float) -> None:
    """Show the status again and again, on a terminal in the same place; an agent that is away is waited for."""
    while True:
        try:
            answer = ask("status")
        except ClusterError as problem:
            _print_absent(problem)
        else:
            clear()
            _print(answer)
        SystemClock().sleep(every)


def _print(answer: object) -> Status:
    """Print the agent's answer and return it as read; JSON has it as it came, with keys of a newer agent too."""
    told = read_status(answer)
    put(answer, lambda _: shown_lines(told))
    return told


def _print_absent(problem: ClusterError) -> None:
    if wants_json():
        tell_error(problem, as_json=True)
        return
    clear()
    show([ShownLine(str(problem), tone=Tone.BAD)])


def shown_lines(status: Status) -> Iterable[ShownLine]:
    """Return the lines of `status_lines` as they are shown: the state in its colour, and what is wrong stands out."""
    first, *rest = status_lines(status)
    tone = _TONES[min(max(status.state.health, 0), len(_TONES) - 1)]
    return [ShownLine(printable(first), tone=tone), *map(_line, rest)]


def status_lines(status: Status) -> list[str]:
    """Return the document as lines for people: the state of the pair, what is wrong, hints, both nodes, the parts."""
    found = [f"  ! {problem}" for problem in status.problems] + [f"{_HINT}{hint}" for hint in status.hints]
    if not status.set_up:
        return [status.headline, *found]
    rows = [
        ("Asterisk", _pbx(status.pbx, status.granted)),
        ("address", _address(status.address)),
        ("LAN", _lan(status.lan)),
        *(tuple(line.split(": ", 1)) for line in line_lines(status)),
        (status.engine.title, _engine(status)),
        ("links", status.peer.links_say),
        ("data", _data(status.data)),
        *_maintenance(status.maintenance),
        *_drill(status),
        *_not_ready(status),
    ]
    parts = [f"  {name:<{_PARTS - 3}} {text}" for name, text in rows]
    return [status.state.says, status.headline, *found, "", *pair_table(status), "", *parts]


def pair_table(status: Status) -> list[str]:
    """Return both nodes side by side, the primary first: what each is, and what it has told of itself."""
    own, other = _own_column(status), _peer_column(status.peer)
    columns = (own, other) if status.node == "primary" else (other, own)
    width = max(_CELL, *(len(cell) + 2 for cell in columns[0].values()))
    return [f"  {name:<{_PARTS - 3}} {columns[0][name]:<{width}}{columns[1][name]}".rstrip() for name in own]


def _own_column(status: Status) -> dict[str, str]:
    data = status.data
    ready = "no" if not status.fit else "not known" if status.doubts else "yes"
    return {
        "": f"{status.node} (here)",
        "name": status.names.of(status.node),
        "role": status.role,
        "ready": ready,
        "LAN": _word(status.lan.reached, "reached", "CUT OFF"),
        "line": "-" if status.line is None else str(status.line.value or "unknown"),
        "data": "served here" if status.granted else _age(data.age),
        "heard": "-",
        "maintenance": "ON" if status.maintenance else "off",
        "version": status.version,
    }


def _peer_column(peer: PeerStatus) -> dict[str, str]:
    gone = peer.alive.value is False
    known = not gone and peer.granted.value is not None
    ready = "not known" if peer.fit.value is None or peer.doubts else "yes" if peer.fit.value else "no"
    return {
        "": peer.node or "the other node",
        "name": peer.name,
        "role": "gone" if gone else peer.role if known else "not known",
        "ready": "no" if gone else ready,
        "LAN": _word(peer.lan, "reached", "CUT OFF") if known else "not known",
        "line": str(peer.line.value or "not known") if known else "not known",
        "data": ("served there" if peer.granted.value else _age(peer.data_age)) if known else "not known",
        "heard": "never" if peer.heard is None else f"{format_duration(peer.heard)} ago",
        "maintenance": ("ON" if peer.maintenance else "off") if known else "not known",
        "version": peer.version or "not known",
    }


def _word(reading: StatusValue[bool], yes: str, no: str) -> str:
    return "not known" if reading.value is None else yes if reading.value else no


def _age(seconds: float | None) -> str:
    return "never in step" if seconds is None else f"in step {format_duration(seconds)} ago"


def _line(text: str) -> ShownLine:
    """Return a line of `status_lines` as it is shown: what is wrong stands out, and a part's text keeps its column."""
    text = printable(text)
    if text.startswith("  ! "):
        return ShownLine(text, 4, Tone.BAD)
    if text.startswith(_HINT):
        return ShownLine(text, len(_HINT), Tone.DOUBTFUL)
    if text.startswith("  "):
        return ShownLine(text, _PARTS, Tone.DOUBTFUL if ONE_PATH in text else Tone.PLAIN)
    return ShownLine(text, tone=Tone.HEADLINE)


def _not_ready(status: Status) -> list[tuple[str, str]]:
    """Return why a node could not serve, or is not known to be ready, each with that node."""
    here = "; ".join(status.unfit_because or status.doubts)
    there = status.peer.unfit_because if status.peer.fit.value is False else status.peer.doubts
    found = ((status.node, here), (status.peer.node, there))
    return [("not ready", f"{node}: {why}") for node, why in found if why]


def _drill(status: Status) -> list[tuple[str, str]]:
    drill = status.drill
    if drill is None or not (drill.outcome or drill.skipped):
        return []
    if drill.running:
        return [("drill", drill.lines[-1] if drill.lines else "begins")]
    held = f"{format_clock(drill.at)} {drill.outcome}: {drill.says}" if drill.outcome else "none was held yet"
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
        return ["line: none to move (RHINOSPF=NO, RELAYDRIVER and RHINOSPANS are empty)"]
    lines = [f"line: {said(status.line)}", f"D-channel: {said(status.dchannel)}"]
    relay = status.relay
    if relay.card is not None and relay.commanded is not None:
        there = _either(relay.card, f"at {relay.place}", "not there")
        lines.insert(0, f"relay: commanded {said(relay.commanded)}; card {there}")
    if relay.register is not None:
        lines.insert(1, f"register: {_register(relay)}")
    return lines


def _register(relay: RelayStatus) -> str:
    """Return what the relay says of itself, which is shown with its age and never as proof."""
    register = relay.register
    if register is None or register.value is None:
        return said(register) if register is not None else "cannot be asked"
    ago = f", {relay.asked:.0f} s ago" if relay.asked is not None else ""
    again = f"; commands given again in 10 min: {relay.put_right}" if relay.put_right else ""
    return f"{register.value}{ago}; where the line is, only the line says{again}"


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
            "never in step with the other node"
            if data.age is None
            else f"in step {format_duration(data.age)} ago"
        )
        going_on = f"; {format_progress(data.phase, data.done, data.total)}" if data.phase else ""
        return f"{age}, generation {data.generation}{going_on}"
    return str(data.why)


def _engine(status: Status) -> str:
    wait = status.engine.waits_another
    return _either(status.engine.running, "runs", "does not run") + (
        f", waits {wait:.0f} s more for the other node" if wait is not None else ""
    )
