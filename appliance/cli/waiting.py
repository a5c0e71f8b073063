"""How a command asks before it moves service, waits until that is done, and shows how the pair then is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from appliance.cli.output import agree, keep, say, tells, wants_json
from appliance.cli.status import shown_lines
from appliance.control.status import ask_status
from appliance.core.errors import AshaError, ClusterError
from appliance.core.status import StateStatus, Status
from appliance.local_node import CLOCK

# Seconds between two looks; and what a transfer may take before it is called blocked, with what the agents then settle.
_LOOK, _PATIENCE = 0.2, 120.0
F = TypeVar("F", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Moved:
    """`says`: what was done, in sentences for people. `state`: how the pair then is.

    `state` is null with --no-wait, when nothing was to be done, and when the agent did not say.
    """

    says: tuple[str, ...] = ()
    state: StateStatus | None = None


def asks_and_waits(command: F) -> F:
    """Give a command that moves service the options `--yes`, `--no-wait` and `--json`."""
    command = tells(Moved)(command)
    yes = click.option("--yes", is_flag=True, help="Do not ask on a terminal whether to go on.")
    no_wait = click.option("--no-wait", is_flag=True, help="Do not wait until it is done.")
    return yes(no_wait(command))


def confirm(verb: str, *, yes: bool) -> None:
    """Ask whether to go on, with what would come of it, where a person sits at a terminal and has not said so.

    Raises click.Abort when the answer is no. What is not allowed is not asked: the agent says why.
    """
    if yes or not at_terminal():
        return
    status = ask_status()
    permit = status.permit(verb)
    if permit.allowed:
        say(status.state.says)
        agree(f"'asha {verb}': {permit.says or 'go on'}. Go on?")


def at_terminal() -> bool:
    """Tell whether a person gives this command, who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def until(
    there: Callable[[Status], bool],
    what: str,
    meanwhile: Callable[[Status], None] = lambda status: None,
) -> None:
    """Wait until `there` is true of the agent's status, printing each new headline; call `meanwhile` at each look.

    An agent that is away for a moment is waited for.

    Args:
        there: What is waited for.
        what: That in words, as the end of "Done: ...".
        meanwhile: May raise, when it cannot come any more.

    Raises:
        ClusterError: It has not come within two minutes.
    """
    give_up, said = CLOCK.now() + _PATIENCE, ""
    while True:
        try:
            status = ask_status()
        except ClusterError as problem:
            if CLOCK.now() > give_up:
                raise
            said = _tell(str(problem), said)
        else:
            if there(status):
                break
            said = _tell(status.headline, said)
            meanwhile(status)
        if CLOCK.now() > give_up:
            raise ClusterError(
                f"Not yet after {_PATIENCE:.0f} s that {what}. {said}", todo="'asha events' says why."
            )
        CLOCK.sleep(_LOOK)
    say(f"Done: {what}.")


def _tell(words: str, before: str) -> str:
    if words != before:
        say(f"  {words}")
    return words


def show_pair() -> None:
    """Show how the pair is now; an agent that does not say is no failure of what was done before."""
    try:
        status = ask_status()
    except AshaError:
        return
    keep(state=status.state)
    if not wants_json():
        say("", *shown_lines(status))


class ServiceComes:
    """Wait for service on this node; fails when it came and left again."""

    def __init__(self) -> None:
        self._came = False

    def there(self, status: Status) -> bool:
        """Tell whether this node serves, as far as it can be confirmed."""
        return status.role == "active"

    def follow(self, status: Status) -> None:
        """Raise ClusterError when service has been here and has left again, with the reason this node gives."""
        self._came = self._came or status.role == "acquiring"
        if self._came and status.role == "standby":
            why = "; ".join(status.unfit_because) or "'asha events' says why"
            raise ClusterError(f"Service came here and left again: {why}.")


def served_there(status: Status) -> bool:
    """Tell whether this node has let go and the other one serves, by its own word."""
    gone = status.role in ("standby", "off")
    return gone and status.peer.granted.value is True and status.peer.role == "active"
