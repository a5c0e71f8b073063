"""The report of this node, the peer's over the channel between the nodes, and both compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from appliance import __version__
from appliance.cli.checks.look import DEADLINE, Scene, gather, late, made
from appliance.cli.checks.registry import CHECKS, FACTS
from appliance.config import Conf, load, which_node
from appliance.core.as_json import read_as
from appliance.core.errors import AshaError, UserError
from appliance.core.host_check.finding import Finding, NodeReport, PairReport, fine, wrong
from appliance.core.host_check.pair import compare
from appliance.core.model import Node
from appliance.host.clock import Clock
from appliance.sync.errors import SyncProblem
from appliance.sync.gate import NOT_FOR_THIS_KEY
from appliance.sync.peer_link import ask_once
from appliance.sync.ssh import way_to_peer

Waiting = Callable[[Collection[str]], None]
QUESTION = "check"
# Seconds: to reach the other node, to start asha there, and for its looks, which have their own deadline.
_PEER_PATIENCE = DEADLINE + 15.0
_UPGRADE = "Bring asha there to this version, or run 'asha check' there."


def report_here(
    path: Path, clock: Clock, waiting: Waiting = lambda names: None, *, compared: bool = False
) -> NodeReport:
    """Return the report of this node by the conf file at `path`; it takes no longer than the looks' deadline.

    `compared`: it is to be laid beside the other node's, so it has facts.
    """
    began, name = clock.now(), os.uname().nodename
    try:
        known = _known(path)
    except AshaError as problem:
        return NodeReport(
            "", name, __version__, (_of_conf(problem),), time=clock.wall(), took=clock.now() - began
        )
    scene = Scene(known.conf, known.node, name, clock)
    findings, facts = _looked(scene, waiting, FACTS if compared else {})
    found = (known.finding, *findings)
    return NodeReport(known.node.value, name, __version__, found, facts, clock.wall(), clock.now() - began)


class _Known(NamedTuple):
    """The conf, which node this machine is, and what is to be said of both."""

    conf: Conf
    node: Node
    finding: Finding


def _known(path: Path) -> _Known:
    """Return conf and node; a host that was renamed under a running engine is the node that the engine knows.

    Raises UserError or HostError when the conf file is wrong, or this machine is neither node.
    """
    conf = load(path)
    try:
        node = which_node(conf, os.uname().nodename)
    except UserError as problem:
        from appliance.agent.active_conf import read_this_node  # noqa: PLC0415 - only for a host that was renamed

        node = read_this_node(path).node
        return _Known(conf, node, _of_conf(problem))
    right = fine(f"{path} has no problem; this node is the {node.value}")
    return _Known(conf, node, replace(right, what="conf"))


def _of_conf(problem: AshaError) -> Finding:
    return replace(wrong(str(problem.args[0]), problem.todo), what="conf")


def _looked(
    scene: Scene, waiting: Waiting, wanted: Mapping[str, Callable[[Scene], str]]
) -> tuple[list[Finding], dict[str, str]]:
    checks = [check for check in CHECKS if check.applies(scene.conf, scene.node)]
    jobs: dict[str, Callable[[], Finding | str]] = {
        **{check.what: partial(made, check, scene) for check in checks},
        **{f"fact {name}": partial(_fact, fact, scene) for name, fact in wanted.items()},
    }
    values = gather(jobs, scene.clock, DEADLINE, waiting)
    found = (values.get(check.what, late(check.what)) for check in checks)
    facts = {name: values.get(f"fact {name}") for name in wanted}
    return (
        [finding for finding in found if isinstance(finding, Finding)],
        {name: fact for name, fact in facts.items() if isinstance(fact, str) and fact},
    )


def _fact(fact: Callable[[Scene], str], scene: Scene) -> str:
    """Return a fact, "" when it cannot be had: a finding says so where that matters."""
    with suppress(AshaError, OSError):
        return fact(scene)
    return ""


def report_pair(path: Path, clock: Clock, waiting: Waiting = lambda names: None) -> PairReport:
    """Return the reports of both nodes, made at the same time, and their comparison."""
    try:
        conf, node, _ = _known(path)
    except AshaError:
        return PairReport(report_here(path, clock))  # which says what is wrong with the conf file
    jobs: dict[str, Callable[[], NodeReport | _Answer | Finding]] = {
        "this node": partial(report_here, path, clock, compared=True),
        "other node": partial(_ask, conf, node, clock),
    }
    done = gather(jobs, clock, _PEER_PATIENCE + DEADLINE, waiting)
    here, answer = done.get("this node"), done.get("other node", late("other node"))
    if not isinstance(here, NodeReport):
        here = NodeReport(node.value, os.uname().nodename, __version__, (late("this node"),))
    if not isinstance(answer, _Answer):
        return PairReport(here, None, (answer,) if isinstance(answer, Finding) else ())
    return PairReport(here, answer.report, compare(here, answer.report, answer.sent, answer.received))


@dataclass(frozen=True, slots=True)
class _Answer:
    """The peer's report, and the epoch seconds of our clock when it was asked for and when it was here."""

    report: NodeReport
    sent: float
    received: float


def _ask(conf: Conf, node: Node, clock: Clock) -> _Answer | Finding:
    """Return the peer's answer, or the finding why there is none."""
    way = way_to_peer(conf, node)
    sent = clock.wall()
    try:
        answer = ask_once(way, QUESTION, patience=_PEER_PATIENCE)
        return _Answer(read_as(NodeReport, answer.get("report")), sent, clock.wall())
    except ValueError as problem:
        found = wrong(f"{way.host} answers in no language of ours ({problem}).", _UPGRADE)
    except SyncProblem as problem:
        if NOT_FOR_THIS_KEY in str(problem.args[0]):
            found = wrong(
                f"asha on {way.host} is an older version, which does not know this question.", _UPGRADE
            )
        else:
            found = wrong(str(problem.args[0]), problem.todo or f"Run 'asha check' on {way.host} itself.")
    except AshaError as problem:
        found = wrong(str(problem.args[0]), problem.todo)
    return replace(found, what="other node")
