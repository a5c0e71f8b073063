"""Command `asha card`: find the relay card, reset it, and learn its protocol."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.config import Conf, load
from appliance.control.client import AgentAbsent
from appliance.control.status import ask_status
from appliance.core.errors import ClusterError, HardwareError
from appliance.core.reading import Unknown
from appliance.host.clock import SystemClock


@click.group()
def card() -> None:
    """Look at the relay card of the primary, learn how it is spoken to, reset it."""


@card.command()
def probe() -> None:
    """Say whether the card is there, where, and how it is driven. Sends nothing to it."""
    from appliance.agent.places import CARD  # noqa: PLC0415
    from appliance.hw.discovery import find_card  # noqa: PLC0415

    conf = load()
    found = find_card(conf, SystemClock().now(), store=CARD)
    if isinstance(found, Unknown):
        raise HardwareError(f"Whether the card is there could not be told: {found.reason}.")
    if found.value is None:
        raise HardwareError(f"No card at {conf.card_tty}.", todo="Check its cable, its power, and RHINOUSB.")
    click.echo(f"tty      {found.value.tty}")
    click.echo(f"USB      {found.value.usb or 'unknown'}")
    click.echo(
        f"driver   {conf.card_driver}"
        + (f", profile {conf.card_profile}" if conf.card_driver == "serial" else "")
    )


@card.command()
def reset() -> None:
    """Send RESET and let the line go to the secondary. Refused while this node serves."""
    _refuse_while_serving()
    from appliance.core.model import Relay  # noqa: PLC0415
    from appliance.hw.drivers import open_card  # noqa: PLC0415

    opened = open_card(load(), SystemClock())
    try:
        opened.reset()
        opened.move(Relay.RELEASED)
    finally:
        opened.close()
    click.echo("The card is reset and the relay released: the line goes to the secondary.")


@card.command()
@click.argument("profile", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def learn(profile: Path, yes: bool) -> None:
    """Record what the vendor tool says to the card, and write it to PROFILE for RHINODRIVER=serial.

    This moves the relay to the primary and back: calls on the line are cut.
    """
    _refuse_while_serving()
    conf = load()
    if not yes:
        click.confirm(
            "This moves the relay to the primary and back; calls on the line are cut. Go on?", abort=True
        )
    _learn(conf, profile)
    click.echo(
        f"Written to {profile}. To use it: asha conf set RHINOPROFILE {profile.resolve()}, then RHINODRIVER serial."
    )


def _learn(conf: Conf, profile: Path) -> None:
    from appliance.hw.rhino.learn import learn_profile  # noqa: PLC0415

    learn_profile(conf, profile, SystemClock(), confirm=True)


def _refuse_while_serving() -> None:
    try:
        status = ask_status()
    except AgentAbsent:
        return
    if status.granted:
        raise ClusterError("This node holds the line.", todo="Hand it over first: asha standby.")
