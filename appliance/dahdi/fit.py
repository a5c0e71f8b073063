"""Whether a DAHDI configuration fits the hardware; no I/O: a configuration and spans in, sentences out.

The measure is what dahdi_cfg and the kernel would do with the configuration, not what is usual. A
configuration does not fit when

- it names a span or a channel that the node does not have;
- it asks a span for a kind, framing or coding that the span does not have (the kernel refuses:
  dahdi_ioctl_spanconfig);
- it asks a channel for a signalling that its port does not have (dahdi_ioctl_chanconfig), or for ISDN on an
  analog channel, which some drivers accept though no ISDN can go over it;
- it uses a T1, E1 or BRI span without a `span` line, or sets up nothing at all though there are spans:
  dahdi_cfg starts such a span by its line alone, so that after the next start of DAHDI no call could be made.

Facts that a node cannot tell (the port type of a Digium analog card, the driver on an old kernel, the kind of
a span that was never set up) are not held against the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.core.reading import Reading, Unknown
from appliance.dahdi.configuration import Configuration, SpanLine, Use
from appliance.dahdi.span import DIGITAL, Channel, Span, SpanKind, spell_channels

_T1 = frozenset({SpanKind.T1, SpanKind.J1})
# The channel of a BRI span, counted from 1, on which the card's own HDLC works (wcb4xxp, wctdm24xxp, xpp):
# the kernel refuses `hardhdlc` on the other two. On other kinds of span the D-channel is where the file puts
# it: SS7 has its links anywhere.
_BRI_DCHANNEL = 3
# Framings and codings of each kind of span, used where sysfs does not tell. `cas` has no bit of its own in
# the kernel (dahdi/user.h).
_COMPAT = {
    SpanKind.T1: frozenset({"D4", "ESF", "AMI", "B8ZS"}),
    SpanKind.J1: frozenset({"D4", "ESF", "AMI", "B8ZS"}),
    SpanKind.E1: frozenset({"CCS", "HDB3", "AMI", "CRC4"}),
    SpanKind.BRI: frozenset({"CCS", "AMI"}),
}
_COMPAT_WORDS = frozenset({"D4", "ESF", "AMI", "B8ZS", "CCS", "HDB3", "CRC4"})
_EMPTY = "---"
_PORTS = {"FXO": "FXO", "FXS": "FXS", "XPP_FXO": "FXO", "XPP_FXS": "FXS", "WCFXO": "FXO", _EMPTY: _EMPTY}
# An FXO port takes FXS signalling and an FXS port takes FXO signalling: a port is signalled by the other
# end's kind.
_PORT_FOR = {"fxs": "FXO", "fxo": "FXS"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit, as a sentence without its full stop.

    `span` is the number of the span concerned, or 0 when the misfit belongs to no span.
    """

    span: int
    says: str


def misfits(
    wanted: Configuration, seen: Reading[tuple[Span, ...]], whose: str = "this node"
) -> tuple[Misfit, ...]:
    """Return everything in `wanted` that does not fit the spans of `whose` node.

    A configuration that names hardware does not fit spans that are Unknown.
    """
    if isinstance(seen, Unknown):
        if not wanted.wants_hardware:
            return ()
        return (Misfit(0, f"{whose}'s spans cannot be seen: {seen.reason}"),)
    return tuple(_Comparison(wanted, seen.value, whose).run())


def driver_warnings(
    wanted: Configuration, seen: Reading[tuple[Span, ...]], whose: str = "this node"
) -> tuple[Misfit, ...]:
    """Return warnings for drivers that `modules` of `wanted` leaves out, though `whose` node has their spans.

    Such drivers are loaded now, and the configuration fits, but spans may be missing after the next start:
    dahdi_cfg does not load drivers. No misfit, because udev or another program (wanrouter) may load them.
    """
    named, spans = wanted.modules, () if isinstance(seen, Unknown) else seen.value
    left_out = [
        span for span in spans if named and span.driver and span.driver.replace("-", "_") not in named
    ]
    return tuple(
        Misfit(
            span.number,
            f"span {span.number}: modules names {', '.join(named)} and leaves out {span.driver}, the driver of "
            f"{whose}'s span {span.number} {span.name}: after a restart the span is there only if udev or another "
            "program loads it",
        )
        for span in left_out
    )


def idle_spans(wanted: Configuration, spans: Iterable[Span]) -> frozenset[int]:
    """Return the numbers of the spans that `wanted` does not name: they are spare, which is no misfit."""
    lines = {line.number for line in wanted.system.spans}
    used = {channel for use in wanted.system.uses for channel in use.channels}
    return frozenset(
        span.number
        for span in spans
        if span.number not in lines and not any(channel.number in used for channel in span.channels)
    )


def port_kind(channel: Channel, span: Span) -> str:
    """Return "FXO" or "FXS", "---" for an empty port, or "" when the kind of port cannot be told.

    An active signalling tells too: the driver accepts only the signalling for its port (DAHDI_CHANCONFIG).
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
        # spans already reported, whose channels are not reported one by one
        self._explained: set[int] = set()

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

    # -- spans

    def _line(self, line: SpanLine) -> Iterator[Misfit]:
        span, kinds = self._spans.get(line.number), _kinds(line)
        if span is None:
            self._explained.add(line.number)
            has = self._list_spans() or "no span"
            says = f"span {line.number}: the configuration sets it up, {self._whose} has {has}"
            yield Misfit(line.number, says)
        elif kinds and not kinds & span.could_be:
            self._explained.add(line.number)
            yield self._of(span, f"the configuration says {_spell_kinds(kinds)} ({line.framing})")
        elif kinds and (odd := _odd_words(line, span)):
            yield self._of(span, f"the configuration says {', '.join(odd)}", "cannot do that")

    def _unset(self) -> Iterator[Misfit]:
        """Report digital spans whose channels are used without a span line.

        Such a configuration was made for another card.
        """
        for span in self._spans.values():
            used = {
                channel.number
                for channel in span.channels
                if any(channel.number in use.channels for use in self._wanted.system.uses)
            }
            if used and span.could_be <= DIGITAL and span.number not in self._lines:
                self._explained.add(span.number)
                yield self._of(
                    span, f"the configuration uses its channels {spell_channels(used)} without a span line"
                )

    def _of(self, span: Span, configuration: str, hardware: str = "") -> Misfit:
        fact = hardware or f"is {_spell_kinds(span.could_be)}"
        name = f"{self._whose}'s span {span.number} {span.name}"
        return Misfit(span.number, f"span {span.number}: {configuration}, {name} {fact}")

    def _list_spans(self) -> str:
        count = len(self._spans)
        numbers = spell_channels(self._spans)
        return f"{'only ' if self._lines else ''}span{'s' if count > 1 else ''} {numbers}" if count else ""

    # -- channels

    def _absent(self) -> frozenset[int]:
        """Return the channels that are named but do not exist, except those that dynamic spans may bring.

        The numbers of dynamic channels are decided when the spans are created, so as many channels may be
        missing as there are dynamic ones.
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


def _why_not(signalling: str, span: Span, channel: Channel) -> str:
    """Return why `channel` cannot have `signalling`; "" when it can.

    The signalling may come from system.conf or from a channel file. A span that may be of several kinds can
    have every signalling that one of these kinds can have.
    """
    whys = [_why_not_on(kind, signalling, span, channel) for kind in sorted(span.could_be, key=str)]
    return whys[0] if all(whys) else ""


def _why_not_on(kind: SpanKind, signalling: str, span: Span, channel: Channel) -> str:
    if kind is SpanKind.ANALOG:
        return _why_not_analog(signalling, port_kind(channel, span))
    if signalling.startswith("bri"):
        return "" if kind is SpanKind.BRI else f"it is {kind.value}, not BRI"
    if kind is not SpanKind.BRI:
        return ""
    if signalling == "hardhdlc":
        place = channel.number - span.channels[0].number + 1
        return (
            ""
            if place == _BRI_DCHANNEL
            else f"hardhdlc of BRI is on its channel {_BRI_DCHANNEL}, not {place}"
        )
    return "it is BRI" if signalling[:3] in _PORT_FOR else ""


def _why_not_analog(signalling: str, port: str) -> str:
    needed = _PORT_FOR.get(signalling[:3])
    if needed is None:
        return "it is analog" if signalling in _DIGITAL_ONLY or signalling.startswith(("pri", "bri")) else ""
    if port == _EMPTY:
        return "no module sits there"
    return f"it is an {port} port, and that needs {needed}" if port and port != needed else ""


_DIGITAL_ONLY = frozenset(
    {"bchan", "dchan", "hardhdlc", "cas", "user", "mtp2", "rawhdlc", "nethdlc", "fcshdlc"}
)


def _kinds(line: SpanLine) -> frozenset[SpanKind]:
    """Return the kinds of span that `line` can be meant for.

    The set is empty for an unknown framing, of which dahdi_cfg itself complains.
    """
    if line.framing in ("esf", "d4"):
        return _T1
    if line.framing == "ccs":
        return frozenset({SpanKind.E1, SpanKind.BRI} if line.coding == "ami" else {SpanKind.E1})
    return frozenset({SpanKind.E1} if line.framing == "cas" else ())


def _odd_words(line: SpanLine, span: Span) -> list[str]:
    """Return the framing, coding and crc4 words of `line` that the span cannot do."""
    can = span.line_compat or frozenset[str]().union(*(_COMPAT.get(kind, ()) for kind in span.could_be))
    asked = [line.framing, line.coding, *sorted(line.options)]
    return [word for word in asked if word.upper() in _COMPAT_WORDS - can]


def _spell_kinds(kinds: frozenset[SpanKind]) -> str:
    return " or ".join(sorted(kind.value for kind in (kinds - {SpanKind.J1} or kinds)))
