"""`asha relay wizard`: the dialogue that makes a board that was just plugged in the relay of the conf file.

Nothing is written before its last question; a contact that it energises is released whatever ends it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from appliance.cli.conf import AS_BEFORE, put_into_force
from appliance.cli.output import agree, keep, say, wants_json
from appliance.cli.relay import click_relay, find_dialect, refuse_in_service, write_picture
from appliance.cli.relay_drill import signals_end_it, tell_now
from appliance.config import Conf
from appliance.config.edit import preview, set_values
from appliance.config.schema import KEYS
from appliance.config.value_types import CONTACTS, RELAY_DEVICE
from appliance.core.answers import PortShown
from appliance.core.cabling import PINS, SwitchedWire, pins_known, text, wires, wires_on_contacts
from appliance.core.errors import HardwareError, UserError
from appliance.core.model import Node
from appliance.core.relay_choice import (
    Build,
    Given,
    RelayChoice,
    check_contacts,
    conf_fields,
    contacts_needed,
    device_key,
    device_lines,
    driver_line,
    drivers_for,
    drivers_of_kind,
    missing,
    on_the_other,
    only,
    switches_itself,
    usual_contacts,
)
from appliance.host.paths import CONF
from appliance.hw import ports as hw_ports
from appliance.local_node import conf_and_node

_NEXT = (
    "Then 'asha relay test' and, on both nodes, 'asha check'.",
    "Does the relay fall when the machine is off? 'asha relay test --poweroff' tries it.",
)


def given_by(
    *,
    device: str,
    driver: str | None,
    line: str | None,
    build: str | None,
    contacts: str,
    no_click: bool,
    yes: bool,
) -> Given:
    """Return what the options of the command say. Raises UserError when `contacts` is no list of numbers."""
    chosen = Build(build) if build else None
    return Given(device, driver or "", line or "", chosen, _contacts(contacts), yes=yes, click=not no_click)


def run_wizard(given: Given, picture: Path | None) -> None:
    """Go through the whole dialogue, or do as the options say; `picture` is where the cabling is drawn too.

    Raises UserError, with nothing done, when an answer is missing and nobody can be asked.
    """
    conf, node = conf_and_node()
    if node is not Node.PRIMARY:
        raise UserError("The relay is in the primary.", todo="Run the wizard there.")
    refuse_in_service()
    ports = hw_ports.relay_ports(conf)
    if not at_terminal() and (names := missing(given, ports)):
        raise UserError(
            "Without a terminal nobody can be asked.", todo=f"Give these options too: {', '.join(names)}."
        )
    choice = _choose(given, ports)
    check_contacts(choice)
    fields = conf_fields(choice, device_key(choice, ports), rhino=conf.card_installed)
    if switches_itself(choice.driver):
        fields = {**fields, "relay_password": _password(conf, given)}
    values = _keys(conf, fields)
    choice, values = _with_dialect(choice, values)
    _tell_cabling(choice, picture)
    if given.click:
        _click_each(preview(CONF, values).conf, choice, asked=not given.yes)
    _write(values, yes=given.yes)
    network = not choice.device.startswith("/")
    command = on_the_other(values, network=network, password="RELAYPASSWORD" in values)
    keep(other_node=command)
    say(f"On the other node: {command}", *_NEXT)


def at_terminal() -> bool:
    """Tell whether a person can be asked."""
    return sys.stdin.isatty()


def _contacts(given: str) -> tuple[int, ...]:
    try:
        return CONTACTS.parse(given) if given else ()
    except ValueError:
        raise UserError(f"The contacts are to be numbers, as in 1,2,3,4; not {given}.") from None


def _choose(given: Given, ports: tuple[PortShown, ...]) -> RelayChoice:
    """Ask for what was not given."""
    device = given.device or _ask_device(ports)
    driver = given.driver or _ask_driver(device, drivers_for(device, ports))
    if switches_itself(driver):
        return RelayChoice(device, driver)
    line = given.line or _ask("Which kind of line?", list(PINS), "pri")
    build = given.build or _ask_build()
    contacts = given.contacts or usual_contacts(driver, line, build)
    if not given.contacts and build is Build.CONTACTS:
        contacts = _ask_contacts(contacts, contacts_needed(line, build))
    return RelayChoice(device, driver, line, build, contacts)


def _ask(question: str, answers: Sequence[str], default: str) -> str:
    return str(
        click.prompt(
            question, type=click.Choice(answers), default=default, prompt_suffix=" ", err=wants_json()
        )
    )


def _ask_device(ports: tuple[PortShown, ...]) -> str:
    for line in device_lines(ports):
        tell_now(line)
    tell_now("That a driver fits does not mean that it is a relay board. None was tried on a real one.")
    return str(
        click.prompt(
            "Which is the relay? Its number, its path, or the IPv4 address of one on the network:",
            value_proc=lambda said: _device(said.strip(), ports),
            prompt_suffix=" ",
            err=wants_json(),
        )
    )


def _device(said: str, ports: tuple[PortShown, ...]) -> str:
    """Return the device that a person means. Raises click.BadParameter, upon which the question is asked again."""
    if said.isdecimal() and 1 <= int(said) <= len(ports):
        return ports[int(said) - 1].tty
    try:
        return str(RELAY_DEVICE.parse(said))
    except ValueError:
        raise click.BadParameter("It is a number of the list, a path, or an IPv4 address.") from None


def _ask_driver(device: str, fits: tuple[str, ...]) -> str:
    if single := only(fits):
        return single
    tell_now("What kind of board is it? In brackets is how well its commands are known.")
    for name in fits:
        tell_now(f"  {driver_line(name)}")
    others = tuple(name for name in drivers_of_kind(device) if name not in fits)
    if others:
        tell_now("Or, where the board is on an adapter that it did not come with:")
    for name in others:
        tell_now(f"  {driver_line(name)}")
    if fits[0] == "lcus":
        tell_now(
            "With lcus the board is asked whether it is lcus-text or lcus-bytes, which switches nothing."
        )
    return _ask("Its driver:", (*fits, *others), fits[0])


def _ask_build() -> Build:
    tell_now("coils: one contact of the board switches the coils of signal relays. Recommended.")
    tell_now("contacts: the board's own contacts switch the wires. Power relays wear badly on an idle line.")
    return Build(_ask("What switches the wires?", [one.value for one in Build], Build.COILS.value))


def _ask_contacts(usual: tuple[int, ...], wanted: int) -> tuple[int, ...]:
    shown = ",".join(str(contact) for contact in usual)
    question = f"Which {wanted} contacts, with commas between?"
    return _contacts(str(click.prompt(question, default=shown, prompt_suffix=" ", err=wants_json())))


def _password(conf: Conf, given: Given) -> str:
    """Return the password of the device; the conf file's where nobody is asked."""
    if given.yes or not at_terminal():
        return conf.relay_password
    return str(
        click.prompt(
            "Its password (RELAYPASSWORD); Enter keeps the one of the conf file",
            default=conf.relay_password,
            hide_input=True,
            show_default=False,
            err=wants_json(),
        )
    )


def _keys(conf: Conf, fields: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the values of those fields as they are written in the conf file, by the names of their keys."""
    changed = replace(conf, **fields)
    return {key.name: key.text(changed) for key in KEYS if key.field in fields}


def _with_dialect(choice: RelayChoice, values: Mapping[str, str]) -> tuple[RelayChoice, Mapping[str, str]]:
    """Return the choice with the dialect that the board answers in. Raises ConfError when the keys are not right."""
    conf = preview(CONF, values).conf
    say(driver_line(choice.driver))
    if choice.driver != "lcus":
        return choice, values
    if not (name := find_dialect(conf)):
        say("It does not say what its relays do, which is usual for such boards.")
        return choice, values
    say(f"It can be asked: {driver_line(name)}")
    return replace(choice, driver=name), {**values, "RELAYDRIVER": name}


def _cabling(choice: RelayChoice) -> Sequence[SwitchedWire]:
    if not choice.line:
        return ()
    if choice.build is Build.COILS:
        return wires(choice.line)
    return wires_on_contacts(choice.line, choice.contacts)


def _tell_cabling(choice: RelayChoice, picture: Path | None) -> None:
    found = _cabling(choice)
    if not found:
        say("The lines are plugged into the device itself: see docs/hardware.md.")
        return
    known = pins_known(choice.line).value
    say(*text(found), f"These pins are {known}: compare them with the papers of your line and cards.")
    if picture:
        write_picture(found, picture)


def _click_each(conf: Conf, choice: RelayChoice, *, asked: bool) -> None:
    """Energise and release each contact alone. Raises HardwareError when one does not follow, or was not heard."""
    if asked:
        agree("Each contact is now energised and released; calls on the line are cut. Go on?")
    for contact in conf.contacts:
        carried = _carried(choice, contact)
        say(f"Contact {contact}{carried}:")
        refuse_in_service()
        with signals_end_it():
            click_relay(replace(conf, relay_contacts=(contact,)))
        if asked and not click.confirm("Did it click twice?", default=True, err=wants_json()):
            raise HardwareError(
                f"Contact {contact} was not heard.",
                todo="Check the board, its power and the driver. The conf file is as it was.",
            )


def _carried(choice: RelayChoice, contact: int) -> str:
    pins = PINS.get(choice.line, ())
    if choice.build is Build.CONTACTS:
        pins = tuple(
            wire.pin for wire in wires_on_contacts(choice.line, choice.contacts) if wire.contact == contact
        )
    return f", for line pin {', '.join(map(str, pins))}" if pins else ""


def _write(values: Mapping[str, str], *, yes: bool) -> None:
    """Show the difference, and write it when it is agreed to."""
    diff = preview(CONF, values).diff
    if not diff:
        say(AS_BEFORE)
        return
    if not yes:
        tell_now(diff)
        agree(f"Write this to {CONF}?")
    refuse_in_service()  # RELAYDEVICE is in force at once, RELAYDRIVER when the engine is off: a mixture for the agent
    keep(diff=set_values(CONF, values).diff)
    say(diff if yes else f"Written to {CONF}.")
    put_into_force(values)
