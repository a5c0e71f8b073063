"""Command `asha relay`: show what may be a relay board, set one up, and try the one of the conf file."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.output import agree, prints, put, say, tells
from appliance.config import Conf, load
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.control.status import ask_status
from appliance.core.answers import PortShown
from appliance.core.cabling import PINS, LineWire, SwitchedWire, svg, text, wires
from appliance.core.errors import ClusterError, HardwareError, HostError, UserError
from appliance.core.model import Node, Relay
from appliance.core.poweroff_drill import PoweroffDrills, Sight, Way
from appliance.core.reading import Known
from appliance.core.relay_choice import Build
from appliance.core.relay_facts import RELAYS, Contacts, ReadBack, evidence_of
from appliance.local_node import CLOCK, conf_and_node

if TYPE_CHECKING:
    from appliance.hw.relay import RelayCard

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end a session."""
_HOLD = 1.0
"""Seconds between the two moves of a trial, so that each can be heard and measured."""
_DIALECTS = ("lcus-text", "lcus-bytes")
"""What a board of RELAYDRIVER=lcus may answer to a question that switches nothing."""
_PICTURE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class PoweroffTold:
    """`says`: what was done, in sentences. `drills`: what is noted of the relay, null without --poweroff."""

    says: tuple[str, ...] = ()
    drills: PoweroffDrills | None = None


@dataclass(frozen=True, slots=True)
class WizardTold:
    """`says`: what was done, in sentences. `diff`: the changed lines of the conf file, "" when none changed.

    `other_node`: the command that is still to be given on the other node.
    """

    says: tuple[str, ...] = ()
    diff: str = ""
    other_node: str = ""


@click.group()
def relay() -> None:
    """Look for a relay board, set it up, and try it.

    'asha relay wizard' sets up a new one. For the Rhino card see also 'asha card'.
    """


@relay.command("list")
@prints(tuple[PortShown, ...])
def list_boards() -> None:
    """List the serial ports on USB and the HID relay boards, and which RELAYDRIVER fits each. Sends nothing.

    Most boards on a serial port have an adapter that is in many other devices too: that a driver fits does not mean
    that it is a board. In brackets is how well it is known what the driver says to it: see docs/hardware.md.
    """
    from appliance.hw.ports import relay_ports  # noqa: PLC0415

    put(list(relay_ports(load(to_run=True))), _port_lines)


def _port_lines(ports: list[PortShown]) -> Iterator[str]:
    if not ports:
        yield "No serial port on USB, and no HID relay board."
    for port in ports:
        ours = "  <- of the conf file" if port.ours else ""
        fits = ", ".join(f"{name} ({evidence_of(name).value})" for name in port.fits)
        yield f"{port.tty}  {port.usb or 'unknown'}  fits: {fits or 'none known'}{ours}"


@relay.command()
@prints(tuple[LineWire, ...])
@click.option("--line", type=click.Choice(list(PINS)), required=True, help="The kind of line.")
@click.option("--picture", type=_PICTURE, help="Write it as SVG to this file too.")
def cabling(line: str, picture: Path | None) -> None:
    """Show how the wires of a line go over signal relays whose coils one contact of the board switches.

    The pins of PRI and BRI are documented, those of an analog line assumed: compare them with the papers of your line
    and cards.
    """
    found = wires(line)
    if picture:
        write_picture(found, picture)
    put(found, text)


def write_picture(cabling: Sequence[SwitchedWire], file: Path) -> None:
    """Write the cabling as SVG. Raises HostError."""
    try:
        file.write_text(svg(cabling), encoding="utf-8")
    except OSError as problem:
        raise HostError(f"The picture could not be written: {problem}.") from problem


@relay.command()
@tells(WizardTold)
@click.option("--device", default="", metavar="DEVICE", help="Its tty, its /dev/hidraw, or its IPv4 address.")
@click.option("--driver", type=click.Choice(list(RELAYS)), metavar="DRIVER", help="As in RELAYDRIVER.")
@click.option("--line", type=click.Choice(list(PINS)), help="The kind of line.")
@click.option("--build", type=click.Choice([one.value for one in Build]), help="What switches the wires.")
@click.option("--contacts", default="", metavar="N,N...", help="As in RELAYCONTACTS.")
@click.option("--picture", type=_PICTURE, help="Write the cabling as SVG to this file too.")
@click.option("--no-click", is_flag=True, help="Move no contact.")
@click.option("--yes", is_flag=True, help="Ask nothing: move the contacts, and write the conf file.")
def wizard(picture: Path | None, **options: Any) -> None:
    """Set up a relay that has just been plugged in, step by step. On the primary.

    It lists what is there, asks what is to be used and how it is cabled, tries each contact and sets RELAYDRIVER,
    RELAYDEVICE and RELAYCONTACTS. An option answers its question. Contacts are tried only while no node is in service.
    Whatever ends it before the last question leaves the conf file as it was, and every contact released.

    With --build coils one contact of the board feeds the coils of signal relays, which switch the wires: recommended.
    With --build contacts the board's own contacts do, one for each wire.
    """
    from appliance.cli.relay_wizard import given_by, run_wizard  # noqa: PLC0415 - it knows this module

    run_wizard(given_by(**options), picture)


@relay.command()
@tells(PoweroffTold)
@click.option("--yes", is_flag=True, help="Do not ask before the relay moves.")
@click.option("--poweroff", is_flag=True, help="The drill: does it fall when this machine is switched off?")
@click.option("--by", type=click.Choice([way.value for way in Way]), help="How it is switched off (button).")
@click.option("--saw", type=click.Choice([sight.value for sight in Sight]), help="The answer after the boot.")
def test(yes: bool, poweroff: bool, by: str | None, saw: str | None) -> None:
    """Energise and release the relay, time it, and read it back.

    This gives the line to the primary and takes it away: calls on it are cut. Refused while a node is in service. What
    the relay says of itself is its register, not its contacts: listen for the clicks, or measure at the contacts.

    With --poweroff the relay is energised, you switch the machine off and look at the relay, and after the boot the
    same command asks what you saw; 'asha check' tells it from then on. By 'poweroff' asha's service releases the relay;
    by the button, or at once, it does not, so that shows what the machine's power does.
    """
    conf, node = conf_and_node()
    if not conf.relay_installed:
        raise UserError("There is no relay to try.", todo="'asha relay wizard' sets one up.")
    if node is not Node.PRIMARY:
        raise UserError("The relay is in the primary.", todo="Try it there.")
    if poweroff:
        from appliance.cli.relay_drill import run_drill  # noqa: PLC0415 - it knows this module

        run_drill(conf, Way(by or Way.BUTTON), Sight(saw) if saw else None, yes=yes)
        return
    if by or saw:
        raise UserError("--by and --saw are of the drill.", todo="Give --poweroff too.")
    refuse_in_service()
    if not yes:
        agree("This gives the line to the primary and takes it away; calls on it are cut. Go on?")
    refuse_in_service()
    _try(conf)


@relay.command(hidden=True)
def guard() -> None:
    """Release the relay when the command that holds it in a drill has gone (that command runs this)."""
    from appliance.cli.relay_drill import guard_relay  # noqa: PLC0415 - it knows this module

    guard_relay(conf_and_node()[0])


def serves_here() -> bool:
    """Tell whether this node has the grant; the record says so where no agent does."""
    from appliance.agent.grant_file import GrantFile  # noqa: PLC0415
    from appliance.host.paths import GRANT  # noqa: PLC0415

    try:
        return ask_status().granted
    except (AgentAbsent, AgentSilent):
        return GrantFile(GRANT).read().held


def refuse_in_service() -> None:
    """Raise ClusterError when a node has the grant, and with it the line; a spoilt record counts as one."""
    from appliance.agent.grant_file import GrantFile  # noqa: PLC0415
    from appliance.host.paths import GRANT  # noqa: PLC0415

    todo = "Stop the HA engine on both nodes first, the standby before the active node: asha ha stop."
    try:
        status = ask_status()
    except AgentAbsent:
        if GrantFile(GRANT).read().held:
            raise ClusterError("This node is in service, though its agent does not run.", todo=todo) from None
        return
    if status.granted:
        raise ClusterError("This node is in service.", todo=todo)
    if status.peer.granted.value:
        raise ClusterError("The other node is in service: trying the relay would take its line.", todo=todo)


def _try(conf: Conf) -> None:
    """Move the relay both ways. Raises HardwareError when a command fails or the register says otherwise."""
    click_relay(conf)
    if conf.relay_driver == "lcus":
        name = find_dialect(conf)
        say(
            f"It can be asked: asha conf set RELAYDRIVER {name} makes asha read it back."
            if name
            else "It does not say what its relays do, which is usual for such boards."
        )
    say("Commanded, and not proved: a register is no contact. Did it click twice?")


def click_relay(conf: Conf) -> None:
    """Energise and release the relay, which ends released in any case. Raises HardwareError, as `_try` does."""
    from appliance.hw.drivers import open_card  # noqa: PLC0415

    card = open_card(conf, CLOCK)
    try:
        title = f"{card.facts.title} ({evidence_of(conf.relay_driver or conf.card_driver).value})"
        say(title if conf.relay_anywhere else f"{title} at {conf.relay_tty}")
        if card.facts.watchdog:
            card.guard(conf.relay_watchdog)
        told = [step(card, Relay.ENERGISED)]
        CLOCK.sleep(_HOLD)
        told.append(step(card, Relay.RELEASED))
    finally:
        with _uninterrupted():
            card.move(Relay.RELEASED)
            card.close()
    if not all(told):
        raise HardwareError(
            "The relay's register does not follow the commands.", todo="Check the board and its power."
        )


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a second Ctrl-C not end the release that the first one asked for; that has a deadline of its own."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def step(card: RelayCard, relay: Relay) -> bool:
    """Move the relay, print how long it took and what its register says; return False when that says otherwise."""
    began = CLOCK.now()
    card.move(relay)
    took = CLOCK.now() - began
    said = card.position()
    says = f"register: {said.value.value}" if isinstance(said, Known) else f"register: {said.reason}"
    say(f"{relay.value:9}  {took * 1000:4.0f} ms  {says}")
    if card.facts.read_back is ReadBack.NONE:
        return True
    return isinstance(said, Known) and said.value is Contacts(relay.value)


def find_dialect(conf: Conf) -> str:
    """Ask an LCUS board for its state in each dialect that has the same question, which switches nothing.

    Returns the RELAYDRIVER that understands its answer, "" when none does.
    """
    from appliance.hw.drivers import open_card  # noqa: PLC0415

    for name in _DIALECTS:
        if isinstance(open_card(replace(conf, relay_driver=name), CLOCK).position(), Known):
            return name
    return ""
