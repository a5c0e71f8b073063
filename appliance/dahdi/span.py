"""A span and its channels, as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.dahdi.alarms import NONE, Alarm


class Kind(enum.Enum):
    """What runs over a span."""

    T1 = "T1"
    E1 = "E1"
    ANALOG = "analog"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. `signalling` is empty before dahdi_cfg. Its alarms go stale: trust the span's."""

    number: int
    name: str
    signalling: str = ""
    in_use: bool = False
    alarms: Alarm = NONE


@dataclass(frozen=True, slots=True)
class Span:
    """One span. `line_config` is a set, since versions print its words in different orders."""

    number: int
    name: str
    description: str
    alarms: Alarm
    line_config: frozenset[str] = frozenset()
    is_master: bool = False
    channels: tuple[Channel, ...] = ()
    location: str = ""

    @property
    def kind(self) -> Kind:
        """From the line's coding, else from the channels' names."""
        if self.line_config & {"B8ZS", "ESF", "D4"}:
            return Kind.T1
        if self.line_config & {"HDB3", "CCS", "CAS", "CRC4"}:
            return Kind.E1
        ports = {channel.name.split("/")[0] for channel in self.channels}
        if self.is_rhino_analog or ports & {"FXO", "FXS", "WCTDM"}:
            return Kind.ANALOG
        return Kind.UNKNOWN

    @property
    def is_rhino_analog(self) -> bool:
        """A Rhino RCB card: its driver (rcbfx) never raises an alarm. Source: facts/pri-timing, rcbfx."""
        return "RCB" in self.name or "RCB" in self.description

    @property
    def board(self) -> str:
        """Rhino's name of the board (R1T1, R2T1, RCB4FXO …), or nothing for other makes."""
        words = self.name.replace("/", " ").split()
        return next((word for word in words if word.startswith(("R1T1", "R2T1", "R4T1", "RCB"))), "")
