"""Commands `asha backup` and `asha restore`: this node's own state in one file, and back from it."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from appliance import __version__
from appliance.cli.output import prints, put
from appliance.config import load, which_node
from appliance.core.backup import LeftOut, Manifest, RestoreEffect, RestoreStep, is_newer, why_other
from appliance.core.errors import AshaError, ClusterError, HostError, UserError
from appliance.core.text import printable
from appliance.host.bounded import read_all, read_file
from appliance.host.disk import replace_file
from appliance.host.paths import CONF
from appliance.local_node import CLOCK

_ONE_STREAM = "-"  # standard output, or standard input
_FILE = click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))


@dataclass(frozen=True, slots=True)
class BackupMade:
    """What `asha backup` wrote to `file`: so many `bytes`. `left_out`: what is there and is not in it, and why."""

    file: str
    bytes: int
    manifest: Manifest
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What `asha restore` did, or would do with `dry_run`. `in_the_way`: what has to be stopped first, in sentences."""

    dry_run: bool
    in_the_way: tuple[str, ...]
    manifest: Manifest
    steps: tuple[RestoreStep, ...]


@click.command()
@_FILE
@click.option(
    "--keys", is_flag=True, help="Include keys, and every file in /etc/asha that only root may read."
)
@prints(BackupMade)
def backup(file: str, *, keys: bool) -> None:
    """Write this node's own state to FILE, which only root can read; '-' is standard output.

    It has the conf file, what is in /etc/asha (profiles, certificates), the identity of the relay card, the page's
    users, the journal, and the records for charts and for 'asha tune'. It has nothing that is synchronised between the
    nodes, and nothing of a running service. The conf file may contain passwords. 'asha restore' is the way back.
    """
    from appliance.backup.archive import pack  # noqa: PLC0415 - other commands need no tar
    from appliance.backup.collect import collect  # noqa: PLC0415
    from appliance.backup.places import Places  # noqa: PLC0415

    _refuse_target(file)
    collected = collect(os.uname().nodename, _node_by(CONF), CLOCK.wall(), keys=keys, places=Places())
    packed = pack(collected.backup)
    _write(file, packed)
    made = BackupMade(file, len(packed), collected.backup.manifest, tuple(collected.left_out))
    put(made, _backup_lines, err=file == _ONE_STREAM)


@click.command()
@_FILE
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--of", "host", metavar="HOST", default="", help="Accept a backup of the node HOST on this machine."
)
@click.option("--newer", is_flag=True, help="Accept a backup that a newer version of asha has made.")
@prints(Restored)
def restore(file: str, *, dry_run: bool, host: str, newer: bool) -> None:
    """Put the state of this node back as it is in FILE, which 'asha backup' wrote; '-' is standard input.

    The whole file is verified first. HA and the agent must be stopped on this node. Each file that is replaced stays
    beside the new one as NAME.before-restore-TIME. A restore that was interrupted can be given again.
    """
    from appliance.backup.archive import unpack  # noqa: PLC0415
    from appliance.backup.places import Places  # noqa: PLC0415
    from appliance.backup.restore import plan, what_runs  # noqa: PLC0415

    if os.geteuid() != 0:
        raise HostError("Only root may restore a node's state.", todo="Run it as root.")
    found = unpack(_read(file))
    _refuse_other(found.manifest, host, newer=newer)
    planned = plan(found, Places(), CLOCK.wall())
    running = what_runs()
    if not dry_run:
        if running:
            raise ClusterError(f"Nothing was changed. {' '.join(running)}")
        planned.carry_out()
    put(Restored(dry_run, tuple(running), planned.backup.manifest, planned.steps), _restore_lines)


def _node_by(path: Path) -> str:
    """Return which node this machine is by the conf file at `path`, "" when it does not say."""
    try:
        return which_node(load(path, to_run=True), os.uname().nodename).value
    except AshaError:
        return ""


def _refuse_target(file: str) -> None:
    """Raise an error, before anything is read, when a backup should not be written to `file`."""
    if file == _ONE_STREAM:
        if sys.stdout.isatty():
            raise UserError(
                "A backup is not for a terminal.", todo="Name a file, or direct the output elsewhere."
            )
        return
    path = Path(file)
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise UserError(
            f"{printable(file)} is not a regular file.", todo="Name a new file, or one to be replaced."
        )


def _write(file: str, packed: bytes) -> None:
    try:
        if file == _ONE_STREAM:
            sys.stdout.buffer.write(packed)
            sys.stdout.buffer.flush()
        else:
            replace_file(Path(file), packed, 0o600)
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise HostError(f"{printable(file)} could not be written: {problem.strerror}.") from problem


def _read(file: str) -> bytes:
    from appliance.backup.archive import MOST_PACKED  # noqa: PLC0415

    if file == _ONE_STREAM:
        if sys.stdin.isatty():
            raise UserError("A backup is not typed at a terminal.", todo="Name its file.")
        return read_all(sys.stdin.buffer, MOST_PACKED, "Standard input")
    try:
        return read_file(Path(file), MOST_PACKED)
    except OSError as problem:
        raise UserError(f"{printable(file)} could not be read: {problem.strerror}.") from problem


def _refuse_other(manifest: Manifest, host: str, *, newer: bool) -> None:
    """Raise UserError for a backup of another node than this one or `host`, or of a newer version without `newer`."""
    why = why_other(manifest, host or os.uname().nodename, "" if host else _node_by(CONF))
    if why:
        raise UserError(f"{why} Nothing was changed.", todo=f"If you want it here: --of {manifest.host}.")
    if is_newer(manifest.version, __version__) and not newer:
        raise UserError(
            f"The backup was made by asha {manifest.version}, and this is {__version__}. Nothing was changed.",
            todo="Install that version, or accept the backup as it is with --newer.",
        )


def _backup_lines(made: BackupMade) -> Iterator[str]:
    keys = "with keys" if made.manifest.keys else "without keys"
    yield f"{printable(made.file)}: {_described(made.manifest)}, {keys}, {made.bytes} bytes."
    for one in made.left_out:
        yield f"left out   {printable(one.path)}: {one.why}"


def _restore_lines(done: Restored) -> Iterator[str]:
    yield f"Backup of {_described(done.manifest)}."
    for step in done.steps:
        kept = f", and what is there is kept as {Path(step.aside).name}" if step.aside else ""
        yield f"{step.effect:<10} {step.path}{kept}"
    for one in done.in_the_way if done.dry_run else ():
        yield f"first      {one}"
    yield _last_word(done)


def _last_word(done: Restored) -> str:
    changes = sum(step.effect != RestoreEffect.UNCHANGED.value for step in done.steps)
    if done.dry_run:
        return f"{_files(changes)} would change; nothing was changed."
    if not changes:
        return "Everything is as in the backup; nothing was changed."
    return (
        f"{_files(changes)} restored. Now: service asha start, service asha-panel restart, "
        "and 'asha ha start' when 'asha check' has nothing against it."
    )


def _described(manifest: Manifest) -> str:
    made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(max(0.0, manifest.made)))
    node = f"the {manifest.node} node " if manifest.node else ""
    return f"{_files(len(manifest.files))} of {node}{manifest.host}, {made}, asha {manifest.version}"


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"
