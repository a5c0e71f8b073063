"""Commands of the operator, which ask the agent and show what comes of it; the agent decides what is allowed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import click

from appliance.cli import waiting
from appliance.cli.output import prints, put, say, tells
from appliance.cli.waiting import asks_and_waits, confirm
from appliance.control.answers import ask_as
from appliance.control.status import ask_status
from appliance.core.answers import Said
from appliance.core.status import RelayStatus, Status, StatusValue

# Seconds. A release may take as long as Asterisk's stop deadline and more; starting Heartbeat takes some
# seconds.
_PATIENCE = 120.0


def wish(
    verb: str,
    *,
    leave_data: bool = False,
    force: bool = False,
    not_ready: bool = False,
    leaving: bool = False,
) -> None:
    """Ask the agent for `verb` in the operator's name, and print its answer.

    `leave_data`: do not wait for the data to be brought over first. `force`: end the HA engine, and do not ask it.
    `not_ready`: the node that is to serve need not be known to be ready. `leaving`: stop the engine because asha ends
    (see `EngineControl.stop`).
    """
    by = os.environ.get("SUDO_USER") or os.environ.get("USER", "root")
    said = ask_as(
        Said,
        verb,
        deadline=_PATIENCE,
        by=by,
        leave_data=leave_data,
        force=force,
        not_ready=not_ready,
        leaving=leaving,
    )
    say(said.says)


@click.group()
def ha() -> None:
    """Start and stop the HA engine (Heartbeat or Pacemaker) on this node."""


@ha.command("start")
@asks_and_waits
def ha_start(*, yes: bool, no_wait: bool) -> None:
    """Start the HA engine. Whatever runs is let go first; then the engine decides who is active."""
    now = ask_status()
    if now.engine.running.value is True:
        _already(f"{now.engine.title} runs here")
        return
    confirm("ha start", yes=yes)
    wish("ha start")
    _wait(lambda status: status.role != "off", f"{now.engine.title} runs here", not no_wait)


@ha.command("stop")
@asks_and_waits
def ha_stop(*, yes: bool, no_wait: bool) -> None:
    """Stop the HA engine. If this node is active, the other one takes over."""
    now = ask_status()
    if now.role == "off":
        _already(f"{now.engine.title} does not run here")
        return
    confirm("ha stop", yes=yes)
    wish("ha stop")
    _wait(lambda status: status.role == "off", f"{now.engine.title} does not run here", not no_wait)


@click.group()
def pbx() -> None:
    """Asterisk on this node."""


@pbx.command("start")
@tells()
def pbx_start() -> None:
    """Start Asterisk: plainly while the HA engine is off, never on a standby."""
    wish("pbx start")


@pbx.command("stop")
@asks_and_waits
def pbx_stop(*, yes: bool, no_wait: bool) -> None:
    """Stop Asterisk. On the active node this is a failover."""
    served = not no_wait and _serves()
    confirm("pbx stop", yes=yes)
    wish("pbx stop")
    _wait(waiting.served_there, "the other node serves", served)


_leave_data = click.option(
    "--leave-data", is_flag=True, help="Do not wait for the data; they are merged when it can be done."
)


_force = click.option(
    "--force",
    is_flag=True,
    help="Do not ask the HA engine (Heartbeat drops requests for an hour after a lost one): end it on the node that "
    "serves, so that the other one takes over after HADEADTIME.",
)


_not_ready = click.option(
    "--not-ready",
    is_flag=True,
    help="Go on although the node that is to serve is not known to be ready ('asha status' there says why).",
)


@click.command()
@_leave_data
@_force
@_not_ready
@asks_and_waits
def standby(*, leave_data: bool, force: bool, not_ready: bool, yes: bool, no_wait: bool) -> None:
    """Hand service over to the other node."""
    served = not no_wait and _serves()
    confirm("standby", yes=yes)
    wish("standby", leave_data=leave_data, force=force, not_ready=not_ready)
    _wait(waiting.served_there, "the other node serves", served)


@click.command()
@_leave_data
@_force
@_not_ready
@asks_and_waits
def takeover(*, leave_data: bool, force: bool, not_ready: bool, yes: bool, no_wait: bool) -> None:
    """Bring service to this node."""
    if ask_status().role == "active":
        _already("this node serves")
        return
    confirm("takeover", yes=yes)
    wish("takeover", leave_data=leave_data, force=force, not_ready=not_ready)
    comes = waiting.ServiceComes()
    _wait(comes.there, "this node serves", not no_wait, comes.follow)


def _serves() -> bool:
    """Tell whether this node holds the service now, so that there is something to wait for."""
    return ask_status().granted


def _already(what: str) -> None:
    """Say that nothing was changed: scripts may give a command twice."""
    say(f"Already so: {what}. Nothing was changed.")


def _wait(
    there: Callable[[Status], bool],
    what: str,
    wanted: bool,
    meanwhile: Callable[[Status], None] = lambda status: None,
) -> None:
    if wanted:
        waiting.until(there, what, meanwhile)
        waiting.show_pair()


@click.command()
@tells()
def cleanup() -> None:
    """Acknowledge that service has moved so often: it may move automatically again (MOVELIMIT)."""
    wish("cleanup")


@click.group()
def line() -> None:
    """Look at the telephone line and the relay, and let the line go."""


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """The line of this node. `line` is null where there is none to move; `dchannel` is the line's D-channel."""

    relay: RelayStatus
    line: StatusValue[str] | None
    dchannel: StatusValue[str]


@line.command("status")
@prints(LineAnswer)
def line_status() -> None:
    """Where the line is, as commanded and as the spans show it."""
    from appliance.cli.status import line_lines  # noqa: PLC0415

    status = ask_status()
    put(LineAnswer(status.relay, status.line, status.dchannel), lambda _: line_lines(status))


@line.command("release")
@asks_and_waits
def line_release(*, yes: bool, no_wait: bool) -> None:
    """Let the line go to the secondary. Always safe; on an active node the other one takes over with it."""
    served = not no_wait and _serves()
    confirm("line release", yes=yes)
    wish("line release")
    _wait(waiting.served_there, "the other node serves", served)
