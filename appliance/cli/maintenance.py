"""Command `asha maintenance`: make the watchdog of this node stand down while people work on it."""

from __future__ import annotations

import os
import re

import click

from appliance.cli.output import prints, put, say, tells
from appliance.control.answers import ask_as
from appliance.control.status import ask_status
from appliance.core.answers import Said
from appliance.core.maintenance import LONGEST, SHORTEST, USUAL
from appliance.core.status import MaintenanceStatus
from appliance.core.text import format_duration

_SPAN = re.compile(r"([0-9]{1,5}) ?(s|m|min|h)?", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
# Longer than a disk may take to write a small file.
_PATIENCE = 30.0


class TimeSpan(click.ParamType[float]):
    """Parameter type for a time such as `90s`, `30m`, `30min` or `2h`; its value is seconds as a float.

    A number without a unit means minutes.
    """

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _SPAN.fullmatch(str(value).strip())
        seconds = int(found[1]) * _SECONDS[(found[2] or "m").lower()] if found else 0
        if not SHORTEST <= seconds <= LONGEST:
            self.fail(
                f"'{value}' is not valid: give {SHORTEST:.0f}s to {LONGEST / 3600:.0f}h, for example 30m"
            )
        return float(seconds)


@click.group(invoke_without_command=True)
@prints(MaintenanceStatus | None, note="null: this node watches.")
@click.pass_context
def maintenance(context: click.Context) -> None:
    """Whether this node's watchdog is paused, and for how much longer.

    While it is, this node neither hands over nor restarts Asterisk automatically, and service does not go back to the
    primary automatically. It still lets go when the HA engine dies here or the other node has taken over, and obeys
    every command.
    """
    if context.invoked_subcommand is None:
        put(ask_status().maintenance, lambda given: [state_line(given)])


def state_line(given: MaintenanceStatus | None) -> str:
    """Return the maintenance part of the status document as a line for people."""
    if given is None:
        return "off: this node watches"
    why = f": {given.why}" if given.why else ""
    return f"ON for {format_duration(given.left)} more, by {given.by}{why}"


@maintenance.command("on")
@click.option(
    "--for",
    "seconds",
    type=TimeSpan(),
    default=f"{USUAL / 3600:.0f}h",
    show_default=True,
    help="How long it lasts: 30m, 2h; a day at most.",
)
@click.option("--why", default="", help="Shown wherever it is shown, and told with the alert.")
@tells()
def maintenance_on(seconds: float, why: str) -> None:
    """Pause the watchdog from now on. Given again, the time begins again."""
    said = ask_as(Said, "maintenance on", deadline=_PATIENCE, seconds=seconds, why=why, by=operator())
    say(said.says)


@maintenance.command("off")
@tells()
def maintenance_off() -> None:
    """Watch again, now."""
    say(ask_as(Said, "maintenance off", deadline=_PATIENCE, by=operator()).says)


def operator() -> str:
    """Return the name of the user who gives the command, for the journal."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER", "root")
