"""The player of scenarios, one after the other, each on a fresh rack, with a report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hwsim.demo.evidence import Evidence
from hwsim.demo.marks import Marks
from hwsim.demo.report import Result, write_report
from hwsim.demo.scenario import Outcome, Scenario, ScenarioFailed, Stage
from hwsim.demo.scenarios import SCENARIOS
from hwsim.demo.stagehand import Show, results_table
from hwsim.demo.timeline import write_lags, write_timeline
from hwsim.nodes.engines import Engine
from hwsim.rack import Rack
from hwsim.site import Site


class UnknownScenario(ValueError):
    """There is no scenario of that name."""


def chosen(names: Sequence[str]) -> Sequence[Scenario]:
    """Return the scenarios to play: those called `names`, or all when none is named. Raises UnknownScenario."""
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    for name in names:
        if name not in by_name:
            raise UnknownScenario(f"There is no scenario '{name}'. There are: {', '.join(by_name)}.")
    return [by_name[name] for name in names] or SCENARIOS


async def perform(scenarios: Sequence[Scenario], site: Site, out: Path, console: Console) -> bool:
    """Play `scenarios` at `site`; write report.json and a timeline each below `out`; return True if all succeeded."""
    results = []
    for number, scenario in enumerate(scenarios, 1):
        title = f"{number}/{len(scenarios)} {scenario.name}: {scenario.title}"
        result = await play(scenario, site, title, console, out)
        results.append(result)
        write_timeline(out / f"{scenario.name}.svg", scenario.title, result.marks, result.verdict)
        console.print(
            f"   {'ok' if result.ok else 'FAILED'}: {result.verdict}", highlight=False, markup=False
        )
        if result.evidence is not None:
            _show(result.evidence, console)
            write_lags(out / f"{scenario.name}-lags.svg", result.evidence.lags, result.evidence.back)
    timing = {"keepalive": site.keepalive, "deadtime": site.deadtime}
    write_report(out / "report.json", await _versions(site.engine), timing, results)
    words = f"{site.engine.title}, keepalive {site.keepalive * 1000:.0f} ms, deadtime {site.deadtime:g} s, line r1t1"
    console.print(results_table(results, words))
    console.print(f"report: {out / 'report.json'}   timelines: {out}/*.svg", highlight=False)
    return all(result.ok and result.journal_ok for result in results)


async def play(scenario: Scenario, site: Site, title: str, console: Console, out: Path) -> Result:
    """Play one scenario on a fresh rack, which is removed afterwards whatever happens.

    The nodes' logs of a scenario that failed are kept below `out`.
    """
    rack = Rack(site.with_initdead(scenario.initdead).with_conf(scenario.conf))
    with Show(console, title, time.monotonic) as show:
        try:
            ok, outcome = await _outcome(scenario, rack, show)
            complaints = await _audit(rack)
            if not ok or complaints:
                rack.keep_logs(out / f"{scenario.name}-logs")
        finally:
            await rack.down()
        for complaint in complaints:
            show.say(f"journal: {complaint}")
    return Result(
        scenario.name, ok, outcome.marks, outcome.verdict, not complaints, evidence=outcome.evidence
    )


def _show(evidence: Evidence, console: Console) -> None:
    console.print(evidence.table())
    for line in evidence.lines():
        console.print(f"   {line}", highlight=False, markup=False, soft_wrap=True)


async def _outcome(scenario: Scenario, rack: Rack, show: Show) -> tuple[bool, Outcome]:
    try:
        await rack.up()
        show.view = rack.view
        return True, await scenario.play(Stage(rack, show.say))
    except ScenarioFailed as failure:
        return False, Outcome(Marks(), str(failure), failure.evidence)


async def _audit(rack: Rack) -> list[str]:
    """Return what `asha events --verify` finds wrong on each node that can still be asked."""
    complaints = []
    for server in rack.servers.values():
        if server.powered:
            checked = await server.asha("events", "--verify")
            if checked.code:
                complaints.append(f"{server.side}: {(checked.output + checked.error).strip()}")
    return complaints


async def _versions(engine: Engine) -> str:
    """Return the versions of the engine's installed packages."""
    argv = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *engine.packages]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return ", ".join(output.decode().splitlines())
