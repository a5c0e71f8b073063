"""Does a configuration fit the hardware? No I/O: a configuration and spans in, sentences out.

What cannot be known of a node (the port type of a Digium analog card, the driver on an old kernel) is not held
against the configuration; a span whose kind cannot be told at all is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.core.reading import Reading, Unknown
from appliance.dahdi.channels import spell_channels
from appliance.dahdi.configuration import Configuration, SpanLine, Use
from appliance.dahdi.span import Channel, Kind, Span

_T1 = frozenset({Kind.T1, Kind.J1})
_DIGITAL = _T1 | {Kind.E1, Kind.BRI}
# Which channel of a span carries the D-channel, from 1.
_DCHANNEL = {Kind.T1: 24, Kind.J1: 24, Kind.E1: 16, Kind.BRI: 3}
_DCHANNEL_WORDS = frozenset({"dchan", "hardhdlc"})
# Framings and codings where sysfs does not say. `cas` has no bit of its own in the kernel (dahdi/user.h).
_COMPAT = {
    Kind.T1: frozenset({"D4", "ESF", "AMI", "B8ZS"}),
    Kind.J1: frozenset({"D4", "ESF", "AMI", "B8ZS"}),
    Kind.E1: frozenset({"CCS", "HDB3", "AMI", "CRC4"}),
    Kind.BRI: frozenset({"CCS", "AMI"}),
}
_COMPAT_WORDS = frozenset({"D4", "ESF", "AMI", "B8ZS", "CCS", "HDB3", "CRC4"})
_EMPTY = "---"
_PORTS = {"FXO": "FXO", "FXS": "FXS", "XPP_FXO": "FXO", "XPP_FXS": "FXS", "WCFXO": "FXO", _EMPTY: _EMPTY}
# A port is signalled by the other end's kind.
_PORT_FOR = {"fxs": "FXO", "fxo": "FXS"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit, as a sentence without its full stop. `span` is 0 when it is of no span."""

    span: int
    says: str


def misfits(
    wanted: Configuration, seen: Reading[tuple[Span, ...]], whose: str = "this node"
) -> tuple[Misfit, ...]:
    """Everything in `wanted` that does not fit the spans of `whose` node. Spans that are unknown fit nothing."""
    if isinstance(seen, Unknown):
        if not wanted.wants_hardware:
            return ()
        return (Misfit(0, f"{whose}'s spans cannot be seen: {seen.reason}"),)
    return tuple(_Comparison(wanted, seen.value, whose).run())


def idle_spans(wanted: Configuration, spans: Iterable[Span]) -> frozenset[int]:
    """Spans of the hardware that `wanted` does not name: spare ones, which is no misfit."""
    lines = {line.number for line in wanted.system.spans}
    used = {channel for use in wanted.system.uses for channel in use.channels}
    return frozenset(
        span.number
        for span in spans
        if span.number not in lines and not any(channel.number in used for channel in span.channels)
    )


def port_kind(channel: Channel, span: Span) -> str:
    """FXO or FXS, `---` for an empty port, nothing when it cannot be told.

    A running signalling tells too: the driver accepts only the one for its port (DAHDI_CHANCONFIG).
    """
    if channel.port in _PORTS:
        return _PORTS[channel.port]
    if span.span_type in ("FXO", "FXS"):
        return span.span_type
    return _PORT_FOR.get(channel.signalling[:3].lower(), "")


class _Comparison:
    def __init__(self, wanted: Configuration, spans: Iterable[Span], whose: str) -> None:
        self._wanted = wanted
        self._whose = whose
        self._spans = {span.number: span for span in spans if span.channels and not span.is_dynamic}
        self._owner = {
            channel.number: (span, channel) for span in self._spans.values() for channel in span.channels
        }
        self._lines = {line.number: line for line in wanted.system.spans}
        self._explained: set[int] = set()  # spans whose channels need no more words

    def run(self) -> Iterator[Misfit]:
        if self._spans and not self._wanted.wants_hardware:
            yield Misfit(0, f"{self._whose} has {self._list_spans()}, and the configuration sets up nothing")
            return
        for line in self._wanted.system.spans:
            yield from self._line(line)
        absent = self._absent()
        yield from self._missing(absent)
        yield from self._unset()
        yield from self._signallings(self._wanted.system.uses, "")
        for name, uses in self._wanted.files.items():
            yield from self._signallings(uses, f"{name}: ")
        yield from self._drivers()

    # -- spans

    def _line(self, line: SpanLine) -> Iterator[Misfit]:
        span, kinds = self._spans.get(line.number), _kinds(line)
        if span is None:
            self._explained.add(line.number)
            has = self._list_spans() or "no span"
            says = f"span {line.number}: the configuration sets it up, {self._whose} has {has}"
            yield Misfit(line.number, says)
        elif kinds and span.hardware not in kinds:
            self._explained.add(line.number)
            yield self._of(span, f"the configuration says {_spell_kinds(kinds)} ({line.framing})")
        elif kinds and (odd := _odd_words(line, span)):
            yield self._of(span, f"the configuration says {', '.join(odd)}", "cannot do that")

    def _unset(self) -> Iterator[Misfit]:
        """Channels of a digital span that has no line of its own: the configuration was made for another card."""
        for span in self._spans.values():
            used = {
                channel.number
                for channel in span.channels
                if any(channel.number in use.channels for use in self._wanted.system.uses)
            }
            if used and span.hardware in _DIGITAL and span.number not in self._lines:
                self._explained.add(span.number)
                yield self._of(
                    span, f"the configuration uses its channels {spell_channels(used)} without a span line"
                )

    def _of(self, span: Span, configuration: str, hardware: str = "") -> Misfit:
        kind = span.hardware
        word = "of a kind that cannot be told" if kind is Kind.UNKNOWN else kind.value
        fact = hardware or f"is {word}"
        name = f"{self._whose}'s span {span.number} {span.name}"
        return Misfit(span.number, f"span {span.number}: {configuration}, {name} {fact}")

    def _list_spans(self) -> str:
        count = len(self._spans)
        numbers = spell_channels(self._spans)
        return f"{'only ' if self._lines else ''}span{'s' if count > 1 else ''} {numbers}" if count else ""

    # -- channels

    def _absent(self) -> frozenset[int]:
        """Channels that are named and not there, without those that the dynamic spans bring.

        Which numbers those get is decided when they are made, so that many may be missing.
        """
        uses = [*self._wanted.system.uses, *(use for uses in self._wanted.files.values() for use in uses)]
        gone = {channel for use in uses for channel in use.channels} - set(self._owner)
        return frozenset(gone) if len(gone) > self._wanted.system.dynamic else frozenset()

    def _missing(self, absent: frozenset[int]) -> Iterator[Misfit]:
        has = spell_channels(self._owner) or "none"
        told: set[int] = set()
        for name, use in self._named_uses():
            gone = absent.intersection(use.channels) - told
            told |= gone
            if gone and use.span not in self._explained:
                place = f"span {use.span}: " if use.span else name
                says = f"{place}{use.signalling or 'channel'} {spell_channels(gone)}"
                yield Misfit(use.span, f"{says} is set up, the channels of {self._whose} are {has}")

    def _named_uses(self) -> Iterator[tuple[str, Use]]:
        yield from (("", use) for use in self._wanted.system.uses)
        for name, uses in self._wanted.files.items():
            yield from ((f"{name}: ", use) for use in uses)

    def _signallings(self, uses: Iterable[Use], place: str) -> Iterator[Misfit]:
        for use in uses:
            found: dict[tuple[int, str], list[int]] = {}
            for number in use.channels:
                if number in self._owner:
                    span, channel = self._owner[number]
                    if span.number not in self._explained and (
                        why := _why_not(use.signalling, span, channel)
                    ):
                        found.setdefault((span.number, why), []).append(number)
            yield from self._told(found, use, place)

    def _told(self, found: Mapping[tuple[int, str], Sequence[int]], use: Use, place: str) -> Iterator[Misfit]:
        for (number, why), channels in found.items():
            name = f"{self._whose}'s span {number} {self._spans[number].name}"
            says = (
                f"span {number}: {place}{use.signalling} {spell_channels(channels)} does not go with {name}"
            )
            yield Misfit(number, f"{says}: {why}")

    # -- drivers

    def _drivers(self) -> Iterator[Misfit]:
        """`modules` may name more than is there; a span whose driver it leaves out is not there after a reboot."""
        named = self._wanted.modules
        for span in self._spans.values():
            driver = span.driver.replace("-", "_")
            if named and driver and driver not in named:
                yield self._of(
                    span,
                    f"modules names {', '.join(named)}",
                    f"needs the driver {driver}, which it leaves out",
                )


def _why_not(signalling: str, span: Span, channel: Channel) -> str:
    """Why a channel cannot have that signalling, be it of system.conf or of a channel file; "" when it can."""
    kind = span.hardware
    if signalling in _DCHANNEL_WORDS and kind in _DIGITAL:
        place = channel.number - span.channels[0].number + 1
        wanted = _DCHANNEL[kind]
        return (
            "" if place == wanted else f"the D-channel of {kind.value} is its channel {wanted}, not {place}"
        )
    if signalling.startswith("bri"):
        return "" if kind is Kind.BRI else f"it is {kind.value}, not BRI"
    if kind is Kind.ANALOG:
        return _why_not_analog(signalling, port_kind(channel, span))
    if kind is Kind.BRI and signalling[:3] in ("fxs", "fxo", "pri"):
        return "it is BRI"
    return ""


def _why_not_analog(signalling: str, port: str) -> str:
    needed = _PORT_FOR.get(signalling[:3])
    if needed is None:
        return "it is analog" if signalling in _DIGITAL_ONLY or signalling.startswith("pri") else ""
    if port == _EMPTY:
        return "no module sits there"
    return f"it is an {port} port, and that needs {needed}" if port and port != needed else ""


_DIGITAL_ONLY = _DCHANNEL_WORDS | {"bchan", "cas", "user", "mtp2", "rawhdlc", "nethdlc", "fcshdlc"}


def _kinds(line: SpanLine) -> frozenset[Kind]:
    """What a span line can be meant for; none for a framing nobody knows, of which dahdi_cfg complains."""
    if line.framing in ("esf", "d4"):
        return _T1
    if line.framing == "ccs":
        return frozenset({Kind.E1, Kind.BRI} if line.coding == "ami" else {Kind.E1})
    return frozenset({Kind.E1} if line.framing == "cas" else ())


def _odd_words(line: SpanLine, span: Span) -> list[str]:
    """Framing, coding and crc4 that the span cannot do."""
    can = span.line_compat or _COMPAT.get(span.hardware, _COMPAT_WORDS)
    asked = [line.framing, line.coding, *sorted(line.options)]
    return [word for word in asked if word.upper() in _COMPAT_WORDS - can]


def _spell_kinds(kinds: frozenset[Kind]) -> str:
    return " or ".join(sorted(kind.value for kind in kinds - {Kind.J1}))
