"""Command `asha leave`: take this node out of the pair.

Init runs the command before it ends the agent, and the package before it is removed.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import click

from appliance.cli.ha import wish
from appliance.cli.output import say, tells
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.control.status import ask_status
from appliance.core.errors import AshaError, ClusterError, HardwareError, HostError, UserError
from appliance.core.roles import Role

if TYPE_CHECKING:
    from appliance.agent.this_node import ThisNode
    from appliance.config import Conf
    from appliance.core.model import Node

# Asterisk's stop and a line that cannot be let go at once; seconds.
_SETTLE = 20.0
# Each step has a deadline of its own; this is for what none of them thought of. Init and rpm wait for this command.
_DEADLINE = 300


@click.command()
@tells()
def leave() -> None:
    """Leave the pair: stop the HA engine here and let the line go. If this node is active, the other node takes over.

    The relay is released before anything else. Works without an agent too, and with a conf file that is wrong. It fails
    when something could not be let go.
    """
    signal.alarm(_DEADLINE)
    try:
        _leave_by_agent()
    except (AgentAbsent, AgentSilent):
        _leave_alone()
    finally:
        signal.alarm(0)


def _leave_by_agent() -> None:
    status = ask_status()
    if not status.set_up:
        _stop_engine()
        _see_to_card()
        say("This machine is neither node: it holds nothing to let go.")
        return
    try:
        if status.role != Role.OFF.value:
            wish(
                "ha stop", leaving=True
            )  # the engine's stop lets everything go through the resource script, relay first
            _wait_until_off()
    finally:
        _release_by_agent()


def _release_by_agent() -> None:
    try:
        wish("line release")
    except HardwareError:
        _see_to_card()


def _wait_until_off() -> None:
    """Wait until the agent's role is off.

    A Heartbeat that had to be killed calls no resource script: the agent then lets go by itself, a moment
    later. Raises ClusterError when that takes longer than _SETTLE seconds.
    """
    from appliance.host.clock import SystemClock  # noqa: PLC0415

    clock = SystemClock()
    end = clock.now() + _SETTLE
    while ask_status().role != Role.OFF.value:
        if clock.now() > end:
            raise ClusterError(
                f"This node has not let everything go within {_SETTLE:g} s.",
                todo="'asha status' says what it holds.",
            )
        clock.sleep(0.1)


def _leave_alone() -> None:
    """Leave without an agent: release the relay, stop the HA engine, and let go of what is still held.

    The relay goes first. Heartbeat, when it is stopped, calls the resource script, which lets go of the rest.
    A dead Heartbeat calls nothing: whatever its grant has left is let go here. Every step is tried, whatever
    became of the steps before. Raises the AshaError of the last step that failed.
    """
    with contextlib.suppress(AshaError):
        _release_card()
    with contextlib.ExitStack() as steps:  # carried out from the last to the first
        steps.callback(_see_to_card)
        steps.callback(_end_grant)
        steps.callback(_stop_engine)
    say("The agent does not answer; the HA engine is stopped and the line let go without it.")


def _stop_engine() -> None:
    from appliance.cluster.installed import installed_engine  # noqa: PLC0415 - only when the agent is gone

    with contextlib.suppress(HostError):  # what is not installed does not run
        installed_engine("auto").stop()  # whichever runs, whatever the conf file says


def _grant_held() -> bool:
    from appliance.agent.grant_file import GrantFile  # noqa: PLC0415
    from appliance.host.paths import GRANT  # noqa: PLC0415

    return GrantFile(GRANT).read().held


def _end_grant() -> None:
    """Let relay, Asterisk and cluster address go if a grant is still held, as the resource script would."""
    from appliance.agent.resource_fallback import ResourceFallback  # noqa: PLC0415
    from appliance.core.grant import Verb  # noqa: PLC0415
    from appliance.host.clock import SystemClock  # noqa: PLC0415
    from appliance.net.address import remove_addresses  # noqa: PLC0415

    if _grant_held():
        clock, this_node = SystemClock(), _this_node()
        ResourceFallback(clock, this_node).execute(Verb.STOP, clock.now())
        remove_addresses(this_node.conf.device, [address.ip for address in this_node.conf.addresses])


def _release_card() -> None:
    from appliance.core.model import Relay  # noqa: PLC0415
    from appliance.host.clock import SystemClock  # noqa: PLC0415
    from appliance.hw.drivers import open_card  # noqa: PLC0415

    this_node = _this_node()
    if not this_node.has_card:
        return
    card = open_card(this_node.conf, SystemClock())
    try:
        card.move(Relay.RELEASED)
    finally:
        card.close()


def _see_to_card() -> None:
    """Release the relay, unless the card is absent: a card without power holds no line.

    Raises HardwareError.
    """
    from appliance.hw.relay import CardAbsent  # noqa: PLC0415

    try:
        _release_card()
    except CardAbsent as problem:
        click.echo(f"asha: {problem} A card without power holds no line.", err=True)


def _this_node() -> ThisNode:
    """Return the conf and the node; of a conf file with mistakes, the values that are right."""
    from appliance.agent.active_conf import read_this_node  # noqa: PLC0415
    from appliance.agent.this_node import ThisNode  # noqa: PLC0415
    from appliance.config.conf_file import read_source  # noqa: PLC0415
    from appliance.config.parse import readable  # noqa: PLC0415
    from appliance.host.paths import CONF  # noqa: PLC0415

    try:
        return read_this_node()
    except AshaError:
        text = ""
        with contextlib.suppress(HostError):
            text = read_source(CONF).text
        conf = readable(text)
        return ThisNode(conf, _node(conf))


def _node(conf: Conf) -> Node:
    """Return which node this machine is.

    A machine whose name is that of neither node counts as the primary while a grant is held, since its name
    may have been changed while it served, and the relay card may be in it. Otherwise it counts as the
    secondary, which has no card.
    """
    from appliance.config import which_node  # noqa: PLC0415
    from appliance.core.model import Node  # noqa: PLC0415

    try:
        return which_node(conf, os.uname().nodename)
    except UserError:
        return Node.PRIMARY if _grant_held() else Node.SECONDARY
