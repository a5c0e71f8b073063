"""Writes the fake tree, and keeps its alarms in step with a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.dahdi.cards import SpanCard
from hwsim.line.line import LineEvent, TelephoneLine

# sysfs spells alarms as bits. Source: facts/dahdi.
_BITS = {"RED": 0x8, "YELLOW": 0x4, "BLUE": 0x10, "RECOVERING": 0x1, "LOOP": 0x2, "NOTOPEN": 0x20}


@dataclass(frozen=True, slots=True)
class _Span:
    number: int
    base: int
    card: SpanCard
    local: int


class DahdiTree:
    """A root directory with `proc/dahdi` and `sys`, for `cards` in the order of their slots."""

    def __init__(self, root: Path, cards: Sequence[SpanCard]) -> None:
        self.root = root
        self._cards = tuple(cards)
        self._spans = tuple(self._number())
        self._alarms: dict[int, str] = {span.number: "" for span in self._spans}
        self._channel_alarms: dict[int, str] = dict(self._alarms)
        (root / "proc/dahdi").mkdir(parents=True, exist_ok=True)
        self._write_sysfs()
        for span in self._spans:
            self._write(span)

    def follow(self, line: TelephoneLine, side: str) -> None:
        """Show the alarms of `side` of `line` on every span, from now on."""

        def changed(event: LineEvent) -> None:
            if event.side == side and event.what == "alarm":
                self.set_alarm(event.value)

        line.on_change(changed)
        self.set_alarm(line.sides[side].alarm)

    def set_alarm(self, alarm: str, numbers: Sequence[int] | None = None) -> None:
        """Put `alarm` (OK, RED, RECOVERING, BLUE …) on the spans `numbers`, or on all that can have one.

        A channel's own alarm changes only when its span goes to or from none, and is stale otherwise.
        """
        word = "" if alarm == "OK" else alarm
        for span in self._spans:
            if span.card.line == "ANALOG" or (numbers is not None and span.number not in numbers):
                continue
            if bool(word) != bool(self._alarms[span.number]):
                self._channel_alarms[span.number] = word
            self._alarms[span.number] = word
            self._write(span)

    def remove(self, number: int) -> None:
        """A span vanishes."""
        (self.root / f"proc/dahdi/{number}").unlink()

    def _number(self) -> list[_Span]:
        spans: list[_Span] = []
        base = 1
        for card in self._cards:
            for local in range(1, card.spans + 1):
                spans.append(_Span(len(spans) + 1, base, card, local))
                base += card.channels
        return spans

    def _write(self, span: _Span) -> None:
        self._replace(f"proc/dahdi/{span.number}", self._proc_text(span))
        word = self._alarms[span.number]
        self._replace(f"{self._sysfs_span(span)}/alarms", f"{_BITS.get(word, 0):#x}\n")

    def _proc_text(self, span: _Span) -> str:
        card, alarm = span.card, self._alarms[span.number]
        master = " (MASTER)" if span.number == 1 and card.line != "ANALOG" else ""
        config = f" {card.line_config}" if card.line_config else ""
        clock = "ClockSource " if master else ""
        head = (
            f'Span {span.number}: {card.span_name(span.local)} "{card.description(span.local)}"{master}{config} '
            f"{alarm + ' ' if alarm else ''}{clock}\n\n"
        )
        return head + "".join(self._channel_line(span, number) for number in range(1, card.channels + 1))

    def _channel_line(self, span: _Span, number: int) -> str:
        card = span.card
        name = card.channel_name(span.local, number)
        if card.line == "ANALOG":
            port = card.ports[number - 1]
            return (
                f"\t{span.base + number - 1:4d} {name} " + ("" if port == "---" else "FXSKS (In use) ") + "\n"
            )
        kind = "HDLCFCS " if number == card.dchannel else "Clear "
        echo = "" if number == card.dchannel else "(EC: MG2 - INACTIVE) "
        alarm = self._channel_alarms[span.number]
        return f"\t{span.base + number - 1:4d} {name} {kind}(In use) {alarm + ' ' if alarm else ''}{echo}\n"

    def _write_sysfs(self) -> None:
        for slot, card in enumerate(self._cards, 8):
            self._write_pci(slot, card)
            self._write_device(slot, card)

    def _write_pci(self, slot: int, card: SpanCard) -> None:
        address = f"0000:02:{slot:02x}.0"
        base = f"sys/devices/pci0000:00/{address}"
        values = {
            "vendor": "0x0b0b",
            "device": card.device,
            "subsystem_vendor": "0x0b0b",
            "subsystem_device": "0x0001",
        }
        self._write_all(base, values)
        self._link(f"sys/bus/pci/devices/{address}", f"../../../devices/pci0000:00/{address}")
        self._link(
            f"sys/bus/pci/drivers/{card.driver}/{address}", f"../../../../devices/pci0000:00/{address}"
        )
        (self.root / f"sys/module/{card.driver}").mkdir(parents=True, exist_ok=True)
        self._link(f"sys/bus/pci/drivers/{card.driver}/module", f"../../../../module/{card.driver}")

    def _write_device(self, slot: int, card: SpanCard) -> None:
        spans = [span for span in self._spans if span.card is card]
        base = self._sysfs_device(slot)
        place = f"PCI Bus 02 Slot {slot + 1:02d}"
        values = {
            "manufacturer": "Rhino Equipment",
            "type": f"Rhino {card.model}",
            "hardware_id": "",
            "location": place,
        }
        self._write_all(base, {**values, "span_count": str(len(spans))})
        self._link(
            f"sys/bus/dahdi_devices/devices/{Path(base).name}", f"../../../{base.removeprefix('sys/')}"
        )
        for span in spans:
            self._write_all(self._sysfs_span(span), self._span_values(span))
            target = f"../../../{self._sysfs_span(span).removeprefix('sys/')}"
            self._link(f"sys/bus/dahdi_spans/devices/span-{span.number}", target)

    def _span_values(self, span: _Span) -> Mapping[str, str]:
        card = span.card
        return {
            "name": card.span_name(span.local),
            "desc": card.description(span.local),
            "spantype": card.line,
            "local_spanno": str(span.local),
            "alarms": "0x0",
            "basechan": str(span.base),
            "channels": str(card.channels),
            "is_digital": str(int(card.line != "ANALOG")),
            "is_sync_master": str(int(span.number == 1)),
            "lineconfig": card.line_config,
            "lbo": "0",
            "syncsrc": "0",
        }

    def _sysfs_device(self, slot: int) -> str:
        address = f"0000:02:{slot:02x}.0"
        return f"sys/devices/pci0000:00/{address}/pci:{address}"

    def _sysfs_span(self, span: _Span) -> str:
        slot = 8 + self._cards.index(span.card)
        return f"{self._sysfs_device(slot)}/span-{span.number}"

    def _write_all(self, base: str, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self._replace(f"{base}/{name}", value + "\n")

    def _replace(self, path: str, text: str) -> None:
        """Whole or not at all, as a file in /proc is read."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        new = self.root / ".new"
        new.write_text(text)
        new.replace(place)

    def _link(self, path: str, target: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to(target)
