"""What `asha relay wizard` has to know of a board that is to become the relay, and the keys that follow from it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.core.answers import PortShown
from appliance.core.cabling import PINS
from appliance.core.errors import UserError
from appliance.core.relay_facts import RELAYS, Attachment, attached_by, evidence_of

_HIDRAW = "/dev/hidraw"


class Build(enum.Enum):
    """What switches the wires of the line."""

    COILS = "coils"  # signal relays, whose coils one contact of the board feeds
    CONTACTS = "contacts"  # the board's own contacts, one for each wire


@dataclass(frozen=True, slots=True)
class Given:
    """What was told on the command line; "" for what was not, None for no build.

    `contacts` is as in RELAYCONTACTS. `yes`: ask nothing. `click`: energise and release each contact.
    """

    device: str = ""
    driver: str = ""
    line: str = ""
    build: Build | None = None
    contacts: tuple[int, ...] = ()
    yes: bool = False
    click: bool = True


@dataclass(frozen=True, slots=True)
class RelayChoice:
    """The relay as it is to be. `line` is one of PINS; "" for a device that switches the line itself."""

    device: str
    driver: str
    line: str = ""
    build: Build = Build.COILS
    contacts: tuple[int, ...] = ()


def switches_itself(driver: str) -> bool:
    """Tell whether the device is a failover switch, which has sockets for the lines and a password: no board is one."""
    return RELAYS[driver].attachments == {Attachment.NETWORK}


def drivers_for(device: str, ports: tuple[PortShown, ...]) -> tuple[str, ...]:
    """Return the drivers that may be for `device`: those that fit what is plugged in there, else all of its kind."""
    fits = next((port.fits for port in ports if port.tty == device), ())
    return fits or drivers_of_kind(device)


def drivers_of_kind(device: str) -> tuple[str, ...]:
    """Return the drivers for what is attached as `device` is: a board may be on an adapter of any make."""
    if not device.startswith("/"):
        return attached_by(Attachment.NETWORK)
    return attached_by(Attachment.HID if device.startswith(_HIDRAW) else Attachment.SERIAL)


def missing(given: Given, ports: tuple[PortShown, ...]) -> tuple[str, ...]:
    """Return the options without which somebody would have to be asked."""
    driver = given.driver or (only(drivers_for(given.device, ports)) if given.device else "")
    itself = driver in RELAYS and switches_itself(driver)
    wanted = {
        "--device": bool(given.device),
        "--driver": bool(driver),
        "--line": bool(given.line) or itself,
        "--build": given.build is not None or itself,
        "--contacts": bool(given.contacts) or given.build is not Build.CONTACTS,
        "--yes": given.yes,
    }
    return tuple(name for name, there in wanted.items() if not there)


def only(names: tuple[str, ...]) -> str:
    """Return the name that is the only one, else ""."""
    return names[0] if len(names) == 1 else ""


def usual_contacts(driver: str, line: str, build: Build) -> tuple[int, ...]:
    """Return the first contacts of the board, as many as the build takes."""
    first = RELAYS[driver].first
    return tuple(range(first, first + contacts_needed(line, build)))


def contacts_needed(line: str, build: Build) -> int:
    """Return how many contacts of the board the build takes."""
    return 1 if build is Build.COILS else len(PINS[line])


def check_contacts(choice: RelayChoice) -> None:
    """Raise UserError when the contacts are not as many, and different ones, as the build takes."""
    if switches_itself(choice.driver):
        return
    wanted = contacts_needed(choice.line, choice.build)
    if len(set(choice.contacts)) == len(choice.contacts) == wanted:
        return
    if choice.build is Build.COILS:
        raise UserError("One contact switches all coils.", todo="Name one with --contacts.")
    raise UserError(
        f"A line of kind {choice.line} has {wanted} wires, and each takes a contact of its own.",
        todo=f"Name {wanted} with --contacts.",
    )


def device_key(choice: RelayChoice, ports: tuple[PortShown, ...]) -> str:
    """Return RELAYDEVICE: blank for the only HID board, which is found whatever number its node gets."""
    boards = tuple(port.tty for port in ports if port.tty.startswith(_HIDRAW))
    return "" if boards == (choice.device,) else choice.device


def conf_fields(choice: RelayChoice, device: str, *, rhino: bool) -> Mapping[str, Any]:
    """Return the fields of the primary's Conf that change. `rhino`: RHINOSPF is YES. `device`: see `device_key`."""
    found: dict[str, Any] = {"card_installed": False} if rhino else {}
    return {**found, "relay_driver": choice.driver, "relay_device": device, "relay_contacts": choice.contacts}


def on_the_other(values: Mapping[str, str], *, network: bool, password: bool) -> str:
    """Return the command that sets on the secondary what has to be the same there; a password is not shown."""
    names = ["RHINOSPF"] * ("RHINOSPF" in values) + ["RELAYDRIVER", "RELAYCONTACTS"]
    names += ["RELAYDEVICE"] * network
    words = [f"{name} {values[name] or repr('')}" for name in names]
    return " ".join(["asha conf set", *words, *["RELAYPASSWORD ..."] * password])


def device_lines(ports: tuple[PortShown, ...]) -> Iterator[str]:
    """Yield what is plugged in, numbered from 1, with the drivers that fit and how well each is known."""
    for at, port in enumerate(ports, start=1):
        yield f"{at}. {port.tty}  {port.usb or 'unknown'}"
        yield from (f"     {driver_line(name)}" for name in port.fits)
        if not port.fits:
            yield "     no driver is known to fit"
    if not ports:
        yield "No serial port on USB, and no HID relay board."


def driver_line(driver: str) -> str:
    """Return a driver for people, with the mark of how well it is known what it says to its device."""
    return f"{driver}: {RELAYS[driver].title} ({evidence_of(driver).value})"
