"""The findings of a scenario about the data: a table for people, figures for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from hwsim.demo.ledger import Era, Lags, Row, faults

# The cron job of asha 1.0.0-2 copied once a minute, and never back.
_SEED_LAG = "up to 60 s"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The account of the data after the way back.

    `back`: lags from the secondary to the primary that stands by. `failback` is the seconds from the command
    to the line in service at home, `told` to the command's own "Done". `conflicts`: what was changed on both
    nodes, and whether both versions are there.
    """

    rows: Sequence[Row]
    lags: Lags
    back: Lags
    failback: float
    told: float
    conflicts: dict[str, bool]

    def problems(self) -> list[str]:
        """Return why this is no success; empty when it is one."""
        aside = [f"a version is lost: {path}" for path, both in self.conflicts.items() if not both]
        return faults(self.rows) + aside

    def lines(self) -> list[str]:
        """Return the lines below the table."""
        kept = "both versions kept" if all(self.conflicts.values()) else "NOT BOTH KEPT"
        return [
            f"conflicts: {len(self.conflicts)}, {kept}: the primary's in place, the secondary's in 'asha conflicts'",
            f"lag to the standby: {self.lags.words()}; asha 1.0.0-2: {_SEED_LAG}",
            f"lag back to the primary standing by: {self.back.words()}; asha 1.0.0-2: never",
            f"failback: line in service at home after {self.failback:.2f} s, done after {self.told:.2f} s",
        ]

    def table(self) -> Table:
        """Return a table with one row for each kind of data."""
        table = Table(
            title="the data after failover and way back, looked at from outside",
            title_justify="left",
            padding=(0, 1, 0, 0),  # so that it fits 80 columns
        )
        table.add_column("changed", no_wrap=True)
        for era in Era:
            table.add_column(era.value, justify="right")
        for name in ("to be there", "on primary", "on secondary", "lost", "twice"):
            table.add_column(name, justify="right")
        for row in self.rows:
            counts = (row.expected, row.on_primary, row.on_secondary, len(row.lost), len(row.twice))
            changes = (row.changes[era] for era in Era)
            table.add_row(row.kind.value, *map(str, (*changes, *counts)))
        return table

    def figures(self) -> dict[str, Any]:
        """Return the figures for the report."""
        return {
            "rows": [row.figures() for row in self.rows],
            "lag": self.lags.figures(),
            "lag_back": self.back.figures(),
            "failback": {"line_in_service": round(self.failback, 4), "done": round(self.told, 4)},
            "conflicts": self.conflicts,
        }
