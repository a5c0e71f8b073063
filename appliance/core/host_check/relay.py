"""Judge of a relay: does it give the line to the secondary when the primary loses its power?"""

from __future__ import annotations

from collections.abc import Callable

from appliance.core.host_check.finding import Finding, fine, warning, wrong
from appliance.core.poweroff_drill import DrillResult, PoweroffDrills, Way
from appliance.core.relay_facts import Falls, RelayFacts


def judge_fall(facts: RelayFacts, *, on_network: bool = False) -> Finding:
    """Judge a device by what is known of its kind; nothing is tried on it.

    Args:
        facts: What is known.
        on_network: Whether it is reached over the network, where its power seldom comes from the primary.
    """
    if facts.falls is Falls.NO:
        return wrong(
            f"The {facts.title} stays as it is without power: a dead primary would keep the line.",
            "Take a device that falls without power: docs/hardware.md.",
        )
    if facts.falls is Falls.UNKNOWN:
        return warning(
            f"Whether the {facts.title} falls without power is not known.",
            "Try it: the line must go to the secondary when you pull its plug.",
        )
    if facts.watchdog:
        return fine(
            f"the {facts.title} gives the line to the secondary without power, and by its own watchdog when the "
            "primary dies or hangs"
        )
    if on_network:
        return warning(
            f"The {facts.title} is on the network and has no watchdog of its own in use: unless its power comes from "
            "the primary, a dead primary keeps the line, and nobody has it.",
            "Power it from the primary and try it: the line must go to the secondary when you cut the primary's power. "
            "Or take a device with a watchdog: docs/hardware.md.",
        )
    supply = "; its supply must come from the primary" if facts.own_supply else ""
    return fine(f"the {facts.title} gives the line to the secondary without power{supply}")


TRY_IT = "asha relay test --poweroff"
_ERP = (
    "Switch on ErP (EuP) in the BIOS, so that USB has no power while the machine is off, and try it again: "
    f"'{TRY_IT}'; see docs/hardware.md."
)


def judge_poweroff(drills: PoweroffDrills, day: Callable[[float], str]) -> Finding:
    """Judge what was seen of the relay when the machine was switched off.

    Args:
        drills: What is noted of the relay that the conf file names.
        day: Makes a date of epoch seconds.
    """
    if (under_way := drills.under_way) is not None:
        return warning(
            f"A drill of {day(under_way.began)} waits for what you saw of the relay.",
            f"Give '{TRY_IT}' on this node.",
        )
    if (without := drills.button) is not None and not without.fell:
        return warning(
            f"The relay stayed energised when the machine was switched off without asha ({day(without.at)}): after a "
            "power button that is held, or a crash and poweroff, the primary keeps the line.",
            _ERP,
        )
    if (released := drills.poweroff) is not None and not released.fell:
        return warning(
            f"The relay stayed energised after 'poweroff' ({day(released.at)}), although asha's service releases it "
            "before the machine is off.",
            f"See whether it follows 'asha relay test', and whether init stops asha at a shutdown. {_ERP}",
        )
    return fine("; ".join(_seen(drills, day)))


def _seen(drills: PoweroffDrills, day: Callable[[float], str]) -> list[str]:
    """Return what is well, and what was not tried yet."""
    told = []
    for way, when in (
        (Way.BUTTON, "switched off without asha"),
        (Way.POWEROFF, "switched off by 'poweroff'"),
    ):
        if (result := drills.result(way)) is not None:
            told.append(f"the relay falls when the machine is {when} ({day(result.at)})")
    if drills.button is None:
        told.append(f"not tried yet whether the relay falls without asha's release: '{TRY_IT}'")
    if drills.hang is not None:
        told.append(_hung(drills.hang, day))
    return told


def _hung(result: DrillResult, day: Callable[[float], str]) -> str:
    what = "it fell" if result.fell else "it stayed energised, and only a watchdog or a fence ends that"
    return f"while the machine hung, {what} ({day(result.at)})"
