"""How long asha's commands take, on the packages' own Python, with a pair at rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from hwsim.bench.machine import machine
from hwsim.bench.panel.pair import SITE, PanelPair
from hwsim.bench.play import RunFailed, on_fresh_rack
from hwsim.bench.spread import Spread, spread
from hwsim.bench.stopwatch import timed
from hwsim.installed import PROGRAM, package_files
from hwsim.rack import Rack

COMMANDS = "commands"
MOST_SECONDS = 0.2  # of the median; wanted by the issue
# What only looks and ends at once. `asha check` looks at the whole host, and waits for what it asks: its start alone.
_TIMED = (
    *(
        "--help",
        "status",
        "status --json",
        "history",
        "events",
        "conf get HADEADTIME",
        "notify",
        "sync status",
    ),
    *(
        "sync history",
        "conflicts",
        "bound",
        "tune",
        "engine status",
        "nagios",
        "maintenance",
        "relay list",
        "sark --help",
    ),
    *("check --help", "failback --help", "drill --help", "takeover --help", "ssh-setup --help"),
)
_HEAD = """\
| command | seconds, min / **median** / max of {tries} | |
|---|---|---|
"""


async def commands(tries: int, out: Path, console: Console) -> bool:
    """Time each command `tries` times on the primary of a pair at rest; return False when a median is too long.

    commands.md is written to `out`. Raises RackError when there are no RPMs.
    """
    package_files()
    about = machine()  # the load before the pair adds its own

    async def measured(rack: Rack) -> dict[str, Spread]:
        await PanelPair.home(rack)
        node = rack.servers["primary"].node
        found = {words: spread(await timed(node, PROGRAM, *words.split(), tries=tries)) for words in _TIMED}
        return {words: took for words, took in found.items() if took is not None}

    try:
        figures = await on_fresh_rack(measured, out / "logs" / COMMANDS, SITE)
    except RunFailed as failure:
        console.print(f"FAILED: {failure}", style="bold red", highlight=False, markup=False)
        return False
    text = table(figures, tries)
    page = _written(out, text)
    console.print(text, highlight=False, markup=False, soft_wrap=True)
    console.print(f"load before: {about['load']}; written: {page}", highlight=False, markup=False)
    return all(took.median <= MOST_SECONDS for took in figures.values())


def _written(out: Path, text: str) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    page = out / "commands.md"
    page.write_text(text, encoding="utf-8")
    return page


def table(figures: Mapping[str, Spread], tries: int) -> str:
    """Return the table in Markdown; a median of more than MOST_SECONDS is marked."""
    lines = [
        f"| `asha {words}` | {took.least:.3f} / **{took.median:.3f}** / {took.most:.3f} | "
        f"{'' if took.median <= MOST_SECONDS else f'more than {MOST_SECONDS:g}'} |"
        for words, took in figures.items()
    ]
    return _HEAD.format(tries=tries) + "\n".join(lines) + "\n"
