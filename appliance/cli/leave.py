"""`asha leave`: this node leaves the pair. What init does before it ends the agent, and the package before it goes."""

from __future__ import annotations

import click

from appliance.cli.operate import wish
from appliance.control.client import AgentAbsent, AgentSilent, ask
from appliance.core.errors import AshaError, ClusterError, HostError
from appliance.core.roles import Role

# Asterisk's stop and a line that cannot be let go at once; seconds.
_SETTLE = 20.0


@click.command()
def leave() -> None:
    """Leave the pair: stop the HA engine here and let the line go. If this node is active, its peer takes over.

    The relay is released before anything else. Works without an agent too.
    """
    try:
        status = ask("status")
    except (AgentAbsent, AgentSilent):
        _leave_alone()
        return
    if not status.get("set_up", True):
        _stop_engine()
        click.echo("This machine is neither node: it holds nothing to let go.")
        return
    if status["role"] != Role.OFF.value:
        wish("ha stop")  # Heartbeat's stop lets everything go through the resource script, relay first
        _wait_until_off()
    wish("line release")


def _wait_until_off() -> None:
    """A Heartbeat that had to be killed calls no script: the agent then lets go by itself, a moment later."""
    from appliance.host.clock import SystemClock  # noqa: PLC0415

    clock = SystemClock()
    end = clock.now() + _SETTLE
    while ask("status")["role"] != Role.OFF.value:
        if clock.now() > end:
            raise ClusterError(
                f"This node has not let everything go within {_SETTLE:g} s.",
                todo="'asha status' says what it holds.",
            )
        clock.sleep(0.1)


def _leave_alone() -> None:
    """Heartbeat calls the resource script, which lets go by itself; then the relay is told once more."""
    _stop_engine()
    _release_card()
    click.echo("The agent does not answer; the HA engine is stopped and the line let go without it.")


def _stop_engine() -> None:
    from appliance.cluster.installed import installed_engine  # noqa: PLC0415 - only when the agent is gone

    engine = installed_engine()
    try:
        engine.place()
    except HostError:
        return  # what is not installed does not run
    try:
        engine.stop()
    except AshaError as problem:
        click.echo(f"asha: {problem}", err=True)


def _release_card() -> None:
    from appliance.agent.standing import read_site  # noqa: PLC0415
    from appliance.core.model import Relay  # noqa: PLC0415
    from appliance.host.clock import SystemClock  # noqa: PLC0415
    from appliance.hw.drivers import open_card  # noqa: PLC0415

    site = read_site()
    if not site.has_card:
        return
    card = open_card(site.conf, SystemClock())
    try:
        card.move(Relay.RELEASED)
    finally:
        card.close()
