"""Command `asha notify`: show how alerts go out, test every way, and (hidden) deliver what waits."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from typing import Any

import click

from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.core.errors import HostError, UserError
from appliance.host.disk import locked
from appliance.host.stream import die_with_parent
from appliance.local_node import CLOCK, conf_and_node
from appliance.notify.channels import transports
from appliance.notify.deliver import Delivery
from appliance.notify.notice import Notice, way_names
from appliance.notify.spool import Spool, WayState
from appliance.notify.transport import Transport, Undelivered, send

SPOOL = Spool()


@click.group(invoke_without_command=True)
@click.pass_context
def notify(context: click.Context) -> None:
    """Say how alerts go out: by which ways, what waits, and what is wrong with a way.

    The keys MAILTO and NOTIFY... of the conf file set the ways up.
    """
    if context.invoked_subcommand is None:
        context.invoke(status, as_json=False)


@notify.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """How each way is doing, and the alerts that have not gone out."""
    document = _document()
    click.echo(json.dumps(document, indent=2) if as_json else "\n".join(status_lines(document)))


def _document() -> dict[str, Any]:
    conf, _ = conf_and_node()
    known = SPOOL.ways().by_name
    waiting = SPOOL.waiting()
    return {
        "ways": {name: asdict(known.get(name, WayState())) for name in way_names(conf)},
        "waiting": [{**notice.document(), "owed": list(notice.owed)} for notice in waiting],
    }


def status_lines(document: dict[str, Any]) -> list[str]:
    """Return the document as lines for people."""
    if not document["ways"]:
        return ["No alerts are configured: set MAILTO or a NOTIFY key in /etc/asha.conf."]
    lines = [
        f"{name:<8} {'! ' + way['problem'] if way['problem'] else 'ok' if way['delivered'] else 'not used yet'}"
        for name, way in document["ways"].items()
    ]
    waiting = document["waiting"]
    lines.append(f"Waiting: {len(waiting)}." if waiting else "Nothing waits.")
    for notice in waiting:
        when = time.strftime("%b %d %H:%M:%S", time.localtime(notice["at"]))
        lines.append(f"  {when}  {notice['subject']}  (for {', '.join(notice['owed'])})")
    return lines


@notify.command()
def test() -> None:
    """Send a test alert by every way that is set up, now, and say how each went."""
    conf, node = conf_and_node()
    host = os.uname().nodename
    ways = transports(conf, host, CLOCK)
    if not ways:
        raise UserError(
            "No alert method is configured.", todo="Set MAILTO, or one of the NOTIFY keys ('asha conf')."
        )
    text = "This is a test of the way that alerts take. Nothing has happened."
    alert = Alert("test", AlertKind.TEST, Severity.NOTICE, "a test", text)
    notice = Notice(os.urandom(8).hex(), alert, node.value, host, CLOCK.wall())
    failed = [way.name for way in ways if not _went(way, notice)]
    if failed:
        raise HostError(f"The test alert did not go out by {', '.join(failed)}.")


def _went(way: Transport, notice: Notice) -> bool:
    try:
        send(way, notice)
    except Undelivered as problem:
        click.echo(f"{way.name}: {problem}")
        return False
    click.echo(f"{way.name}: ok")
    return True


@notify.command(hidden=True)
def deliver() -> None:
    """Deliver what waits, and end (the agent runs this)."""
    die_with_parent()
    os.nice(10)
    conf, _ = conf_and_node()
    with locked(SPOOL.lock) as held:
        if held is not None:  # otherwise another process delivers already
            Delivery(SPOOL, transports(conf, os.uname().nodename, CLOCK), CLOCK, _say).run()


def _say(words: str) -> None:
    """Print `words` as one line for the agent, which puts it in the journal."""
    click.echo(" ".join(words.split()))
