"""Commands `asha engine`: which cluster engine this node has, and the change of a running pair to the other one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from appliance.cli.maintenance import operator
from appliance.cli.output import agree, prints, put, say, tells
from appliance.cli.terminal import ShownLine, Tone
from appliance.control.answers import ask_as
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.core.as_json import read_as
from appliance.core.engine_change import TITLES, EngineReport, hindrances, outage, plan
from appliance.core.errors import AshaError, ClusterError, UserError
from appliance.core.model import Node
from appliance.core.text import printable
from appliance.local_node import CLOCK

if TYPE_CHECKING:
    from appliance.agent.this_node import ThisNode

_PATIENCE = 60.0  # seconds for the agent's looks, at the other node too
_PEER_PATIENCE = 30.0
_LOOK = 0.5
_OTHER = {"heartbeat": "pacemaker", "pacemaker": "heartbeat"}


@click.group()
def engine() -> None:
    """Show the cluster engine of this node, and change the pair to another one."""


@engine.command()
@prints(EngineReport)
def status() -> None:
    """Which engine this node works with, whether it runs, which are installed, and how the last change went."""
    put(_report(_OTHER[_report(next(iter(TITLES)), brief=True).engine]), _status_lines)


def _status_lines(report: EngineReport) -> Iterable[ShownLine]:
    runs = "runs" if report.running == report.engine else "does not run"
    yield ShownLine(f"engine      {TITLES[report.engine]}, {runs} (HAENGINE in the conf file)", 12)
    if report.running not in ("", report.engine):
        yield ShownLine(f"besides     {TITLES[report.running]} runs", 12, Tone.BAD)
    yield ShownLine(f"installed   {'; '.join(report.versions) or 'none'}", 12)
    other = TITLES[_OTHER[report.engine]]
    yield ShownLine(f"{other:<12}{'; '.join(report.hindrances) or 'could be changed to on this node'}", 12)
    yield ShownLine(f"at boot     {', '.join(report.at_boot) or 'init starts none of them'}", 12)
    if report.change is not None:
        way = f"to {TITLES[report.change.to]}, under way: {_stage(report)}"
        said = report.change.says if report.change.over else way
        yield ShownLine(f"change      {printable(said)}", 12)


@engine.command()
@click.argument("to", type=click.Choice([*TITLES]))
@click.option(
    "--dry-run", is_flag=True, help="Only say what would be done, and what is in the way. Changes nothing."
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@tells()
def migrate(to: str, dry_run: bool, yes: bool) -> None:
    """Change the running pair to the engine TO: the standby first, then the primary, with one outage.

    Begin it on the secondary, with service on the primary, at a quiet hour: calls end. It first says what is done on
    which node, and how long at most nobody serves; with --dry-run that is all. Once begun it goes on unattended,
    also when this command, an agent or a node ends meanwhile; given again, the command follows it. When the new engine
    cannot be started, the pair goes back to the old one. The way back is the same command with the other name.
    """
    own = _report(to, brief=True)
    if not own.changes:
        _show_plan(to)
        if dry_run:
            return
        if own.node != Node.SECONDARY.value:
            raise UserError(
                "A change of the engine begins on the secondary, which changes first.", todo="Run it there."
            )
        _confirm(to, yes=yes)
        from appliance.core.answers import Said  # noqa: PLC0415

        say(ask_as(Said, "engine migrate", to=to, by=operator(), deadline=_PATIENCE).says)
    elif dry_run:
        say(*_status_lines(own))
        return
    _follow(to)


def _show_plan(to: str) -> None:
    """Print what would be done. Raises ClusterError when something is in the way."""
    this_node = _this_node()
    own, peer = _report(to), _peer_report(this_node, to)
    primary, secondary = (own, peer) if own.node == Node.PRIMARY.value else (peer, own)
    if found := hindrances(secondary, primary, to):
        raise ClusterError(f"Not now: {'; '.join(found)}. Nothing was changed.")
    from appliance.config.bounds import bound_inputs  # noqa: PLC0415 - 'asha engine status' needs no bounds

    site = bound_inputs(this_node.conf)
    steps = plan(secondary, primary, to, seconds=outage(site), alone=site.timing.initdead)
    say(*(ShownLine(f"{number}. {step}", 3) for number, step in enumerate(steps, start=1)))


def _this_node() -> ThisNode:
    from appliance.agent.active_conf import read_this_node  # noqa: PLC0415

    return read_this_node()


def _peer_report(this_node: ThisNode, to: str) -> EngineReport:
    from appliance.sync.peer_link import ask_once  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    way = way_to_peer(this_node.conf, this_node.node)
    try:
        answer = ask_once(way, "engine", {"do": "report", "to": to}, patience=_PEER_PATIENCE)
        return read_as(EngineReport, answer.get("report"))
    except (AshaError, ValueError) as problem:
        raise ClusterError(
            f"{way.host} cannot be asked about its engines: {problem} Nothing was changed.",
            todo="'asha check --peer' and 'asha ssh-setup --check' show what is in the way.",
        ) from problem


def _confirm(to: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("A change of the engine ends calls, and service for a while.", todo="Give --yes.")
    agree(f"Change the pair to {TITLES[to]} now?")


def _follow(to: str) -> None:
    """Print how far the change is until it is over. Raises ClusterError when it ends with another engine."""
    shown = ""
    while True:
        report = _until_answered(to)
        change = report.change
        if change is None:
            raise ClusterError("The agent says nothing of the change.", todo="See 'asha events'.")
        says = change.says if change.over else _stage(report)
        if says != shown:
            say(f"  {printable(says)}")
            shown = says
        if change.over:
            break
        CLOCK.sleep(_LOOK)
    if report.engine != to:
        raise ClusterError(
            f"The pair did not change to {TITLES[to]}.", todo="'asha events' on both nodes tells more."
        )


def _stage(report: EngineReport) -> str:
    change = report.change
    if report.trouble:
        return report.trouble
    if change is None or report.engine != change.to:
        return f"this node leaves {TITLES[report.engine]}"
    if change.goes_back:
        return f"back to {TITLES[change.to]}: {change.says}"
    return "the primary changes" if change.ordered else "this node is ready; the primary is ordered to change"


def _until_answered(to: str) -> EngineReport:
    """Return the agent's report; it begins anew in the middle of a change, and is waited for."""
    end = CLOCK.now() + _PATIENCE
    while True:
        try:
            return _report(to, brief=True)
        except (AgentAbsent, AgentSilent):
            if CLOCK.now() > end:
                raise
            CLOCK.sleep(_LOOK)


def _report(to: str, *, brief: bool = False) -> EngineReport:
    return ask_as(EngineReport, "engine", to=to, cancel="", brief=brief, deadline=_PATIENCE)
