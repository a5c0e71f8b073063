"""A span and its channels, as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.dahdi.alarms import NONE, Alarm


class Kind(enum.Enum):
    """What runs over a span."""

    T1 = "T1"
    E1 = "E1"
    J1 = "J1"
    BRI = "BRI"
    ANALOG = "analog"
    UNKNOWN = "unknown"


# The drivers' own word in sysfs. Source: dahdi_spantype2str in dahdi-base.c.
_SPAN_TYPES = {
    "T1": Kind.T1,
    "E1": Kind.E1,
    "J1": Kind.J1,
    "BRI_NT": Kind.BRI,
    "BRI_TE": Kind.BRI,
    "BRI_SOFT": Kind.BRI,
    "FXS": Kind.ANALOG,
    "FXO": Kind.ANALOG,
    "ANALOG_MIXED": Kind.ANALOG,
}
_DYNAMIC = "DYNAMIC"
# What each kind has for certain, where neither sysfs nor the line's coding tells.
_BY_CHANNELS = {24: Kind.T1, 31: Kind.E1, 3: Kind.BRI}
_T1_CODES = frozenset({"B8ZS", "ESF", "D4"})
_E1_CODES = frozenset({"HDB3", "CRC4"})
_BRI_CHANNELS = 3  # AMI/CCS is said of both E1 and BRI
_ANALOG_PORTS = frozenset({"FXO", "FXS", "WCTDM", "WCFXO", "XPP_FXO", "XPP_FXS", "OPVXA1200"})
# Drivers that put RED on the channel when a telephone line's battery is lost: dahdi_alarm_channel is called in
# wctdm, wctdm24xxp, wcaxx (all named WCTDM), xpp's FXO and opvxa1200; wcfxo raises it on its one-channel span.
_BATTERY_WATCHED = frozenset({"WCTDM", "WCFXO", "XPP_FXO", "OPVXA1200"})


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. `signalling` is empty before dahdi_cfg.

    On digital spans its alarms go stale: they change only when the span goes to or from none. Trust the span's.
    """

    number: int
    name: str
    signalling: str = ""
    in_use: bool = False
    alarms: Alarm = NONE

    @property
    def port(self) -> str:
        """The first part of its name: FXO of `FXO/1/0`, WCTDM of `WCTDM/4/0`, --- where no module sits."""
        return self.name.split("/")[0]

    @property
    def watches_battery(self) -> bool:
        """A telephone line comes in here (FXO, so FXS signalling), and its driver raises RED when it is dead."""
        return self.port in _BATTERY_WATCHED and self.signalling.startswith("FXS")


@dataclass(frozen=True, slots=True)
class Span:
    """One span. `line_config` is a set, since versions print its words in different orders.

    `span_type` is sysfs's word for the kind, `location` its slot, `line_compat` the framings and codings it can do,
    `driver` the kernel module of its card; all empty where sysfs does not say.
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

    @property
    def is_dynamic(self) -> bool:
        """It comes over the network (TDMoE): no hardware of the node. Source: dahdi_dynamic.c."""
        return self.span_type == _DYNAMIC or self.name.startswith("DYN/")

    @property
    def hardware(self) -> Kind:
        """As `kind`, else by the number of channels: a span that was never configured says no coding."""
        return self.kind if self.kind is not Kind.UNKNOWN else _BY_CHANNELS.get(len(self.channels), self.kind)

    @property
    def kind(self) -> Kind:
        """As sysfs says, else from the line's coding, else from the channels' names."""
        if self.span_type in _SPAN_TYPES:
            return _SPAN_TYPES[self.span_type]
        if self.line_config & _T1_CODES:
            return Kind.T1
        if self.line_config & _E1_CODES:
            return Kind.E1
        if "CCS" in self.line_config:
            return Kind.BRI if 0 < len(self.channels) <= _BRI_CHANNELS else Kind.E1
        ports = {channel.port for channel in self.channels}
        return Kind.ANALOG if self.is_rhino_analog or ports & _ANALOG_PORTS else Kind.UNKNOWN

    @property
    def is_rhino_analog(self) -> bool:
        """A Rhino RCB card: its driver (rcbfx) never raises an alarm. Source: facts/pri-timing, rcbfx."""
        return self.board.startswith("RCB")

    @property
    def board(self) -> str:
        """Rhino's name of the board (R1T1, R2T1, RCB4FXO …), or nothing for other makes."""
        words = self.name.replace("/", " ").split() + self.description.replace("/", " ").split()
        return next((word for word in words if word.startswith(("R1T1", "R2T1", "R4T1", "RCB"))), "")
