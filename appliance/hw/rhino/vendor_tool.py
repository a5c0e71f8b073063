"""The vendor's tool: the only documented way to command the card."""

from __future__ import annotations

from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.host.clock import Clock
from appliance.host.process import Finished, run
from appliance.hw.relay import CardAbsent, CardRefused, CardSilent, CardToolMissing
from appliance.hw.rhino.card import CardCommand


def tool_argv(tool: Path, tty: Path, command: CardCommand, relay: int) -> tuple[str, ...]:
    """Return `rhinofailover DEVICE RESET`, or `… DEVICE RELAYON|RELAYOFF n` (documented)."""
    number = () if command is CardCommand.RESET else (str(relay),)
    return (str(tool), str(tty), command.value, *number)


def run_tool(tool: Path, tty: Path, command: CardCommand, relay: int, deadline: float) -> Finished:
    """Run the tool once. Raises CardToolMissing when it cannot be started."""
    try:
        return run(tool_argv(tool, tty, command, relay), deadline=deadline)
    except HostError as problem:
        raise CardToolMissing(
            f"The vendor's tool could not be run: {problem}", todo="Install it, or set RHINOTOOL."
        ) from problem


class ToolWay:
    """The way through the vendor's tool, run for each command; exit status 0 is *assumed* to mean success."""

    def __init__(self, conf: Conf, clock: Clock) -> None:
        self._tool = conf.card_tool
        self._relay = conf.card_relay
        self._clock = clock

    def send(self, tty: Path, command: CardCommand, until: float, *, force: bool) -> None:
        finished = run_tool(self._tool, tty, command, self._relay, until - self._clock.now())
        if finished.ok:
            return
        if not tty.exists():
            raise CardAbsent(
                f"The card at {tty} went away during {command.value}.",
                todo="Check its cable; the line is then at the secondary.",
            )
        if finished.code is None:
            raise CardSilent(f"{finished.explain()}.", todo="Check the card's cable and power.")
        raise CardRefused(f"{finished.explain()}.", todo="Run it by hand to see more.")
