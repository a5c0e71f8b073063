"""A span and its channels, as values."""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.dahdi.alarms import NONE, Alarm


class SpanKind(enum.Enum):
    """The kind of signal that runs over a span."""

    T1 = "T1"
    E1 = "E1"
    J1 = "J1"
    BRI = "BRI"
    ANALOG = "analog"
    NETWORK = "network"  # TDMoE: not hardware of this node
    UNKNOWN = "unknown"


DIGITAL = frozenset({SpanKind.T1, SpanKind.J1, SpanKind.E1, SpanKind.BRI})
# The driver's own word in sysfs for the kind of span. Source: dahdi_spantype2str in dahdi-base.c; INVALID
# tells nothing.
_SPAN_TYPES = {
    "T1": SpanKind.T1,
    "E1": SpanKind.E1,
    "J1": SpanKind.J1,
    "BRI_NT": SpanKind.BRI,
    "BRI_TE": SpanKind.BRI,
    "BRI_SOFT": SpanKind.BRI,
    "FXS": SpanKind.ANALOG,
    "FXO": SpanKind.ANALOG,
    "ANALOG_MIXED": SpanKind.ANALOG,
    "DYNAMIC": SpanKind.NETWORK,
}
# Framings and codings that belong to one kind only. AMI and CCS are used by several kinds.
_ONLY_T1 = frozenset({"B8ZS", "ESF", "D4"})
_ONLY_E1 = frozenset({"HDB3", "CRC4"})
# All words that dahdi_lineconfig_bit_name knows. The kernel has no bit for CAS; a driver of another make may
# print it.
LINE_CODES = _ONLY_T1 | _ONLY_E1 | {"AMI", "CCS", "CAS", "NTTE", "TERM"}
_E1_CHANNELS, _T1_CHANNELS, _BRI_CHANNELS = 31, 24, 3
# Before dahdi_cfg has run, the number of channels narrows down what a span can be: no analog card has 31
# ports on a span.
_BY_CHANNELS = {
    _E1_CHANNELS: frozenset({SpanKind.E1}),
    _T1_CHANNELS: frozenset({SpanKind.T1, SpanKind.J1, SpanKind.ANALOG}),
    _BRI_CHANNELS: frozenset({SpanKind.BRI, SpanKind.ANALOG}),
}
_ANY = DIGITAL | {SpanKind.ANALOG}
_GUESSES = {_E1_CHANNELS: SpanKind.E1, _T1_CHANNELS: SpanKind.T1, _BRI_CHANNELS: SpanKind.BRI}
# Names of ports as drivers spell them: hints for where neither sysfs nor the channels' signalling tells the
# kind.
_ANALOG_PORTS = frozenset(
    {"FXO", "FXS", "WCTDM", "WCFXO", "XPP_FXO", "XPP_FXS", "OPVXA1200", "OPVXA24XX", "WRTDM"}
)
# Ports whose drivers are known to put RED on the channel when a telephone line loses its battery, so that no
# alarm proves that the battery is there: dahdi_alarm_channel is called in wctdm, wctdm24xxp, wcaxx (all named
# WCTDM), xpp's FXO and opvxa1200; wcfxo raises RED on its one-channel span.
_BATTERY_WATCHED = frozenset({"WCTDM", "WCFXO", "XPP_FXO", "OPVXA1200"})
# Every signalling that /proc may show for a channel that dahdi_cfg has set up: sigstr in dahdi-base.c, and
# dahdi_cfg's own words, which drivers of other makes print. `SF (ToneOnly)` is read without its brackets.
_ANALOG_SIGNALLINGS = frozenset({"FXSLS", "FXSKS", "FXSGS", "FXOLS", "FXOKS", "FXOGS"})
_DIGITAL_SIGNALLINGS = frozenset(
    {
        "E&M",
        "E&M-E1",
        "Clear",
        "HDLCRAW",
        "HDLCFCS",
        "HDLCNET",
        "Hardware-assisted HDLC",
        "Hardware assisted D-channel",
        "D-channel",
        "MTP2",
        "CAS",
        "DACS",
        "DACS+RBS",
        "SF",
        "Slave",
    }
)
_NOT_SET_UP = frozenset({"", "Unconfigured"})
_UNDERSTOOD = _ANALOG_SIGNALLINGS | _DIGITAL_SIGNALLINGS | _NOT_SET_UP


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a span; `signalling` is empty before dahdi_cfg has run.

    On digital spans the alarms of a channel go stale: they change only when the span's alarms go to or from
    none. Use the span's alarms there.
    """

    number: int
    name: str
    signalling: str = ""
    in_use: bool = False
    alarms: Alarm = NONE

    @property
    def port(self) -> str:
        """The first part of the channel's name: FXO of `FXO/1/0`, WCTDM of `WCTDM/4/0`, --- without a module."""
        return self.name.split("/")[0]

    @property
    def is_set_up(self) -> bool:
        """True when dahdi_cfg has given the channel a signalling, so the channel is meant to carry something."""
        return self.signalling not in _NOT_SET_UP

    @property
    def is_understood(self) -> bool:
        """True when the channel's signalling is one that DAHDI has, or is not set."""
        return self.signalling in _UNDERSTOOD

    @property
    def is_analog(self) -> bool:
        """True when the channel has a signalling for a telephone or an analog telephone line."""
        return self.signalling in _ANALOG_SIGNALLINGS

    @property
    def takes_line(self) -> bool:
        """True when a telephone line comes in here: an FXO port, which has FXS signalling."""
        return self.is_analog and self.signalling.startswith("FXS")

    @property
    def watches_battery(self) -> bool:
        """True when the driver is known to raise RED when the telephone line at this channel is dead."""
        return self.port in _BATTERY_WATCHED and self.takes_line


@dataclass(frozen=True, slots=True)
class Span:
    """One span, as far as /proc and sysfs tell.

    `line_config` is a set, since versions of DAHDI print its words in different orders. `span_type` is
    sysfs's word for the kind, `location` the card's slot, `line_compat` the framings and codings that the
    span can do, `driver` the kernel module of its card; each is empty where sysfs does not tell. `strange`
    holds text in /proc about the span that the parser does not understand.
    """

    number: int
    name: str
    description: str
    alarms: Alarm
    line_config: frozenset[str] = frozenset()
    is_master: bool = False
    channels: tuple[Channel, ...] = ()
    location: str = ""
    span_type: str = ""
    line_compat: frozenset[str] = frozenset()
    driver: str = ""
    strange: tuple[str, ...] = ()

    @property
    def is_dynamic(self) -> bool:
        """True when the span comes over the network (TDMoE) and is not hardware of this node.

        Source: dahdi_dynamic.c.
        """
        return self.kind is SpanKind.NETWORK

    @property
    def is_local(self) -> bool:
        """True when the span is the other end of a span of this same node. Source: dahdi_dynamic_loc.c."""
        return self.name.startswith("DYN/loc/")

    @property
    def carries_nothing(self) -> bool:
        """True when the span has no channels: its driver only gives the timing (dahdi_dummy, ztdummy)."""
        return not self.channels and not self.line_config

    @property
    def hardware(self) -> SpanKind:
        """The kind, or else a guess by the number of channels, for display to people.

        A span that is not configured tells no coding.
        """
        return self.kind if self.kind is not SpanKind.UNKNOWN else _GUESSES.get(len(self.channels), self.kind)

    @property
    def could_be(self) -> frozenset[SpanKind]:
        """Every kind that the span may be, as far as it is known.

        There is one, or several before dahdi_cfg has run where sysfs does not tell.
        """
        if self.kind in DIGITAL or self.span_type in _SPAN_TYPES or self._has_analog_name:
            return frozenset({self.kind})
        if self.line_config:
            return _ANY  # a card of a special kind, such as one for GSM with two channels a span
        if self.board:
            return frozenset(
                {SpanKind.E1} if len(self.channels) == _E1_CHANNELS else {SpanKind.T1, SpanKind.J1}
            )
        return _BY_CHANNELS.get(len(self.channels), _ANY)

    @property
    def kind(self) -> SpanKind:
        """The kind by sysfs, else by the line's coding, else by the channels' signalling or port names."""
        if self.span_type in _SPAN_TYPES:
            return _SPAN_TYPES[self.span_type]
        if self.name.startswith("DYN/"):
            return SpanKind.NETWORK
        if self.line_config:
            return self._kind_by_coding()
        if self._has_analog_name or self._is_signalled_analog:
            return SpanKind.ANALOG
        return SpanKind.UNKNOWN

    def _kind_by_coding(self) -> SpanKind:
        t1, e1, count = self.line_config & _ONLY_T1, self.line_config & _ONLY_E1, len(self.channels)
        if t1 and e1:
            return SpanKind.UNKNOWN
        if t1:
            return SpanKind.T1
        if e1 or count == _E1_CHANNELS:
            return SpanKind.E1
        # AMI/CCS with two channels may be a GSM card's span (wancfg's AFT-W400, OpenVox's G400).
        if "CCS" in self.line_config and (count == _BRI_CHANNELS or "BRI" in self.name):
            return SpanKind.BRI
        return SpanKind.UNKNOWN

    @property
    def _has_analog_name(self) -> bool:
        return self.is_rhino_analog or any(channel.port in _ANALOG_PORTS for channel in self.channels)

    @property
    def _is_signalled_analog(self) -> bool:
        signalled = [channel for channel in self.channels if channel.is_set_up]
        return bool(signalled) and all(channel.is_analog for channel in signalled)

    @property
    def is_rhino_analog(self) -> bool:
        """True for a Rhino RCB card, whose driver (rcbfx) never raises an alarm.

        Source: docs/facts/pri-timing.md, rcbfx.
        """
        return self.board.startswith("RCB")

    @property
    def board(self) -> str:
        """Rhino's name of the board (R1T1, R2T1, RCB4FXO …), or "" for other makes."""
        words = self.name.replace("/", " ").split() + self.description.replace("/", " ").split()
        return next((word for word in words if word.startswith(("R1T1", "R2T1", "R4T1", "RCB"))), "")


# Lists of channel numbers as DAHDI's files write them, such as `1-15,17-31`.


# DAHDI_MAX_CHANNELS is 1024; dahdi_cfg refuses a channel above this.
HIGHEST = 1023
_RANGE = re.compile(r"(?P<first>\d{1,4})(?:\s*-\s*(?P<last>\d{1,4}))?", re.ASCII)


def parse_channels(text: str) -> tuple[int, ...]:
    """Return the channel numbers in `text`, each once, in ascending order.

    Parts that are neither a number nor a range of numbers are left out.
    """
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is not None:
            first = int(match["first"])
            last = min(int(match["last"] or first), HIGHEST)
            found.update(range(max(first, 1), last + 1))
    return tuple(sorted(found))


def spell_channels(channels: Iterable[int]) -> str:
    """Return `channels` as text with ranges, such as `1-15, 17-31`; the reverse of `parse_channels`."""
    # Within a run of consecutive numbers, the difference between number and position is constant.
    runs = itertools.groupby(enumerate(sorted(set(channels))), lambda pair: pair[1] - pair[0])
    return ", ".join(_spell_run([number for _, number in run]) for _, run in runs)


def _spell_run(run: list[int]) -> str:
    return str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"
