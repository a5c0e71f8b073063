"""Commands of the operator, which ask the agent and show its answer; the agent decides what is allowed."""

from __future__ import annotations

import os

import click

from appliance.control.answers import ask_as
from appliance.core.answers import Said

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
    click.echo(said.says)


@click.group()
def ha() -> None:
    """Start and stop the HA engine (Heartbeat or Pacemaker) on this node."""


@ha.command("start")
def ha_start() -> None:
    """Start the HA engine. Whatever runs is let go first; then the engine decides who is active."""
    wish("ha start")


@ha.command("stop")
def ha_stop() -> None:
    """Stop the HA engine. If this node is active, its peer takes over."""
    wish("ha stop")


@click.group()
def pbx() -> None:
    """Asterisk on this node."""


@pbx.command("start")
def pbx_start() -> None:
    """Start Asterisk: plainly while the HA engine is off, never on a standby."""
    wish("pbx start")


@pbx.command("stop")
def pbx_stop() -> None:
    """Stop Asterisk. On the active node this is a failover."""
    wish("pbx stop")


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
def standby(leave_data: bool, force: bool, not_ready: bool) -> None:
    """Hand service over to the peer."""
    wish("standby", leave_data=leave_data, force=force, not_ready=not_ready)


@click.command()
@_leave_data
@_force
@_not_ready
def takeover(leave_data: bool, force: bool, not_ready: bool) -> None:
    """Bring service to this node."""
    wish("takeover", leave_data=leave_data, force=force, not_ready=not_ready)


@click.command()
def cleanup() -> None:
    """Acknowledge that service has moved so often: it may move by itself again (MOVELIMIT)."""
    wish("cleanup")


@click.group()
def line() -> None:
    """Look at the telephone line and the relay, and let the line go."""


@line.command("status")
def line_status() -> None:
    """Where the line is, as commanded and as the spans show it."""
    from appliance.cli.status import line_lines  # noqa: PLC0415
    from appliance.control.status import ask_status  # noqa: PLC0415

    click.echo("\n".join(line_lines(ask_status())))


@line.command("release")
def line_release() -> None:
    """Let the line go to the secondary. Always safe; on an active node the peer takes over with it."""
    wish("line release")
