"""What /sys/bus/dahdi_* tells of a span; old DAHDI does not have it, and then nothing is added."""

from __future__ import annotations

from pathlib import Path

from appliance.dahdi.alarms import NONE, Alarm, from_sysfs


def read_alarms(root: Path, number: int) -> Alarm:
    """Return the alarms of span `number`; NONE when sysfs does not tell."""
    try:
        return from_sysfs((_span(root, number) / "alarms").read_text(errors="replace"))
    except (OSError, ValueError):
        return NONE


def read_location(root: Path, number: int) -> str:
    """Return the slot of the span's card (`PCI Bus 02 Slot 09`), or "".

    Rhino cards have no other identity.
    """
    try:
        return _word(_span(root, number).resolve().parent / "location")
    except (OSError, RuntimeError):  # RuntimeError: resolve() met a loop of links
        return ""


def read_span_type(root: Path, number: int) -> str:
    """Return the driver's word for the kind of span (`T1`, `E1`, `FXO` …), or ""."""
    try:
        return _word(_span(root, number) / "spantype")
    except OSError:
        return ""


def read_line_compat(root: Path, number: int) -> frozenset[str]:
    """Return the framings and codings the span can do (`D4 ESF AMI B8ZS`), or an empty set.

    The kernel refuses every other one.
    """
    try:
        return frozenset((_span(root, number) / "linecompat").read_text(errors="replace").split())
    except OSError:
        return frozenset()


def read_driver(root: Path, number: int) -> str:
    """Return the kernel module that drives the span's card, or "".

    The name is taken from the `module` link, because a driver's directory has another name (rxt1's has spaces
    in it).
    """
    try:
        # the device on the bus dahdi_devices, below the card's own device
        device = _span(root, number).resolve().parent
        top = root.resolve()
        modules = [place / "driver/module" for place in device.parents if place.is_relative_to(top)]
        return next((module.resolve().name for module in modules if module.exists()), "")
    except (OSError, RuntimeError):
        return ""


def _word(path: Path) -> str:
    return path.read_text(errors="replace").strip()


def _span(root: Path, number: int) -> Path:
    return root / f"sys/bus/dahdi_spans/devices/span-{number}"
