"""Command `asha dahdi`: show the spans of both nodes, and whether the DAHDI configuration fits them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import click

from appliance.cli.output import agree, prints, put, say, tells
from appliance.cli.terminal import ShownLine, Tone
from appliance.config import Conf, load
from appliance.control.client import AgentAbsent
from appliance.control.status import ask_status
from appliance.core.errors import AshaError, ClusterError, HardwareError, HostError, UserError
from appliance.core.model import Node
from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi.directory import read_configuration
from appliance.dahdi.fit import Misfit, driver_warnings, idle_spans, misfits
from appliance.dahdi.report import pack_spans, unpack_spans
from appliance.dahdi.span import Span, spell_channels
from appliance.host.clock import SystemClock
from appliance.local_node import CLOCK, conf_and_node

SpansReading = Reading[tuple[Span, ...]]
# Directory that is used when TELEPHONY is blank: it can be checked without being kept in step.
_DEFAULT = Path("/etc/dahdi")
_COLUMNS = ("span", "node", "name", "type", "channels", "set to", "fits")


@dataclass(frozen=True, slots=True)
class Side:
    """A node whose spans are compared with the other node's: its name and its spans.

    `unfit` is what of this node's configuration does not fit those spans, `idle` are the spans that the
    configuration does not set up, and `warnings` is what fits and may still go wrong at the next start there.
    """

    name: str
    seen: SpansReading
    unfit: tuple[Misfit, ...]
    idle: frozenset[int] = frozenset()
    warnings: tuple[Misfit, ...] = ()


class SpanShown(TypedDict):
    """A span as DAHDI shows it; each channel is a list of its number, name and signalling."""

    number: int
    name: str
    description: str
    line_config: list[str]
    line_compat: list[str]
    location: str
    span_type: str
    driver: str
    channels: list[list[Any]]


class SideShown(TypedDict):
    """The spans of a node, and what of this node's configuration does not fit them, or fits and may go wrong.

    Spans that cannot be seen are an empty list, and `unknown` says why; it is null else.
    """

    node: str
    spans: list[SpanShown]
    unknown: str | None
    misfits: list[Misfit]
    warnings: list[Misfit]


@dataclass(frozen=True, slots=True)
class FitAnswer:
    """Whether the DAHDI configuration in `directory` fits the nodes. `peer_problem`: why the other node is missing."""

    directory: str
    nodes: tuple[SideShown, ...]
    peer_problem: str | None = None


@click.group()
def dahdi() -> None:
    """Look at the telephone cards, as DAHDI shows them."""


@dahdi.command()
@prints(FitAnswer)
def fit() -> None:
    """Compare both nodes' spans, and say what of this node's DAHDI configuration does not fit them.

    The configuration is that of TELEPHONY, or /etc/dahdi. Changes nothing. Exits with 0 when everything fits both
    nodes, 4 when something does not, 6 when the other node could not be asked; this node is shown all the same.
    """
    from appliance.sync_setup import own_misfits, own_spans  # noqa: PLC0415 - the other commands look at no other node

    conf, node = conf_and_node()
    directory = Path(conf.telephony) if conf.telephony else _DEFAULT
    seen = own_spans(conf)
    sides = [_side("this node", seen, directory, own_misfits(directory, seen))]
    problem: AshaError | None = None
    try:
        sides.append(_peer(conf, node, directory))
    except AshaError as caught:
        problem = caught
    put(_document(directory, sides, problem), lambda _: map(_fit_line, fit_lines(directory, sides)))
    _end(directory, sides, problem)


def _peer(conf: Conf, node: Node, directory: Path) -> Side:
    """Return the peer's side.

    Raises SyncProblem when the peer cannot be asked, and HostError when this node's files cannot be read.
    """
    from appliance.sync.peer_link import PeerLink  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    name = conf.secondary_name if node is Node.PRIMARY else conf.primary_name
    with PeerLink(way_to_peer(conf, node)) as peer:
        seen = unpack_spans(peer.ask("spans"), CLOCK.now())
    return _side(name, seen, directory, misfits(read_configuration(directory), seen, name))


def _side(name: str, seen: SpansReading, directory: Path, unfit: tuple[Misfit, ...]) -> Side:
    try:
        wanted = read_configuration(directory)
    except HostError:  # `unfit` already says so
        return Side(name, seen, unfit)
    idle = idle_spans(wanted, seen.value) if isinstance(seen, Known) else frozenset()
    return Side(name, seen, unfit, idle, driver_warnings(wanted, seen, name))


def _end(directory: Path, sides: list[Side], problem: AshaError | None) -> None:
    """Raise the error that gives the exit code, if any.

    A configuration that does not fit goes before a peer that could not be asked.
    """
    unfit = [side.name for side in sides if side.unfit]
    if unfit:
        raise HardwareError(f"{directory} does not fit {' and '.join(unfit)}.")
    if problem is not None:
        raise problem


_UNFIT = " does not fit "


def _fit_line(text: str) -> ShownLine:
    return (
        ShownLine(text, 2)
        if text.startswith("  ")
        else ShownLine(text, tone=Tone.BAD if _UNFIT in text else Tone.PLAIN)
    )


def fit_lines(directory: Path, sides: list[Side]) -> list[str]:
    """Return the table of spans, followed by one sentence for each thing that does not fit."""
    rows = [_COLUMNS, *(row for _, row in sorted(_rows(sides)))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    for side in sides:
        if isinstance(side.seen, Unknown):
            lines.append(f"{side.name}: its spans cannot be seen: {side.seen.reason}.")
        elif not side.seen.value:
            lines.append(f"{side.name}: no spans.")
        if side.unfit:
            lines += ["", f"{directory}{_UNFIT}{side.name}:"]
            lines += [f"  {misfit.says}." for misfit in side.unfit]
        else:
            lines += ["", f"{directory} fits {side.name}."]
        lines += [f"  warning: {warning.says}." for warning in side.warnings]
    return lines


def _rows(sides: list[Side]) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
    """Yield the row of each span with its sort key: spans of the same number on both nodes stand together."""
    for place, side in enumerate(sides):
        if isinstance(side.seen, Unknown):
            continue
        odd = {misfit.span for misfit in side.unfit}
        for span in side.seen.value:
            fits = "NO" if odd & {span.number, 0} else "not set up" if span.number in side.idle else "yes"
            yield (span.number, place), _row(span, side.name, fits)


def _row(span: Span, name: str, fits: str) -> tuple[str, ...]:
    channels = spell_channels(channel.number for channel in span.channels)
    config = "/".join(sorted(span.line_config)) or "-"
    return (str(span.number), name, span.name, span.hardware.value, channels or "none", config, fits)


def _document(directory: Path, sides: list[Side], problem: AshaError | None) -> FitAnswer:
    return FitAnswer(str(directory), tuple(map(_shown, sides)), None if problem is None else str(problem))


def _shown(side: Side) -> SideShown:
    seen = pack_spans(side.seen)
    return {
        "node": side.name,
        "spans": seen.get("spans", []),
        "unknown": seen.get("unknown"),
        "misfits": [*side.unfit],
        "warnings": [*side.warnings],
    }


# Command `asha card`: find the relay card, reset it, and learn its protocol.


@click.group()
def card() -> None:
    """Look at the relay card of the primary, learn how it is spoken to, reset it.

    For relay boards see also 'asha relay'.
    """


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """Where the card is. `usb`: "" when that is not known. `profile`: of the serial driver; `board`: of RELAYDRIVER."""

    tty: str
    usb: str
    driver: str
    profile: str
    board: str


@card.command()
@prints(CardAnswer)
def probe() -> None:
    """Say whether the card is there, where, and how it is driven.

    Sends nothing to it; a device on the network is asked for its state.
    """
    from appliance.hw.drivers import find_relay  # noqa: PLC0415

    conf = load(to_run=True)
    found = find_relay(conf, SystemClock())
    if isinstance(found, Unknown):
        raise HardwareError(f"Whether the card is there could not be determined: {found.reason}.")
    if found.value is None:
        raise HardwareError(
            f"No card at {conf.relay_tty}.", todo=f"Check its cable, its power, and {conf.relay_tty_key}."
        )
    driver = conf.relay_driver or conf.card_driver
    profile = str(conf.card_profile) if driver == "serial" else ""
    board = conf.relay_facts.title if conf.relay_driver else ""
    put(CardAnswer(str(found.value.tty), str(found.value.usb or ""), driver, profile, board), _card_lines)


def _card_lines(card: CardAnswer) -> list[str]:
    driver = card.driver
    if card.profile:
        driver += f", profile {card.profile}"
    if card.board:
        driver += f", for the {card.board}"
    where = "tty    " if card.tty.startswith("/") else "address"
    return [f"{where}  {card.tty}", f"USB      {card.usb or 'unknown'}", f"driver   {driver}"]


@card.command()
@tells()
def reset() -> None:
    """Send RESET and let the line go to the secondary. Refused while this node serves."""
    _refuse_while_serving()
    from appliance.core.model import Relay  # noqa: PLC0415
    from appliance.hw.drivers import open_card  # noqa: PLC0415

    opened = open_card(load(to_run=True), SystemClock())
    try:
        opened.reset()
        opened.move(Relay.RELEASED)
    finally:
        opened.close()
    say("The card is reset and the relay released: the line goes to the secondary.")


@card.command()
@tells()
@click.argument("profile", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def learn(profile: Path, yes: bool) -> None:
    """Record what the vendor tool says to the card, and write it to PROFILE for RHINODRIVER=serial.

    This moves the relay to the primary and back: calls on the line are cut.
    """
    _refuse_while_serving()
    conf = load(to_run=True)
    if conf.relay_driver:
        raise UserError(
            f"RELAYDRIVER is {conf.relay_driver}: only the Rhino card's language is learned.",
            todo="See 'asha relay test'.",
        )
    if not yes:
        agree("This moves the relay to the primary and back; calls on the line are cut. Go on?")
    _learn(conf, profile)
    say(
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
