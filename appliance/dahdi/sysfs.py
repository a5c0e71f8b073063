"""What /sys/bus/dahdi_* says of a span. Absent on old DAHDI; then it simply adds nothing."""

from __future__ import annotations

from pathlib import Path

from appliance.dahdi.alarms import NONE, Alarm, from_sysfs


def read_alarms(root: Path, number: int) -> Alarm:
    """The span's alarms; none when sysfs does not say."""
    try:
        return from_sysfs((_span(root, number) / "alarms").read_text())
    except (OSError, ValueError):
        return NONE


def read_location(root: Path, number: int) -> str:
    """The slot of the span's card (`PCI Bus 02 Slot 09`), or nothing. Rhino cards have no other identity."""
    try:
        return (_span(root, number).resolve().parent / "location").read_text(errors="replace").strip()
    except OSError:
        return ""


def _span(root: Path, number: int) -> Path:
    return root / f"sys/bus/dahdi_spans/devices/span-{number}"
