"""Span cards as PCI and DAHDI describe them.

Source: docs/facts/dahdi.md, PCI ids read in Rhino's drivers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class SpanCard:
    """One model of card: `device` is its PCI device id, with `spans` spans of `channels` channels each.

    `line`: T1, E1, ANALOG or NONE (no card at all, only a driver that gives the timing, so no `device`);
    `ports`, for analog cards, is what each channel is: FXO, FXS or --- (empty). `says_pci`: old rxt1 drivers
    describe a span as `R2T1 (PCI) Card 0 Span 1`; newer ones leave `(PCI)` out, and on those `dahdi_genconf
    system` fails. `set_up`: dahdi_cfg has run; before, a digital card's driver has not started its spans and
    raises no alarm at all. `watches_battery`: the driver puts RED on an FXO port whose telephone line is
    dead.
    """

    model: str
    driver: str
    device: str
    line: str
    spans: int
    channels: int
    ports: tuple[str, ...] = ()
    says_pci: bool = True
    make: str = "Rhino"
    vendor: str = "0x0b0b"
    set_up: bool = True
    watches_battery: bool = False

    def span_name(self, number: int, card: int = 0) -> str:
        """Return the NAME of span `number` (from 1) of the `card`th of its model (from 0), spaces included."""
        if self.line == "NONE":
            return f"{self.model}/1"
        if self.line == "ANALOG":
            return f"Rhino {self.model}/{card + 1}" if self.make == "Rhino" else f"{self.model}/{card}"
        return f"{self.model}/{card}" if self.spans == 1 else f"{self.model}/{card}/{number}"

    def description(self, number: int, card: int = 0) -> str:
        """Return the quoted description of span `number`."""
        if self.line == "NONE":
            return f"{self.model}/1 (source: HRtimer) 1"
        if self.line == "ANALOG":
            return self.span_name(number, card) if self.make == "Rhino" else f"{self.make} Board {card + 1}"
        if self.spans == 1:
            return f"Rhino {self.model} T1/PRI Card {card}"
        return f"{self.model} {'(PCI) ' if self.says_pci else ''}Card {card} Span {number}"

    def channel_name(self, span: int, channel: int, card: int = 0) -> str:
        """Return the name of channel `channel` (from 1) of span `span`."""
        if self.line == "ANALOG":
            port = f"{self.ports[channel - 1]}/{card + 1}" if self.make == "Rhino" else f"{self.model}/{card}"
            return f"{port}/{channel - 1}"
        return f"{self.span_name(span, card)}/{channel}"

    def signalling(self, channel: int) -> str:
        """Return the signalling that dahdi_cfg gave channel `channel`; "" on an empty port, or before."""
        if not self.set_up:
            return ""
        if self.line == "ANALOG":
            return {"FXO": "FXSKS", "FXS": "FXOKS"}.get(self.ports[channel - 1], "")
        return "HDLCFCS" if channel == self.dchannel else "Clear"

    @property
    def line_config(self) -> str:
        """LINECONFIG as the driver prints it, once dahdi_cfg has set it."""
        return "" if not self.set_up else {"T1": "B8ZS/ESF", "E1": "CCS/HDB3/CRC4"}.get(self.line, "")

    @property
    def line_compat(self) -> str:
        """The framings and codings that the driver can be set to, as sysfs prints them; "" for analog."""
        return {"T1": "D4 ESF AMI B8ZS", "E1": "AMI CCS HDB3 CRC4"}.get(self.line, "")

    @property
    def span_type(self) -> str:
        """The kind as sysfs spells it (dahdi_spantype2str)."""
        if self.line == "NONE":
            return "INVALID"
        if self.line != "ANALOG":
            return self.line
        kinds = {port for port in self.ports if port != "---"}
        return kinds.pop() if len(kinds) == 1 else "ANALOG_MIXED"

    @property
    def raises_alarms(self) -> bool:
        """True when the spans show the loss of the signal: a digital card that was set up."""
        return self.line in ("T1", "E1") and self.set_up

    @property
    def dchannel(self) -> int:
        """The number of the D-channel of a span; 0 for analog."""
        return {"T1": 24, "E1": 16}.get(self.line, 0)


def as_e1(card: SpanCard) -> SpanCard:
    """Return the same card, jumpered for E1."""
    return replace(card, line="E1", channels=31)


R1T1 = SpanCard("R1T1", "r1t1", "0x0105", "T1", 1, 24)
R2T1 = SpanCard("R2T1", "rxt1", "0x0605", "T1", 2, 24)
R4T1 = SpanCard("R4T1", "rxt1", "0x0305", "T1", 4, 24)
R1E1 = as_e1(R1T1)
RCB4FXO = SpanCard("RCB4FXO", "rcbfx", "0x0206", "ANALOG", 1, 4, ("FXO", "FXO", "FXO", "---"))
RCB8FXX = SpanCard("RCB8FXX", "rcbfx", "0x0406", "ANALOG", 1, 8, ("FXO",) * 4 + ("FXS",) * 4)
RCB24FXS = SpanCard("RCB24FXS", "rcbfx", "0x0506", "ANALOG", 1, 24, ("FXS",) * 24)
# Cards of other makes, with spans and channels named as by their drivers: Digium's TDM400P, whose driver
# watches the battery, and Sangoma's A200, whose driver is not known to.
TDM400P = SpanCard(
    "WCTDM",
    "wctdm",
    "0x0001",
    "ANALOG",
    1,
    4,
    ("FXO", "FXO", "FXS", "---"),
    make="Wildcard TDM400P REV I",
    vendor="0xe159",
    watches_battery=True,
)
A200 = SpanCard("WRTDM", "wanpipe", "0x0040", "ANALOG", 1, 4, ("FXO",) * 4, make="wrtdm", vendor="0x1923")
# What DAHDI shows where no card's driver binds. Source: dahdi_dummy.c.
DUMMY = SpanCard("DAHDI_DUMMY", "dahdi_dummy", "", "NONE", 1, 0)
