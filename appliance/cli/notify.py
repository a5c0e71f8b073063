"""Command `asha notify`: show how alerts go out, test every way, and (hidden) deliver what waits."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import click

from appliance.cli.output import keep, prints, put, say, tells
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.core.errors import HostError, UserError
from appliance.host.disk import locked
from appliance.host.stream import die_with_parent
from appliance.local_node import CLOCK, conf_and_node
from appliance.notify.notice import Notice, way_names
from appliance.notify.spool import Spool, WayState
from appliance.notify.transport import Transport, Undelivered, send

SPOOL = Spool()


@dataclass(frozen=True, slots=True)
class WaitingAlert:
    """An alert that has not gone out. `at`: seconds since the epoch. `over`: it tells that a trouble has ended.

    `page`: where the page of either node says what it means. `owed`: the ways by which it has not gone out yet.
    """

    id: str
    node: str
    host: str
    at: float
    key: str
    kind: str
    page: str
    severity: str
    subject: str
    text: str
    over: bool
    owed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotifyAnswer:
    """How alerts go out. `ways`: by the name of each way that is set up; none when no alert is configured."""

    ways: Mapping[str, WayState]
    waiting: tuple[WaitingAlert, ...]


@dataclass(frozen=True, slots=True)
class NotifyTested:
    """`says`: how each way went, in words. `ways`: what is wrong with each way, "" when it is not."""

    says: tuple[str, ...] = ()
    ways: Mapping[str, str] = field(default_factory=dict)


@click.group(invoke_without_command=True)
@prints(NotifyAnswer)
@click.pass_context
def notify(context: click.Context) -> None:
    """Say how alerts go out: by which ways, what waits, and what is wrong with a way.

    The keys MAILTO and NOTIFY... of the conf file set the ways up.
    """
    if context.invoked_subcommand is None:
        _show()


@notify.command()
@prints(NotifyAnswer)
def status() -> None:
    """How each way is doing, and the alerts that have not gone out."""
    _show()


def _show() -> None:
    conf, _ = conf_and_node()
    known = SPOOL.ways().by_name
    waiting = tuple(WaitingAlert(**notice.document(), owed=notice.owed) for notice in SPOOL.waiting())
    put(NotifyAnswer({name: known.get(name, WayState()) for name in way_names(conf)}, waiting), status_lines)


def status_lines(answer: NotifyAnswer) -> list[str]:
    """Return the answer as lines for people."""
    if not answer.ways:
        return ["No alerts are configured: set MAILTO or a NOTIFY key in /etc/asha.conf."]
    lines = [
        f"{name:<8} {'! ' + way.problem if way.problem else 'ok' if way.delivered else 'not used yet'}"
        for name, way in answer.ways.items()
    ]
    lines.append(f"Waiting: {len(answer.waiting)}." if answer.waiting else "Nothing waits.")
    for notice in answer.waiting:
        when = time.strftime("%b %d %H:%M:%S", time.localtime(notice.at))
        lines.append(f"  {when}  {notice.subject}  (for {', '.join(notice.owed)})")
    return lines


@notify.command()
@tells(NotifyTested)
def test() -> None:
    """Send a test alert by every way that is set up, now, and say how each went."""
    from appliance.notify.channels import transports  # noqa: PLC0415 - mail, web and names cost more than the rest

    conf, node = conf_and_node()
    host = os.uname().nodename
    ways = transports(conf, host, CLOCK)
    if not ways:
        raise UserError(
            "No alert method is configured.",
            todo="Set one, such as 'asha conf set MAILTO you@example.com'; asha.conf(5) has the others, NOTIFY...",
        )
    text = "This is a test of the way that alerts take. Nothing has happened."
    alert = Alert("test", AlertKind.TEST, Severity.NOTICE, "a test", text)
    notice = Notice(os.urandom(8).hex(), alert, node.value, host, CLOCK.wall())
    problems = {way.name: _problem(way, notice) for way in ways}
    keep(ways=problems)
    if failed := [name for name, problem in problems.items() if problem]:
        raise HostError(f"The test alert did not go out by {', '.join(failed)}.")


def _problem(way: Transport, notice: Notice) -> str:
    """Send the notice by `way`, say how that went, and return what was wrong, "" when nothing was."""
    problem = ""
    try:
        send(way, notice)
    except Undelivered as undelivered:
        problem = str(undelivered) or "not delivered"
    say(f"{way.name}: {problem or 'ok'}")
    return problem


@notify.command(hidden=True)
def deliver() -> None:
    """Deliver what waits, and end (the agent runs this)."""
    from appliance.notify.channels import transports  # noqa: PLC0415
    from appliance.notify.deliver import Delivery  # noqa: PLC0415

    die_with_parent()
    os.nice(10)
    conf, _ = conf_and_node()
    with locked(SPOOL.lock) as held:
        if held is not None:  # otherwise another process delivers already
            Delivery(SPOOL, transports(conf, os.uname().nodename, CLOCK), CLOCK, _say).run()


def _say(words: str) -> None:
    """Print `words` as one line for the agent, which puts it in the journal."""
    click.echo(" ".join(words.split()))
