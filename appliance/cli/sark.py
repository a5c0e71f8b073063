"""Command `asha sark`: compare the settings of SARK and of the conf file, and choose which of them stay."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

import click

from appliance.cli.output import prints, put
from appliance.config import load
from appliance.control.answers import ask_as
from appliance.control.client import AgentAbsent
from appliance.core.answers import SarkChanges, SarkView
from appliance.core.errors import ClusterError
from appliance.host.paths import JOURNAL
from appliance.local_node import CLOCK

if TYPE_CHECKING:
    from appliance.sark.mirror import Done, Mirror

# Seconds: the database may be locked for seconds, and one pass follows the other.
_PATIENCE = 40.0
_dry = click.option("--dry-run", is_flag=True, help="Only say what would be changed.")


@click.group(invoke_without_command=True)
@prints(SarkView)
@click.pass_context
def sark(context: click.Context) -> None:
    """SARK's high-availability settings and those of the conf file, which follow each other."""
    if context.invoked_subcommand is None:
        _show()


@sark.command("status")
@prints(SarkView)
def sark_status() -> None:
    """Both sides, side by side, and what needs a decision."""
    _show()


@sark.command("follow")
@prints(SarkChanges)
def sark_follow() -> None:
    """Bring over now what only one side has changed, as the agent does automatically. Conflicts stay."""
    try:
        done = ask_as(SarkChanges, "sark follow", deadline=_PATIENCE, by=_asker())
    except AgentAbsent as absent:
        receives = "" if load().synch == "LOOSE" else str(absent)
        done = _by_hand(_mirror().follow(receives=receives), dry_run=False)
    _tell(done, dry_run=False)


@sark.command("pull")
@prints(SarkChanges)
@_dry
@click.option("--blank", is_flag=True, help="A blank cluster address is taken too: the cluster is given up.")
def sark_pull(dry_run: bool, blank: bool) -> None:
    """SARK's values win: the conf file takes every one that is right."""
    try:
        done = ask_as(SarkChanges, "sark pull", deadline=_PATIENCE, by=_asker(), dry_run=dry_run, blank=blank)
    except AgentAbsent:
        done = _by_hand(_mirror().pull(blank=blank, dry_run=dry_run), dry_run=dry_run)
    _tell(done, dry_run=dry_run)


@sark.command("push")
@prints(SarkChanges)
@_dry
def sark_push(dry_run: bool) -> None:
    """Have SARK's row take the conf file's values. Not on a node whose data come from the other node."""
    try:
        done = ask_as(SarkChanges, "sark push", deadline=_PATIENCE, by=_asker(), dry_run=dry_run)
    except AgentAbsent as absent:
        _refuse_unless_apart(absent)
        done = _by_hand(_mirror().push(dry_run=dry_run), dry_run=dry_run)
    _tell(done, dry_run=dry_run)


def _show() -> None:
    try:
        view = ask_as(SarkView, "sark", deadline=_PATIENCE)
    except AgentAbsent:
        view = _mirror().look().answer(writes=None, why="the agent does not run")
    put(view, lines)


def lines(view: SarkView) -> list[str]:
    """Return the two columns of settings as lines for people."""
    rows = [("", "the conf file", "SARK", "")]
    rows += [(one.key, one.conf, one.sark, _word(one.state)) for one in view.settings]
    rows += [(column, "", value, "shown only") for column, value in view.shown.items()]
    wide = [max(len(row[place]) for row in rows) for place in range(3)]
    table = [
        "  ".join(text.ljust(width) for text, width in zip(row, (*wide, 0), strict=True)) for row in rows
    ]
    problems = [f"  ! {problem}" for problem in view.problems]
    written = [] if view.writes else [f"SARK is not written to from here: {view.why}."]
    return [f"SARK's database: {view.database}", *(row.rstrip() for row in table), *problems, *written]


def _word(state: str) -> str:
    words = {"agreed": "", "conflict": "CONFLICT", "wrong": "WRONG", "silent": "SARK does not say"}
    words |= {"absent": "not in this SARK", "pull": "changed in SARK", "push": "changed in the conf file"}
    return words[state]


def _tell(done: SarkChanges, *, dry_run: bool) -> None:
    put(done, lambda changes: _change_lines(changes, dry_run=dry_run))


def _change_lines(done: SarkChanges, *, dry_run: bool) -> list[str]:
    would = "would take" if dry_run else "has taken"
    said = [f"The conf file {would} {change}" for change in done.pulled]
    said += [f"SARK {would} {change}" for change in done.pushed]
    said += [f"  ! {problem}" for problem in ([] if dry_run else done.problems)]
    return said or ["They agree: nothing was changed."]


def _by_hand(done: Done, *, dry_run: bool) -> SarkChanges:
    """Write the journal entries that the agent would write, and return `done` as the agent would answer."""
    from appliance.agent.journal import JournalFile  # noqa: PLC0415 - only without an agent

    sides = (
        ("the conf file has followed SARK", done.pulled),
        ("SARK has followed the conf file", done.pushed),
    )
    for what, changes in sides:
        if changes and not dry_run:
            says = f"{what}: {'; '.join(map(str, changes))}"
            entry = {
                "at": round(CLOCK.now(), 6),
                "wall": round(CLOCK.wall(), 3),
                "kind": "sark",
                "says": says,
            }
            JournalFile(JOURNAL).append({**entry, "keys": [change.key for change in changes], "by": _asker()})
    return done.view.changes(done.pulled, done.pushed)


def _refuse_unless_apart(absent: AgentAbsent) -> None:
    """Raise ClusterError unless HASYNCH is LOOSE.

    Without synchronisation nothing overwrites what is written to SARK's row, whichever node this is.
    """
    if load().synch != "LOOSE":
        raise ClusterError(
            f"{absent} Only it knows whether this node's data come from the other node, which would overwrite "
            "SARK's row."
        ) from None


def _mirror() -> Mirror:
    from appliance.cluster.installed import engine_identity  # noqa: PLC0415 - only without an agent
    from appliance.sark.mirror import Mirror  # noqa: PLC0415

    return Mirror(os.uname().nodename, engine_runs=lambda: bool(engine_identity()))


def _asker() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER", "root")


# Command `asha provision-address`: print the address that telephones are to register to.


# A word of Python is among its keys.
ProvisionAddress = TypedDict("ProvisionAddress", {"address": str, "from": str, "device": str})
ProvisionAddress.__doc__ = "`from`: whether the telephones' address is the `cluster`'s or this node's `own`."


@click.command("provision-address")
@prints(ProvisionAddress)
def provision_address() -> None:
    """Print the address telephones are to be provisioned with.

    The cluster address (HACLUSTERIP, or HACLUSTERIP6 where that is alone) when HAUSECLUSTER=YES, else this node's own
    on HADEV. The agent keeps it in /etc/asha/provision-address, and for PHP in /etc/asha/provision-address.php.
    """
    from appliance.agent.components.provisioning import address_for_telephones  # noqa: PLC0415 - it is the agent's

    conf = load()
    address = address_for_telephones(conf)
    cluster = bool(conf.use_cluster and conf.addresses)
    answer: ProvisionAddress = {
        "address": address,
        "from": "cluster" if cluster else "own",
        "device": conf.device,
    }
    put(answer, lambda _: [address])
