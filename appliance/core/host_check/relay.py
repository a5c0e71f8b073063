"""Judge of a relay: does it give the line to the secondary when the primary loses its power?"""

from __future__ import annotations

from appliance.core.host_check.finding import Finding, fine, warning, wrong
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
