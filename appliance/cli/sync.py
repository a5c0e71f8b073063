"""Command `asha sync`: fetch the data now, and say how synchronisation stands."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from appliance.cli.output import agree, prints, put, say, tells
from appliance.cli.output import keep as keep_fields
from appliance.control.status import ask_status
from appliance.core.errors import SyncError, UserError
from appliance.core.held_back import HeldBack
from appliance.core.model import Node
from appliance.core.text import format_duration, format_progress, printable
from appliance.host.disk import is_held
from appliance.host.stream import die_with_parent
from appliance.local_node import CLOCK, PLACES, conf_and_node
from appliance.sync.errors import Fault, SyncProblem, problems_named
from appliance.sync.state import State, age, read_state
from appliance.sync.store import Attempt, Conflict, Store

# What makes a pass is loaded by the commands that make one: it takes longer than 'asha sync status' does.
if TYPE_CHECKING:
    from appliance.sync.conflicts import Conflicts
    from appliance.sync.sync_pass import PassResult, Progress

_SHOWN_NAMES = 20
_LAST_AGAIN = 0.1


@dataclass(frozen=True, slots=True)
class Synchronised:
    """What a pass found and did, or with --dry-run would do. `says`: that in sentences for people.

    `generation`: the number under which it was put in place, 0 when nothing was. `changed`, `removed`: paths.
    `conflicts`: paths changed on both nodes. `messages`: how many voicemail messages were added. `left`: how many files
    are still being written there. `held`: what is left out because something is wrong with it.
    """

    says: tuple[str, ...] = ()
    generation: int = 0
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    messages: int = 0
    left: int = 0
    held: tuple[HeldBack, ...] = ()


@click.group(invoke_without_command=True)
@click.option("--now", is_flag=True, help="Also with HASYNCH=LOOSE, and after a pass that is under way.")
@click.option("--dry-run", is_flag=True, help="Only say what differs.")
@click.option("--deep", is_flag=True, help="Compare ACLs and extended attributes too: twice as long.")
@click.option(
    "--accept-loss", is_flag=True, help="Take the other node's data although many files have vanished there."
)
@click.option("--discard", is_flag=True, help="Give up what was written here while this node served.")
@click.option("--yes", is_flag=True, help="With --discard: do not ask again.")
@tells(Synchronised)
@click.pass_context
def sync(
    context: click.Context,
    *,
    now: bool,
    dry_run: bool,
    deep: bool,
    accept_loss: bool,
    discard: bool,
    yes: bool,
) -> None:
    """Fetch what differs from the active node: one pass, verified, then put in place as a whole.

    On the primary after a failover: merge what the secondary has got while it served. The agent does this
    automatically, at every change and every SYNCPERIOD; this is for the impatient.
    """
    if context.invoked_subcommand is not None:
        return
    from appliance.sync.peer_link import PeerLink  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415
    from appliance.sync.sync_pass import Request  # noqa: PLC0415
    from appliance.sync_setup import own_duty, session  # noqa: PLC0415

    conf, node = conf_and_node()
    if discard:
        if dry_run:
            raise click.UsageError("--discard and --dry-run exclude each other.")
        _give_up(agreed=yes)
    duty = partial(own_duty, asked_for=now)
    request = Request("an operator asked for it", deep=deep, accept_loss=accept_loss, dry_run=dry_run)
    here = session(conf, node, duty, live=duty().live)
    with PeerLink(way_to_peer(conf, node)) as peer, bar() as progress:
        outcome = here.run(peer, request, progress, patient=now)
    tell_outcome(outcome, dry_run)


def tell_outcome(outcome: PassResult, dry_run: bool) -> None:
    """Say what a pass found, and keep it for the document of a command that tells with `Synchronised`."""
    paths = {"changed": outcome.changed, "removed": outcome.removed, "conflicts": outcome.conflicts}
    keep_fields(
        generation=outcome.generation,
        messages=outcome.messages,
        left=outcome.left,
        held=tuple(outcome.held),
        **{name: tuple(map(printable, found)) for name, found in paths.items()},
    )
    say(*outcome_lines(outcome, dry_run))


def _give_up(*, agreed: bool) -> None:
    """Drop the mark that this node has newer data.

    Raises SyncError when the agent knows of no newer data here.
    """
    from appliance.sync.newer_data_mark import drop_mark  # noqa: PLC0415

    if not ask_status().data.newer:
        raise SyncError("There is nothing to give up: this node has no data of its own, or serves.")
    if not agreed:
        agree(
            "What was written here while this node served is then replaced by the other node's, and is left in"
            " quarantine only. Go on?"
        )
    drop_mark(PLACES)


@dataclass(slots=True)
class SyncAnswer(State):
    """How the data of this node stand.

    `age`: seconds since our data were last known to equal the peer's, null for never. `verified_at` is the same in
    seconds since the epoch. `held`: what is left out because something is wrong with it. `phase`, `done`, `total`: the
    pass under way, "" when none is.
    """

    age: float | None = None


@sync.command()
@prints(SyncAnswer)
def status() -> None:
    """How old this node's copy is, and what is wrong."""
    state = read_state(PLACES.state)
    known = {name: getattr(state, name) for name in State.__dataclass_fields__}
    put(SyncAnswer(**known, age=age(state, CLOCK.wall())), _status_lines)


def _status_lines(state: SyncAnswer) -> Iterator[str]:
    if state.age is None:
        yield "never synchronised"
    else:
        yield f"in step {format_duration(state.age)} ago, generation {state.generation}"
    for line in (state.unsettled, state.problem, *state.warnings, state.telephony, state.postsync):
        if line:
            yield f"  ! {printable(line)}"
    for one in state.held:
        yield f"  ! {one}"
        yield f"    since {time.strftime('%F %T', time.localtime(one.since))}"
    if state.held_more:
        yield f"  ! {state.held_more} more items are held back"
    if state.phase and is_held(PLACES.lock):  # else it was killed, and could not say that it is over
        yield f"  under way: {format_progress(state.phase, state.done, state.total)}"


@sync.command()
@click.option("--count", default=20, show_default=True, help="How many, newest first.")
@prints(tuple[Attempt, ...], note="Newest first.")
def history(count: int) -> None:
    """Show what the last passes found, newest first."""
    with problems_named(), contextlib.closing(Store(PLACES.store)) as store:
        attempts = store.attempts(count)
    put(attempts, lambda found: map(_attempt_line, found))


def _attempt_line(one: Attempt) -> str:
    when = time.strftime("%F %T", time.localtime(one.at))
    number = f"#{one.generation}" if one.generation else ""
    return f"{when}  {one.seconds:8.2f} s  {number:>6}  {one.outcome:<10} {printable(one.says)}"


@sync.command(hidden=True)
def last() -> None:
    """Merge once more before Asterisk starts here (the agent runs this, and ends it at MERGEDEADLINE)."""
    from appliance.sync.peer_link import PeerLink  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415
    from appliance.sync.sync_pass import Request  # noqa: PLC0415
    from appliance.sync_setup import own_duty, progress_in_state, session  # noqa: PLC0415

    die_with_parent()
    conf, node = conf_and_node()
    here, tell = session(conf, node, partial(own_duty, last=True)), progress_in_state()
    with PeerLink(way_to_peer(conf, node)) as peer:
        while True:
            try:
                here.run(peer, Request("service comes here"), tell, patient=True)
            except SyncProblem as problem:
                # The peer's agent may still be telling that it has let go.
                if problem.kind not in (Fault.NOT_ALLOWED, Fault.SICK_SOURCE):
                    raise
                CLOCK.sleep(_LAST_AGAIN)
            else:
                return


@contextlib.contextmanager
def bar() -> Iterator[Progress]:
    """Yield a progress function: a bar if standard error is a terminal, else one that does nothing."""
    if not sys.stderr.isatty():
        yield lambda phase, done, total: None
        return
    from rich import progress as rich_progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415 - its import costs more than most passes

    columns = (
        rich_progress.BarColumn(bar_width=24),
        rich_progress.TextColumn("{task.description}"),
        rich_progress.TimeRemainingColumn(compact=True),
    )
    with rich_progress.Progress(*columns, transient=True, console=Console(stderr=True)) as shown:
        task, said = shown.add_task("", total=None), ""

        def progress(phase: str, done: int, total: int) -> None:
            nonlocal task, said
            words, is_new = format_progress(phase, done, total), phase != said
            if is_new:  # a bar of its own: a total that was known once cannot become unknown
                shown.refresh()
                shown.remove_task(task)
                task, said = shown.add_task(words, total=total or None), phase
            shown.update(task, description=words, completed=done, total=total or None, refresh=is_new)

        yield progress


def outcome_lines(outcome: PassResult, dry_run: bool) -> list[str]:
    """Return what a pass found, as lines for people."""
    warnings = [printable(says) for says in (*outcome.warnings, outcome.telephony) if says]
    held = [f"  ! {one}" for one in outcome.held[:_SHOWN_NAMES]]
    if more := len(outcome.held) - len(held):
        held.append(f"  and {more} more are held back")
    if outcome.same and not outcome.left:
        return ["Nothing differs.", *held, *warnings]
    word = "would be" if dry_run else "were"
    lines = [f"{len(outcome.changed)} {word} brought here, {len(outcome.removed)} {word} removed."]
    if outcome.generation:
        lines[0] += f" Generation {outcome.generation} is in place."
    if outcome.messages:
        lines.append(f"{outcome.messages} voicemail messages {word} added.")
    if outcome.conflicts:
        lines.append(f"{len(outcome.conflicts)} changed on both nodes: ours stay, theirs {word} kept aside.")
    if outcome.left:
        lines.append(f"{outcome.left} are still being written there and come with the next pass.")
    names = [
        *(f"  + {printable(path)}" for path in outcome.changed),
        *(f"  - {printable(path)}" for path in outcome.removed),
        *(f"  ! {printable(path)}" for path in outcome.conflicts),
    ]
    if dry_run:
        lines += names[:_SHOWN_NAMES]
        lines += [f"  and {len(names) - _SHOWN_NAMES} more"] if len(names) > _SHOWN_NAMES else []
    return [*lines, *held, *warnings]


# Command `asha conflicts`: list what both nodes have changed, and choose which version stays.


@dataclass(frozen=True, slots=True)
class ConflictShown:
    """A path that both nodes have changed. `kept`: where the other node's version is. `at`: seconds since the epoch."""

    path: str
    kept: str
    at: float
    why: str


@click.group(invoke_without_command=True)
@prints(tuple[ConflictShown, ...])
@click.pass_context
def conflicts(context: click.Context) -> None:
    """List what was changed on both nodes while they were apart.

    This node's version is in place; the other's is kept aside at the place that is shown.
    """
    if context.invoked_subcommand is not None:
        return
    found = _conflicts().open()
    names = [ConflictShown(os.fsdecode(one.path), os.fsdecode(one.kept), one.at, one.why) for one in found]
    put(names, lambda _: _conflict_lines(found))


def _conflict_lines(found: Iterable[Conflict]) -> Iterator[str]:
    none = True
    for one in found:
        none = False
        when = time.strftime("%F %T", time.localtime(one.at))
        yield f"{printable(one.path)}\n    {printable(one.why)}, seen {when}"
        yield f"    the other node's: {printable(one.kept)}"
    if none:
        yield "No conflicts."
    else:
        yield "'asha conflicts take PATH' takes the other node's, 'asha conflicts keep PATH' keeps ours."


@conflicts.command()
@tells()
@click.argument("path")
def take(path: str) -> None:
    """Put the other node's version of PATH in place; ours is kept beside it."""
    ours = _conflicts().take_theirs(os.fsencode(path))
    say(f"The other node's {printable(path)} is in place. Ours was kept: {printable(os.fsencode(ours))}")


@conflicts.command()
@tells()
@click.argument("path")
def keep(path: str) -> None:
    """Keep our version of PATH, and remove the other node's."""
    _conflicts().keep_ours(os.fsencode(path))
    say(f"{printable(path)} stays as it is here.")


def _conflicts() -> Conflicts:
    from appliance.sync.conflicts import Conflicts  # noqa: PLC0415
    from appliance.sync_setup import vet_for  # noqa: PLC0415

    conf, node = conf_and_node()
    if node is not Node.PRIMARY:
        raise UserError(f"The merge is made by the primary ({conf.primary_name}): do this there.")
    return Conflicts(conf, PLACES, CLOCK, vet_for(conf))
