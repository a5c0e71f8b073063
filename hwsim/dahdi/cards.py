"""Span cards as PCI and DAHDI describe them. Source: facts/dahdi, pci ids read in Rhino's drivers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpanCard:
    """One card: `device` is its PCI device id (vendor 0b0b), `spans` how many it has, `channels` of each.

    `line`: T1, E1 or ANALOG; `ports`, for analog cards, is what each channel is: FXO, FXS or --- (empty).
    """

    model: str
    driver: str
    device: str
    line: str
    spans: int
    channels: int
    ports: tuple[str, ...] = ()

    def span_name(self, number: int) -> str:
        """The NAME of span `number` (from 1) of card 0, spaces and all."""
        if self.line == "ANALOG":
            return f"Rhino {self.model}/1"
        return f"{self.model}/0" if self.spans == 1 else f"{self.model}/0/{number}"

    def description(self, number: int) -> str:
        """The quoted description of span `number`."""
        if self.line == "ANALOG":
            return self.span_name(number)
        if self.spans == 1:
            return f"Rhino {self.model} T1/PRI Card 0"
        return f"{self.model} (PCI) Card 0 Span {number}"

    def channel_name(self, span: int, channel: int) -> str:
        """The name of channel `channel` (from 1) of span `span`."""
        if self.line == "ANALOG":
            return f"{self.ports[channel - 1]}/1/{channel - 1}"
        return f"{self.span_name(span)}/{channel}"

    @property
    def line_config(self) -> str:
        """LINECONFIG as the driver prints it."""
        return {"T1": "B8ZS/ESF", "E1": "CCS/HDB3/CRC4"}.get(self.line, "")

    @property
    def dchannel(self) -> int:
        """Which channel of a span is the D-channel; 0 for analog."""
        return {"T1": 24, "E1": 16}.get(self.line, 0)


R1T1 = SpanCard("R1T1", "r1t1", "0x0105", "T1", 1, 24)
R2T1 = SpanCard("R2T1", "rxt1", "0x0605", "T1", 2, 24)
R1E1 = SpanCard("R1T1", "r1t1", "0x0105", "E1", 1, 31)
RCB4FXO = SpanCard("RCB4FXO", "rcbfx", "0x0206", "ANALOG", 1, 4, ("FXO", "FXO", "FXO", "---"))
