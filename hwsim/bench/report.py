"""The file `report.json`: raw runs, summary, ratios, targets, and the machine and versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwsim.bench.panel.watched import Watched
from hwsim.bench.results import PHASES, Results
from hwsim.bench.spread import Spread
from hwsim.bench.targets import Verdict, judge
from hwsim.site import Site


def write_report(path: Path, results: Results, site: Site, about: dict[str, Any]) -> None:
    """Write the report to `path`; `about` (machine, versions) is included unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(results, site, about), indent=2) + "\n")


def document(results: Results, site: Site, about: dict[str, Any]) -> dict[str, Any]:
    """Return the report; units are seconds, MB and %; null where a mark does not apply."""
    return {
        **about,
        "timing": {"keepalive": site.keepalive, "deadtime": site.deadtime, "initdead": site.initdead},
        "assumed": {"asterisk_boot_time": site.boot_time, "line_profile": site.profile},
        "notes": results.notes,
        "ok": results.ok,
        "problems": results.problems,
        "targets": [_judged(verdict, site.boot_time) for verdict in judge(results.figures())],
        "summary": _by_phase(results, results.contenders, lambda *words: _rounded(results.phase(*words))),
        "ratios_to_asha": _by_phase(results, _peers(results), lambda *words: _short(results.ratio(*words))),
        "agent": {name: figure.rounded() for name, figure in results.agent.items()},
        "data": {name: figure.rounded() for name, figure in results.data.items()},
        "panel": {
            name: figure.rounded() for name, figure in results.figures().items() if name.startswith("panel.")
        },
        "watched": [_watched(run) for run in results.watched],
        "runs": [
            {
                "contender": run.contender,
                "fault": run.fault,
                "number": run.number,
                "marks": run.marks.named(),
                "load": round(run.load, 2),
                "problem": run.problem or None,
            }
            for run in results.runs
        ],
    }


def _watched(run: Watched) -> dict[str, Any]:
    return {
        "viewers": run.viewers,
        "number": run.number,
        "marks": run.marks.named(),
        "seen": {side: asdict(seen) for side, seen in run.seen.items()},
        "load": round(run.load, 2),
        "problem": run.problem or None,
    }


def _peers(results: Results) -> list[str]:
    return [name for name in results.contenders if name != "asha"]


def _by_phase(
    results: Results, contenders: list[str], value: Callable[[str, str, str], Any]
) -> dict[str, Any]:
    """Return {contender: {fault: {phase: value}}}."""
    return {
        contender: {
            fault: {phase: value(contender, fault, phase) for phase in PHASES} for fault in results.faults
        }
        for contender in contenders
    }


def _judged(verdict: Verdict, boot_time: float) -> dict[str, Any]:
    target, measured = verdict.target, verdict.measured
    own = measured.minus(boot_time) if measured and target.boots else None
    return {
        "figure": target.figure,
        "limit": target.limit,
        "unit": target.unit,
        "measured": _rounded(measured),
        "without_boot_time": _rounded(own),
        "met": verdict.met,
    }


def _rounded(figure: Spread | None) -> dict[str, float | int] | None:
    return None if figure is None else figure.rounded()


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
