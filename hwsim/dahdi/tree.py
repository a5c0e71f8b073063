"""The writer of the fake tree, which keeps the tree's alarms in step with a line."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from hwsim.dahdi.cards import SpanCard
from hwsim.dahdi.spans import TreeSpan, number_spans, proc_text, slots, sysfs_values
from hwsim.line.line import LineEvent, TelephoneLine

# sysfs shows alarms as bits. Source: docs/facts/dahdi.md.
_BITS = {"RED": 0x8, "YELLOW": 0x4, "BLUE": 0x10, "RECOVERING": 0x1, "LOOP": 0x2, "NOTOPEN": 0x20}


# Alarms during which an analog telephone line has no battery.
_DEAD = frozenset({"RED", "BLUE", "LOOP"})


class DahdiTree:
    """A root directory with `proc/dahdi` and `sys`, for `cards` in the order of their slots."""

    def __init__(self, root: Path, cards: Sequence[SpanCard]) -> None:
        self.root = root
        self._spans = {span.number: span for span in number_spans(cards)}
        self._there = set(self._spans)
        self._alarms = dict.fromkeys(self._spans, "")
        self._channel_alarms = dict.fromkeys(self._spans, "")
        (root / "proc/dahdi").mkdir(parents=True, exist_ok=True)
        for slot, card in slots(cards):
            self._write_pci(slot, card)
            self._write_device(slot, card)
        for number in self._spans:
            self.restore(number)

    def now_there(self) -> dict[int, tuple[TreeSpan, int]]:
        """Return the spans that are there by their numbers, each with its alarms as the kernel's bits."""
        return {
            number: (self._spans[number], _BITS.get(self._alarms[number], 0))
            for number in sorted(self._there)
        }

    def follow(self, line: TelephoneLine, side: str, numbers: Sequence[int] | None = None) -> None:
        """Show the alarms of `side` of `line` on the spans `numbers` (or on all), from now on."""

        def changed(event: LineEvent) -> None:
            if event.side == side and event.what == "alarm":
                self.set_alarm(event.value, numbers)

        line.on_change(changed)
        self.set_alarm(line.sides[side].alarm, numbers)

    def set_alarm(self, alarm: str, numbers: Sequence[int] | None = None) -> None:
        """Put `alarm` (OK, RED, RECOVERING, BLUE …) on the spans `numbers`, or on all that can have one.

        A channel's own alarm changes only when its span goes to or from none, and is stale otherwise; an
        analog card's span has no alarm, and some analog cards have one on each port whose telephone line has
        no battery.
        """
        word = "" if alarm == "OK" else alarm
        for number in self._spans if numbers is None else numbers:
            card = self._spans[number].card
            if card.watches_battery:
                self._channel_alarms[number] = "RED" if word in _DEAD else ""
            if card.raises_alarms:
                if bool(word) != bool(self._alarms[number]):
                    self._channel_alarms[number] = word
                self._alarms[number] = word
            if number in self._there:
                self._write_alarms(self._spans[number])

    def remove(self, number: int) -> None:
        """Remove a span, as when its driver is unloaded or it is unassigned; the others keep their numbers."""
        span = self._spans[number]
        self._there.discard(number)
        (self.root / f"proc/dahdi/{number}").unlink(missing_ok=True)
        (self.root / f"sys/bus/dahdi_spans/devices/span-{number}").unlink(missing_ok=True)
        shutil.rmtree(self.root / _sysfs_span(span), ignore_errors=True)

    def restore(self, number: int) -> None:
        """Add a removed span again, with the alarm that it has by now."""
        span = self._spans[number]
        self._there.add(number)
        self._write_all(_sysfs_span(span), sysfs_values(span))
        target = _sysfs_span(span).removeprefix("sys/")
        self._link(f"sys/bus/dahdi_spans/devices/span-{number}", f"../../../{target}")
        self._write_alarms(span)

    def _write_alarms(self, span: TreeSpan) -> None:
        alarm = self._alarms[span.number]
        self._replace(f"proc/dahdi/{span.number}", proc_text(span, alarm, self._channel_alarms[span.number]))
        self._replace(f"{_sysfs_span(span)}/alarms", f"{_BITS.get(alarm, 0):#x}\n")

    def _write_pci(self, slot: int, card: SpanCard) -> None:
        address = _address(slot)
        base = f"sys/devices/pci0000:00/{address}"
        if not card.device:
            return
        values = {
            "vendor": card.vendor,
            "device": card.device,
            "subsystem_vendor": card.vendor,
            "subsystem_device": "0x0001",
        }
        self._write_all(base, values)
        self._link(f"sys/bus/pci/devices/{address}", f"../../../devices/pci0000:00/{address}")
        self._link(
            f"sys/bus/pci/drivers/{card.driver}/{address}", f"../../../../devices/pci0000:00/{address}"
        )
        self._link(f"{base}/driver", f"../../../bus/pci/drivers/{card.driver}")
        (self.root / f"sys/module/{card.driver}").mkdir(parents=True, exist_ok=True)
        self._link(f"sys/bus/pci/drivers/{card.driver}/module", f"../../../../module/{card.driver}")

    def _write_device(self, slot: int, card: SpanCard) -> None:
        base = _sysfs_device(slot)
        values = {
            "manufacturer": f"{card.make} Equipment",
            "type": f"{card.make} {card.model}",
            "hardware_id": "",  # Rhino's drivers give no hardware_id
            "location": f"PCI Bus 02 Slot {slot + 1:02d}",
            "span_count": str(card.spans),
            "spantype": "\n".join(f"{local}:{card.span_type}" for local in range(1, card.spans + 1)),
            "assign_span": "",
            "unassign_span": "",
            "auto_assign": "",
        }
        self._write_all(base, values)
        self._link(
            f"sys/bus/dahdi_devices/devices/{Path(base).name}", f"../../../{base.removeprefix('sys/')}"
        )

    def _write_all(self, base: str, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self._replace(f"{base}/{name}", value + "\n")

    def _replace(self, path: str, text: str) -> None:
        """Write a file in one step, as a file in /proc is read."""
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


def _address(slot: int) -> str:
    return f"0000:02:{slot:02x}.0"


def _sysfs_device(slot: int) -> str:
    return f"sys/devices/pci0000:00/{_address(slot)}/pci:{_address(slot)}"


def _sysfs_span(span: TreeSpan) -> str:
    return f"{_sysfs_device(span.slot)}/span-{span.number}"
