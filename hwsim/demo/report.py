"""The file `report.json`: what was measured, for machines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwsim.demo.evidence import Evidence
from hwsim.demo.marks import Marks


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one scenario: `verdict` is a sentence, `journal_ok` that both journals pass their audit.

    `evidence`: what became of the data, where the scenario is about them.
    """

    name: str
    ok: bool
    marks: Marks
    verdict: str
    journal_ok: bool
    happenings: list[dict[str, Any]] = field(default_factory=list)
    evidence: Evidence | None = None


def write_report(path: Path, engine: str, timing: dict[str, float], results: list[Result]) -> None:
    """Write the report of a demonstration to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scenarios = [
        {
            "name": result.name,
            "ok": result.ok,
            "marks": result.marks.named(),
            "verdict": result.verdict,
            "journal_ok": result.journal_ok,
            **({"data": result.evidence.figures()} if result.evidence is not None else {}),
        }
        for result in results
    ]
    document = {"engine": engine, "timing": timing, "scenarios": scenarios}
    path.write_text(json.dumps(document, indent=2) + "\n")
