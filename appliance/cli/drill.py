"""Command `asha drill`: hold a planned failover and back, and compare it with its bound."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from appliance.cli.ha import wish
from appliance.cli.output import agree, keep, say, tells
from appliance.control.answers import ask_as
from appliance.control.status import ask_status
from appliance.core.answers import Said
from appliance.core.errors import ClusterError, UserError
from appliance.core.status import DrillStatus
from appliance.core.text import printable
from appliance.host.paths import CONF
from appliance.local_node import CLOCK

_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Drilled:
    """`says`: what was done, in sentences for people. `drill`: how the drill went, null with --schedule."""

    says: tuple[str, ...] = ()
    drill: DrillStatus | None = None


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--schedule", metavar="WHEN", help="Only set DRILL: off, or such as 'weekly sunday 03:30'.")
@tells(Drilled)
def drill(yes: bool, schedule: str | None) -> None:
    """Hand service to the secondary and bring it back, and hold each phase against its bound (see 'asha bound').

    Run it on the primary, at a quiet hour. It is refused while calls are up, the standby is not ready, somebody works
    on the pair, or service has just moved. 'asha history' shows how it went, and an alert tells when it missed its
    bound.
    """
    from appliance.core.drill import Outcome  # noqa: PLC0415 - 'drill --help' holds none

    if schedule is not None:
        _set_schedule(schedule)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("A drill moves service to the secondary and back.", todo="Give --yes.")
        agree("Move service to the secondary and back now?")
    wish("drill")
    held = _follow()
    keep(drill=held)
    if held.outcome != Outcome.WITHIN.value:
        raise ClusterError(f"The drill {held.outcome}: {held.says}.", todo="'asha history' shows its phases.")
    say(f"The drill stayed {held.outcome}: {held.says}.")


def _set_schedule(schedule: str) -> None:
    from appliance.config.edit import set_values  # noqa: PLC0415

    say(set_values(CONF, {"DRILL": schedule}).diff or "Already set; nothing was changed.")
    say(ask_as(Said, "reload").says)


def _follow() -> DrillStatus:
    """Print what is said of the drill until it has ended; return how it ended.

    Raises ClusterError when the agent knows nothing of it any more.
    """
    shown = 0
    while (held := ask_status().drill) is not None:
        for line in held.lines[shown:]:
            say(f"  {printable(line)}")
        shown = max(shown, len(held.lines))
        if not held.running:
            return held
        CLOCK.sleep(_LOOK)
    raise ClusterError("The agent says nothing of the drill.", todo="'asha events' shows what has happened.")
