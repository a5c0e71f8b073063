"""Synchronisation assembled for the worker and the commands: from the conf, the agent, DAHDI and the peer's link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import Conf
from appliance.control.answers import ask_as
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.control.status import ask_status
from appliance.core.answers import DutyAnswer
from appliance.core.data_policy import DataDuty, Duty
from appliance.core.errors import HostError, SyncError
from appliance.core.model import Node
from appliance.core.reading import Known, Reading
from appliance.dahdi.directory import read_configuration, refused_by_dahdi_cfg
from appliance.dahdi.fit import Misfit, misfits
from appliance.dahdi.report import pack_spans
from appliance.dahdi.span import Span
from appliance.dahdi.spans import read_hardware
from appliance.host.clock import SystemClock
from appliance.local_node import CLOCK, PLACES, conf_and_node
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.state import read_state, write_state
from appliance.sync.sync_pass import Progress

if TYPE_CHECKING:
    from appliance.sync.server import SourceHealth, SyncServer
    from appliance.sync.session import SyncSession

# Check of a DAHDI configuration directory against this node, which synchronisation uses too.


def own_spans(conf: Conf) -> Reading[tuple[Span, ...]]:
    """Return the spans of this node."""
    return read_hardware(conf.dahdi_root, SystemClock().now())


def own_misfits(directory: Path, seen: Reading[tuple[Span, ...]]) -> tuple[Misfit, ...]:
    """Return what in `directory` does not fit this node's spans `seen`, or is refused by dahdi_cfg."""
    try:
        found = misfits(read_configuration(directory), seen)
        # Where DAHDI is not loaded, dahdi_cfg cannot be asked; then only a configuration that names no
        # hardware fits.
        refused = refused_by_dahdi_cfg(directory) if isinstance(seen, Known) else ""
    except HostError as problem:
        return (Misfit(0, f"it cannot be checked: {problem}".rstrip(".")),)
    return (*found, Misfit(0, refused)) if refused else found


def vet_for(conf: Conf) -> Callable[[Path], None]:
    """Return a function that checks a directory of DAHDI configuration against this node.

    The function raises SyncError when the configuration does not fit.
    """

    def vet(directory: Path) -> None:
        found = own_misfits(directory, own_spans(conf))
        if found:
            raise SyncError("; ".join(misfit.says for misfit in found) + ".")

    return vet


# These files describe which card is in which slot, which is true of one machine only (docs/facts/dahdi.md).
LOCAL_FILES = frozenset({"assigned-spans.conf", "span-types.conf", "xpp_order"})
_TELL_EVERY = 0.5


def own_duty(*, asked_for: bool = False, last: bool = False) -> DataDuty:
    """Return what is to be done for the data here, by the agent's answer at its socket.

    `asked_for`: an operator asks for it, so HASYNCH does not matter. `last`: Asterisk is about to start here and
    waits for a last merge. Raises SyncProblem when the agent does not answer.
    """
    try:
        answer = ask_as(DutyAnswer, "data", asked_for=asked_for, last=last)
    except (AgentAbsent, AgentSilent) as problem:
        raise SyncProblem(
            Fault.NOT_ALLOWED, f"It is not known whether Asterisk runs here: {problem}"
        ) from problem
    return DataDuty(Duty(answer.duty), answer.why, answer.live)


def session(
    conf: Conf, node: Node, current: Callable[[], DataDuty] = own_duty, *, live: bool = False
) -> SyncSession:
    """Return this node's end of the synchronisation.

    `current`: returns what is to be done now, or raises SyncProblem; a pass asks it when it begins and before it
    changes anything. `live`: Asterisk serves on the data meanwhile.
    """
    part = Duty.MERGE if node is Node.PRIMARY else Duty.PULL

    def may() -> None:
        duty = current()
        if duty.duty is not part or duty.live != live:
            raise SyncProblem(Fault.NOT_ALLOWED, f"Not now: {duty.why or 'this node begins to serve'}.")

    from appliance.sync.session import SyncSession  # noqa: PLC0415 - who only looks needs no passes

    return SyncSession(conf, node, CLOCK, may, vet_for(conf), LOCAL_FILES, PLACES, live)


def progress_in_state() -> Progress:
    """Return a progress function that writes to the state file for status pages.

    A new phase is written at once, the progress within a phase at most twice a second.
    """
    said, at = "", 0.0

    def progress(phase: str, done: int, total: int) -> None:
        nonlocal said, at
        now = CLOCK.now()
        if phase == said and now - at < _TELL_EVERY:
            return
        said, at = phase, now
        state = read_state(PLACES.state)
        state.phase, state.done, state.total = phase, done, total
        write_state(PLACES.state, state)

    return progress


def source() -> SyncServer:
    """Return this node's data as a source that the peer can ask."""
    conf, _ = conf_and_node()
    from appliance.sync.server import SyncServer  # noqa: PLC0415 - its secrets cost a command's start

    return SyncServer(conf, PLACES, CLOCK, standing, lambda: pack_spans(own_spans(conf)))


def standing() -> SourceHealth:
    """Return whether this node's data may be copied now, by the word of its agent."""
    from appliance.sync.server import SourceHealth  # noqa: PLC0415

    try:
        status = ask_status()
    except (AgentAbsent, AgentSilent) as problem:
        return SourceHealth(f"its agent does not answer ({problem})", False)
    role, pbx = status.role, status.pbx.state
    serving = role in ("active", "acquiring")
    if serving and pbx.value != "running":
        return SourceHealth(f"its Asterisk is {pbx.value or 'in an unknown state: ' + pbx.why}", True)
    if role in ("releasing", "leaving"):
        return SourceHealth("it is letting go of service", False)
    if pbx.value == "hung":
        return SourceHealth("its Asterisk hangs", serving)
    return SourceHealth("", serving)
