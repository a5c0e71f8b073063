"""Command `asha events`: show the journal, or follow it, or check that nobody changed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from appliance.cli.local_time import format_clock
from appliance.cli.output import prints, put_line
from appliance.control.client import AgentAbsent, ask
from appliance.core.errors import ClusterError
from appliance.core.journal_entry import JournalEntry, entry_text, read_entries
from appliance.core.text import printable

_FOLLOW_PERIOD = 0.2


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on showing entries as they are made.")
@click.option("--lines", "-n", default=50, show_default=True, help="How many of the newest to begin with.")
@click.option("--verify", is_flag=True, help="Check the hash chain and the invariants instead.")
@prints(
    Mapping[str, Any],
    each=True,
    note="An entry as it stands in the journal: `wall` (seconds since the epoch), `kind`, `number`, `prev` and `hash`, "
    "and the keys of its kind. With `--verify`: `says`, one finding.",
)
def events(follow: bool, lines: int, verify: bool) -> None:
    """Show the journal: every decision, order and relay move, with its reason."""
    if verify:
        _verify()
        return
    source = _follow() if follow else iter(_read(lines))
    for entry in source:
        put_line(entry.fields, lambda fields: printable(entry_line(JournalEntry(fields))))


def entry_line(entry: JournalEntry) -> str:
    """Return an entry as a line for people: local time with milliseconds, kind, and what the entry says."""
    return f"{format_clock(entry.wall)}  {entry.kind:<9} {entry_text(entry)}"


def _read(newest: int) -> list[JournalEntry]:
    from appliance.agent.journal import JournalFile  # noqa: PLC0415
    from appliance.host.paths import JOURNAL  # noqa: PLC0415

    return JournalFile(JOURNAL).entries(newest)


def _follow() -> Iterator[JournalEntry]:
    from appliance.host.clock import SystemClock  # noqa: PLC0415

    clock, number = SystemClock(), 0
    while True:
        try:
            entries = read_entries(ask("events", since=number))
        except AgentAbsent:
            entries, number = [], 0  # the agent is being restarted, and then numbers its entries from one
        for entry in entries:
            number = max(number, entry.number)
            yield entry
        clock.sleep(_FOLLOW_PERIOD)


def _verify() -> None:
    from appliance.agent.journal import JournalFile  # noqa: PLC0415
    from appliance.core.journal_rules import audit_journal  # noqa: PLC0415
    from appliance.host.paths import JOURNAL  # noqa: PLC0415

    file = JournalFile(JOURNAL)
    verdict = file.look_through()
    for line in verdict.named:
        _find(
            f"line {line}: what was before was spoilt, and asha has said so when it went on (a crash, a disk)"
        )
    if verdict.unfinished:
        _find(
            f"{verdict.unfinished} bytes behind the last entry are no whole line (a crash, a full disk): "
            "the next entry takes their place"
        )
    broken = verdict.broken
    if broken is not None:
        raise ClusterError(f"The journal {JOURNAL} does not hold at line {broken.line}: {broken.why}.")
    entries = file.entries()
    violations = list(audit_journal(entries))
    for violation in violations:
        _find(f"{violation.rule}: at {violation.at:.3f}: {violation.seen}")
    if violations:
        raise ClusterError(f"{len(violations)} invariants did not hold in {len(entries)} entries.")
    _find(f"{len(entries)} entries: the chain holds, and so does every invariant.")


def _find(says: str) -> None:
    put_line({"says": says}, lambda finding: finding["says"])
