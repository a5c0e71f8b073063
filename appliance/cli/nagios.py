"""Command `asha nagios`: the state of the pair as a monitoring plugin says it (Nagios, Icinga, Naemon, Checkmk).

One line, with figures behind a bar, and the exit codes OK 0, WARNING 1, CRITICAL 2, UNKNOWN 3, by the Monitoring
Plugins' guidelines. It asks the agent of the node it runs on; run it on both nodes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from appliance.control.status import ask_status
from appliance.core.errors import AshaError
from appliance.core.status import Status
from appliance.core.text import printable

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_UNKNOWN = 3


@click.command()
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the agent may take; then the state is UNKNOWN.",
)
def nagios(deadline: float) -> None:
    """Say how the pair is, as a plugin of Nagios or Icinga does: protected is OK, no service is CRITICAL."""
    try:
        status = ask_status(deadline=deadline)
    except AshaError as problem:
        _end(_UNKNOWN, str(problem), "")
    else:
        _end(status.state.health, status.state.says, " ".join(_figures(status)), _below(status))


def _end(code: int, says: str, figures: str, below: tuple[str, ...] = ()) -> None:
    word = _WORDS[code if 0 <= code < len(_WORDS) else _UNKNOWN]
    lines = [f"ASHA {word} - {says}", *below]
    shown = [printable(line).replace("|", "/") for line in lines]  # a bar begins the figures
    click.echo("\n".join([f"{shown[0]} | {figures}" if figures else shown[0], *shown[1:]]))
    sys.exit(_WORDS.index(word))


def _below(status: Status) -> tuple[str, ...]:
    """Return the lines below the first: what is wrong, and then what should be set right and changes no exit code."""
    return (*status.problems, *(f"hint: {hint}" for hint in status.hints))


def _figures(status: Status) -> Iterator[str]:
    """Yield what a plugin's server may draw; what is not known has no figure."""
    yield f"problems={len(status.problems)};;;0"
    data, peer = status.data, status.peer
    age = data.age if data.duty == "pull" else peer.data_age
    if age is not None:
        yield f"data_age={age:.0f}s;;;0"
    if peer.heard is not None:
        yield f"peer_heard={peer.heard:.1f}s;;;0"
    for name, probe in sorted(status.probes.items()):
        if probe.ms is not None:
            yield f"{name}={probe.ms:.1f}ms;;;0"
