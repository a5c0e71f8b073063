"""Command `asha tune`: which HADEADTIME is safe on this pair, by what both nodes have measured."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import click

from appliance.cli.output import prints, put, wants_json
from appliance.cli.terminal import ShownLine, Tone
from appliance.config import Conf
from appliance.control.answers import ask_as
from appliance.control.client import AgentAbsent
from appliance.core.as_json import read_as
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import AshaError, ClusterError, SyncError
from appliance.core.gap_counts import Counts, share
from appliance.core.model import Node
from appliance.core.safe_deadtime import NodeFigures, Recommendation, checked, recommend
from appliance.core.text import printable
from appliance.host.paths import CONF
from appliance.host.virtual import virtual
from appliance.local_node import conf_and_node

_PATIENCE = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class TuneAnswer:
    """What `--json` prints. `problem`: why the other node's figures are missing, "" when they are not.

    `values`: the keys that `--apply` sets. The counts of each node are by the number of their bin (core/gap_counts.py).
    """

    recommendation: Recommendation
    nodes: tuple[NodeFigures, ...]
    values: dict[str, str]
    problem: str = ""


@click.command()
@click.option("--apply", is_flag=True, help="Set HADEADTIME on both nodes, and what must go with it.")
@prints(TuneAnswer)
def tune(apply: bool) -> None:
    """Say which HADEADTIME is safe: a living node is taken for dead less than once in ten years.

    Both agents count how long the other one was silent, and how late their own turns came, and keep ten days of it.
    Before a week of that there is no answer. A virtual machine or a container, which may be paused, is told a longer
    one. A HADEADTIME takes effect when the HA engine is next started on both nodes.
    """
    conf, node = conf_and_node()
    answer = _answer(conf, node)
    put(answer, _lines)
    if apply:
        _apply(conf, node, answer, quiet=wants_json())


def figures_here() -> NodeFigures:
    """Return the figures of this node. Raises AgentAbsent when no agent runs."""
    return replace(ask_as(NodeFigures, "silences", deadline=_PATIENCE), virtual=virtual())


def _answer(conf: Conf, node: Node) -> TuneAnswer:
    here, problem = figures_here(), ""
    figures: tuple[NodeFigures, ...] = (here,)
    try:
        figures = (here, _figures_there(conf, node))
    except AshaError as trouble:
        problem = str(trouble)
    found = recommend(figures)
    return TuneAnswer(found, figures, _values(found, conf), problem)


def _figures_there(conf: Conf, node: Node) -> NodeFigures:
    from appliance.sync.gate import NOT_FOR_THIS_KEY  # noqa: PLC0415 - 'tune --help' asks no other node
    from appliance.sync.peer_link import ask_once  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    try:
        said = ask_once(way_to_peer(conf, node), "tune", patience=_PATIENCE)
        return checked(read_as(NodeFigures, said.get("figures")))
    except ValueError as wrong:
        raise SyncError(f"The other node's figures are of no use: {wrong}.") from None
    except SyncError as problem:
        if NOT_FOR_THIS_KEY in str(problem):
            raise SyncError("The other node has an asha that does not know 'asha tune' yet.") from None
        raise


def _values(found: Recommendation, conf: Conf) -> dict[str, str]:
    """Return the keys to set: HADEADTIME, and a HAWARNTIME or HAINITDEAD that would contradict it."""
    if found.seconds is None:
        return {}
    values = {"HADEADTIME": f"{found.seconds:g}"}
    if conf.warntime >= found.seconds:
        values["HAWARNTIME"] = f"{(found.seconds + conf.keepalive) / 2:.2f}"
    if conf.initdead < found.seconds:
        values["HAINITDEAD"] = f"{found.seconds:g}"
    return values


def _apply(conf: Conf, node: Node, answer: TuneAnswer, *, quiet: bool) -> None:
    """Set the values on the other node, then here; on neither when the other one does not take them."""
    from appliance.config.edit import preview, set_values  # noqa: PLC0415 - looking alone needs no edits
    from appliance.core.answers import ConfSaved  # noqa: PLC0415
    from appliance.sync.peer_link import apply_at_peer  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    if answer.problem:
        raise ClusterError(
            f"Nothing was changed: HADEADTIME must be the same on both nodes. {answer.problem}",
            todo="Give the command again when 'asha tune' shows both nodes.",
        )
    if not answer.values:
        raise ClusterError(f"Nothing was changed: {answer.recommendation.says}.")
    preview(CONF, answer.values)  # what this node refuses must not be set on the other one first
    by = f"asha tune, by {os.environ.get('SUDO_USER') or os.environ.get('USER', 'root')}"
    name = conf.secondary_name if node is Node.PRIMARY else conf.primary_name
    there = apply_at_peer(
        way_to_peer(conf, node), name, answer.values, f"{by}, by way of {os.uname().nodename}"
    )
    if not there.ok:
        raise SyncError(f"Nothing was changed here. {there.says}")
    try:
        here = ask_as(ConfSaved, "conf set", values=answer.values, by=by, deadline=_PATIENCE).says
    except AgentAbsent:
        set_values(CONF, answer.values)
        here = "Saved; no agent runs here."
    if not quiet:
        click.echo(f"Here: {printable(here)}\n{printable(there.says)}")


def _lines(answer: TuneAnswer) -> Iterator[ShownLine]:
    found = answer.recommendation
    good = found.seconds is not None
    says = printable(found.says)
    yield ShownLine(f"{says[0].upper()}{says[1:]}.", tone=Tone.GOOD if good else Tone.DOUBTFUL)
    if answer.problem:
        yield ShownLine(f"The other node: {printable(answer.problem)}", 2, Tone.DOUBTFUL)
    for one in answer.nodes:
        yield from _of_node(one)
    if found.bounds:
        yield ShownLine("What HADEADTIME must be at least, by what is known so far:", tone=Tone.HEADLINE)
    for bound in sorted(found.bounds, key=lambda one: -one.seconds):
        yield ShownLine(f"  {bound.seconds:7.2f} s  {printable(bound.why)}", 13)
    yield from _what_now(answer)


def _of_node(one: NodeFigures) -> Iterator[ShownLine]:
    kind = printable(one.virtual) or "a real machine"
    head = f"{printable(one.name)}, the {printable(one.node)}: {kind}, HADEADTIME={one.deadtime:g}"
    yield ShownLine(head, tone=Tone.HEADLINE)
    yield ShownLine(
        f"  it heard the other node for {one.hours:.0f} h; silences up to {_spread(one.silences)}", 2
    )
    if one.silences.outages:
        yield ShownLine(
            f"  {one.silences.outages} times for more than a minute, which counts as an outage", 2
        )
    yield ShownLine(f"  its own turns came late by up to {_spread(one.turns)}", 2)


def _spread(counts: Counts) -> str:
    """Return how the counted times are spread, in words, and when the longest was."""
    if not counts.bins:
        return "(nothing was counted yet)"
    at = time.strftime("%b %d %H:%M", time.localtime(counts.longest_at))
    shares = ", ".join(f"{share(counts, part):.2f} s (but for 1 of {1 / part:.0f})" for part in (1e-2, 1e-4))
    return f"{shares}, {counts.longest:.2f} s (the longest, {at})"


def _what_now(answer: TuneAnswer) -> Iterator[ShownLine]:
    if not answer.values:
        return
    wanted = ", ".join(f"{key}={value}" for key, value in answer.values.items())
    seconds = answer.recommendation.seconds or 0.0
    if all(one.deadtime >= seconds for one in answer.nodes):
        yield ShownLine(f"HADEADTIME is safe as it is. 'asha tune --apply' would set {wanted}.")
    else:
        yield ShownLine(
            f"'asha tune --apply' sets {wanted} on both nodes; {ENGINE} takes it when it is next started."
        )
