"""Command `asha history`: show the last transfers of this node, with the time that each phase took."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from appliance.cli.local_time import format_clock
from appliance.cli.output import prints, put
from appliance.cli.terminal import ShownLine, Tone
from appliance.core.text import printable_lines
from appliance.core.transfer_history import PastTransfer

if TYPE_CHECKING:
    from appliance.core.drill import PastDrill
    from appliance.core.transfer_history import PastPhase

# The column in which the notes of a transfer's phases begin.
_NOTES = 28


@click.command()
@click.option("-n", "--newest", type=click.IntRange(1, 50), default=10, show_default=True, help="How many.")
@prints(tuple[PastTransfer, ...], note="Newest first.")
def history(newest: int) -> None:
    """Show how service came to this node and left it: when, why, and the milliseconds of each phase.

    It is read from the journal, also while the agent does not run. Drills are shown among them.
    """
    put(_read(newest), lambda found: _lines(found, newest))


def _lines(found: list[PastTransfer], newest: int) -> Iterable[ShownLine]:
    told = [(one.began, transfer_text(one)) for one in found]
    told += [(one.at, drill_text(one)) for one in _drills(newest)]
    texts = "\n\n".join(printable_lines(text) for _, text in sorted(told)[-newest:])
    return map(_history_line, (texts or "Nothing has happened yet.").split("\n"))


def _history_line(text: str) -> ShownLine:
    return ShownLine(text, _NOTES) if text.startswith("  ") else ShownLine(text, tone=Tone.HEADLINE)


def _read(newest: int) -> list[PastTransfer]:
    from appliance.agent.journal_file import JournalFile  # noqa: PLC0415
    from appliance.core.transfer_history import KINDS, newest_transfers  # noqa: PLC0415
    from appliance.host.paths import JOURNAL  # noqa: PLC0415
    from appliance.local_node import conf_and_node  # noqa: PLC0415

    return newest_transfers(JournalFile(JOURNAL).backwards(KINDS), newest, conf_and_node()[1])


def _drills(newest: int) -> list[PastDrill]:
    from appliance.agent.journal import JournalFile  # noqa: PLC0415
    from appliance.core.drill import KINDS, past_drills  # noqa: PLC0415
    from appliance.host.paths import JOURNAL  # noqa: PLC0415

    return list(itertools.islice(past_drills(JournalFile(JOURNAL).backwards(KINDS)), newest))


def drill_text(drill: PastDrill) -> str:
    """Return a drill as text for people: a headline, and a row for each phase with its bound."""
    by = f"  (by {drill.by})" if drill.by else ""
    says = f": {drill.says}" if drill.says else ""
    return "\n".join(
        [
            f"{format_clock(drill.at)}  drill {drill.outcome}{says}{by}",
            *(f"    {step}" for step in drill.steps),
        ]
    )


def transfer_text(transfer: PastTransfer) -> str:
    """Return a transfer as text for people: a headline, and a row for each phase with how long it lasted."""
    clock = format_clock(transfer.began)
    took = "" if transfer.took is None else f" after {transfer.took:.3f} s"
    head = f"{clock}  {transfer.node} {transfer.goal}: {transfer.ended}{took}  ({transfer.reason})"
    return "\n".join([head, *itertools.starmap(_row, transfer.lasted())])


def _row(phase: PastPhase, lasted: float | None) -> str:
    spent = "" if lasted is None else f"{1000 * lasted:8.0f} ms"
    return f"  {spent:>11}  {phase.phase:<{_NOTES - 16}} {phase.note}".rstrip()
